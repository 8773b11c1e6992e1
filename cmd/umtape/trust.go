package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"github.com/umtape/umtape/proxy"
)

// trustSteps says how each platform trusts a certificate file and uses the
// proxy. {CA} stands for the file, {WINDOWS} for the commands of that store.
const trustSteps = `How clients trust it. Each line is for a test or a shell, not for good: take it
back when you are done. The proxy is http://127.0.0.1:8088 unless you said
otherwise.

curl        curl --proxy http://127.0.0.1:8088 --cacert {CA} https://...
            or for all of a shell: export CURL_CA_BUNDLE={CA} HTTPS_PROXY=http://127.0.0.1:8088

Go          export SSL_CERT_FILE={CA} HTTPS_PROXY=http://127.0.0.1:8088
            (Linux and BSD; elsewhere put the certificate into tls.Config.RootCAs.
            Go never uses a proxy for localhost.)

Java        umtape ca export --format p12 umtape.p12
            java -Djavax.net.ssl.trustStore=umtape.p12 -Djavax.net.ssl.trustStorePassword=changeit \
                 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8088 -Dhttp.nonProxyHosts= ...

.NET        Linux: export SSL_CERT_FILE={CA} HTTPS_PROXY=http://127.0.0.1:8088
            Windows: {WINDOWS}
            (take back: {WINDOWS BACK}), and set
            HttpClientHandler.Proxy, or proxyAddress of the WCF binding

Python      export REQUESTS_CA_BUNDLE={CA} HTTPS_PROXY=http://127.0.0.1:8088
            (requests and zeep; for ssl and urllib: SSL_CERT_FILE={CA})

PHP         php -d openssl.cafile={CA} ...
            new SoapClient($wsdl, ['proxy_host' => '127.0.0.1', 'proxy_port' => 8088])

Node.js     export NODE_EXTRA_CA_CERTS={CA}
            (Node 24 and later: NODE_USE_ENV_PROXY=1 HTTPS_PROXY=http://127.0.0.1:8088;
            before that, give the SOAP client a proxy agent)

For one command, whatever it is made in: umtape exec replay calls.yaml -- COMMAND
For all programs of a machine, a browser or a JDK: umtape ca trust
`

func writeTrust(w io.Writer, ca *proxy.CA, file string) error {
	t := newTarget(ca)
	t.file = file
	windows := t.windowsStore()
	_, err := io.WriteString(w, strings.NewReplacer("{CA}", shellQuote(file),
		"{WINDOWS}", windows.line(windows.install[0]), "{WINDOWS BACK}", windows.line(windows.uninstall[0])).Replace(trustSteps))
	return err
}

// trustName is what trust stores call the authority: the same for ever, and
// another for another one. Its digits begin the fingerprint.
func trustName(ca *proxy.CA) string {
	sum := sha256.Sum256(ca.Certificate().Raw)
	return fmt.Sprintf("umtape-%x", sum[:4])
}

// shellQuote is a word as a POSIX shell reads it.
func shellQuote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n\\'\"$&;|<>()*?[]#~`!{}") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
