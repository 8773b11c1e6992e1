package main

import (
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/proxy"
)

// upstreamFlags say how servers are reached.
type upstreamFlags struct {
	upstreamCA  []string
	insecure    []string
	legacyTLS   []string
	clientCerts []string
	resolve     []string
	proxy       string
	proxyAuth   string
}

// What belongs on no command line, where others can read it.
const (
	envProxyAuth    = "UMTAPE_UPSTREAM_PROXY_AUTH"
	envCertPassword = "UMTAPE_CLIENT_CERT_PASSWORD"
)

func (f *upstreamFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.upstreamCA, "upstream-ca", nil, "PEM `FILE` of certificates to trust for servers, besides the system's; may be repeated")
	flags.StringSliceVar(&f.insecure, "insecure-upstream", nil, "`HOST` whose certificate is not verified; may be repeated")
	flags.StringSliceVar(&f.legacyTLS, "legacy-tls", nil, "`HOST` with which TLS 1.0, 1.1 and old cipher suites are allowed; may be repeated")
	flags.StringSliceVar(&f.clientCerts, "client-cert", nil, "`[HOST=]FILE` of a certificate and its key, PEM or PKCS #12 (password in "+envCertPassword+"), to show to servers that ask, or to HOST only; may be repeated")
	flags.StringSliceVar(&f.resolve, "resolve", nil, "`HOST:PORT:ADDRESS` to connect to ADDRESS for HOST:PORT; may be repeated")
	flags.StringVar(&f.proxy, "upstream-proxy", "", "`URL` of the proxy that leads to the servers, http://HOST:PORT or https://HOST:PORT")
	flags.StringVar(&f.proxyAuth, "upstream-proxy-auth", "", "`FILE` with user:password for it (Basic); "+envProxyAuth+" holds the same")
}

// given returns the first of these flags that was given, "" for none.
func (f *upstreamFlags) given(cmd *cobra.Command) string {
	for _, name := range []string{"upstream-ca", "insecure-upstream", "legacy-tls", "client-cert", "resolve", "upstream-proxy", "upstream-proxy-auth", "reverse", "all"} {
		if cmd.Flags().Changed(name) {
			return name
		}
	}
	return ""
}

func (f *upstreamFlags) upstream() (*proxy.Upstream, error) {
	c := proxy.UpstreamConfig{
		RootCAFiles: f.upstreamCA, Insecure: f.insecure, LegacyTLS: f.legacyTLS, Resolve: f.resolve,
		ProxyAuthFile: f.proxyAuth,
	}
	for _, entry := range f.clientCerts {
		c.ClientCerts = append(c.ClientCerts, clientCert(entry))
	}
	if f.proxy != "" {
		u, err := url.Parse(f.proxy)
		if err != nil {
			return nil, misuse("--upstream-proxy is not a URL such as http://proxy.example.com:3128") // the error quotes it
		}
		c.Proxy = u
		if f.proxyAuth == "" {
			c.ProxyAuth = os.Getenv(envProxyAuth)
		}
	}
	return proxy.NewUpstream(c)
}

// clientCert splits HOST=FILE. A file of that whole name counts first.
func clientCert(entry string) proxy.ClientCert {
	c := proxy.ClientCert{File: entry, Password: os.Getenv(envCertPassword)}
	if _, err := os.Stat(entry); err == nil {
		return c
	}
	if host, file, ok := strings.Cut(entry, "="); ok && !strings.ContainsAny(host, `/\`) {
		c.Host, c.File = host, file
	}
	return c
}
