// Package clientenv has a program use a proxy and trust the proxy's authority, by
// nothing but its environment: the variables that curl, Git, Go, Java, .NET,
// Node.js, Perl, PHP, Python, Ruby and wget read, and the files that they name.
//
//	env, err := clientenv.Setup{Proxy: "http://127.0.0.1:8088", CA: ca}.Environ(os.Environ(), dir)
//	cmd.Env = env
//
// What each variable is for, and who reads it, is told where it is set, in
// [Setup.Environ]. What no variable can do: Go and Ruby never use a proxy for
// localhost and 127.0.0.1; Go on macOS and Windows, and whatever uses the
// system's own TLS there, trust what the system trusts (`umtape ca trust`); some
// clients, PHP's SoapClient for one, take a proxy as an argument only.
package clientenv

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/umtape/umtape/proxy"
)

// The variables for clients that are to be told in words of their own.
const (
	ProxyVariable  = "UMTAPE_PROXY" // the URL of the proxy
	OriginVariable = "UMTAPE_URL"   // the URL to talk to in place of the server's; not set if there is none
	CAVariable     = "UMTAPE_CA"    // the file of the authority's certificate, PEM
)

// Setup is what a program is to use. Proxy and CA must be given.
type Setup struct {
	// Proxy is the URL of the proxy, http://HOST:PORT.
	Proxy string

	// CA signs the certificates that the proxy shows.
	CA *proxy.CA

	// Origin is where requests are taken as the server takes them; "" if nowhere.
	Origin string

	// Direct are hosts to be reached without the proxy, as NO_PROXY lists them.
	Direct []string
}

// Environ returns base, which is as [os.Environ], with what it takes, and writes
// the files that it names into dir, which has to outlive the program. Roots that
// base names are trusted as well, besides the system's.
func (s Setup) Environ(base []string, dir string) ([]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	host, port, err := hostPort(s.Proxy)
	if err != nil {
		return nil, err
	}
	env := variables(slices.Clone(base))
	files, err := s.write(dir, env)
	if err != nil {
		return nil, err
	}
	// Nearly everything: curl, Git, Go, .NET, Perl, PHP's curl, Python, Ruby, wget;
	// Node.js 24 (and 22.21) and what it is told by NODE_USE_ENV_PROXY.
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		env.set(name, s.Proxy)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		env.setOrDrop(name, strings.Join(s.Direct, ","))
	}
	env.set("NODE_USE_ENV_PROXY", "1")
	env.set("PERL_LWP_ENV_PROXY", "1")

	env.set("SSL_CERT_FILE", files.bundle)      // OpenSSL: Python's ssl, Ruby, PHP's streams, .NET; and Go, but on macOS and Windows
	env.set("CURL_CA_BUNDLE", files.bundle)     // curl; Python's requests too, if the next is not set
	env.set("REQUESTS_CA_BUNDLE", files.bundle) // Python's requests, zeep, pip
	env.set("GIT_SSL_CAINFO", files.bundle)
	env.set("PERL_LWP_SSL_CA_FILE", files.bundle)
	env.set("WGETRC", files.wget)
	env.set("NODE_EXTRA_CA_CERTS", files.extra)                                                                           // besides those built in
	env.set("PHP_INI_SCAN_DIR", env.get("PHP_INI_SCAN_DIR")+string(os.PathListSeparator)+filepath.Dir(files.phpSettings)) // an empty first one is PHP's own
	env.set("JAVA_TOOL_OPTIONS", strings.TrimSpace(env.get("JAVA_TOOL_OPTIONS")+" "+javaOptions(host, port, files.java, s.Direct)))

	env.set(ProxyVariable, s.Proxy)
	env.setOrDrop(OriginVariable, s.Origin)
	env.set(CAVariable, files.own)
	return env, nil
}

// files are what variables name.
type files struct {
	own         string // the authority's certificate alone, PEM
	extra       string // the same, and what NODE_EXTRA_CA_CERTS named before
	bundle      string // the same, the system's roots, and what variables named before
	java        string // the same as a trust store of Java's
	phpSettings string // says bundle, in a folder of its own
	wget        string // the same for wget, after what the user's own file says
}

// bundles are the variables whose roots are trusted as well if they name some.
var bundles = []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "PERL_LWP_SSL_CA_FILE", "NODE_EXTRA_CA_CERTS"}

func (s Setup) write(dir string, env variables) (files, error) {
	f := files{
		own: filepath.Join(dir, "umtape.pem"), extra: filepath.Join(dir, "extra.pem"), bundle: filepath.Join(dir, "roots.pem"),
		java: filepath.Join(dir, "roots.p12"), phpSettings: filepath.Join(dir, "php", "umtape.ini"),
		wget: filepath.Join(dir, "wgetrc"),
	}
	var own, extra, all roots
	own.addPEM(s.CA.CertPEM())
	extra.addPEM(s.CA.CertPEM())
	extra.addFile(env.get("NODE_EXTRA_CA_CERTS"))
	all.addPEM(s.CA.CertPEM()) // the first, for whoever looks at no more
	all.addSystem()
	for _, name := range bundles {
		all.addFile(env.get(name))
	}
	store, err := s.CA.TrustStore("umtape", proxy.StorePassword, all.parsed()[1:]...)
	if err != nil {
		return f, fmt.Errorf("the trust store for Java could not be made: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(f.phpSettings), 0o700); err != nil {
		return f, err
	}
	quoted := `"` + f.bundle + `"` // PHP reads no escapes but \" in there, and no file is called that here
	for _, w := range []struct {
		path string
		data []byte
	}{
		{f.own, own.pem()}, {f.extra, extra.pem()}, {f.bundle, all.pem()}, {f.java, store},
		{f.phpSettings, []byte("; the authority of umtape, for this run\ncurl.cainfo = " + quoted + "\nopenssl.cafile = " + quoted + "\n")},
		{f.wget, append(wgetSettings(env), "ca_certificate = "+f.bundle+"\n"...)},
	} {
		if err := os.WriteFile(w.path, w.data, 0o600); err != nil {
			return f, err
		}
	}
	return f, nil
}

// wgetSettings is what the user's file of wget's settings holds: wget reads one such
// file, and has no variable for roots.
func wgetSettings(env variables) []byte {
	path := env.get("WGETRC")
	if path == "" && env.get("HOME") != "" {
		path = filepath.Join(env.get("HOME"), ".wgetrc")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil // wget would do without it, too
	}
	return append(data, '\n')
}

// variables are an environment.
type variables []string

// is reports whether an entry is that of a variable; Windows knows no case.
func is(entry, name string) bool {
	key, _, found := strings.Cut(entry, "=")
	return found && (key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name))
}

// get is a variable's value, "" if it is not set. Of several the last counts.
func (v variables) get(name string) string {
	for _, entry := range slices.Backward(v) {
		if is(entry, name) {
			return entry[len(name)+1:]
		}
	}
	return ""
}

func (v *variables) set(name, value string) {
	v.drop(name)
	*v = append(*v, name+"="+value)
}

func (v *variables) drop(name string) {
	*v = slices.DeleteFunc(*v, func(entry string) bool { return is(entry, name) })
}

// setOrDrop sets a variable, or none if it would be empty.
func (v *variables) setOrDrop(name, value string) {
	v.drop(name)
	if value != "" {
		v.set(name, value)
	}
}
