package clientenv

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/umtape/umtape/proxy"
)

// hostPort splits the URL of a proxy.
func hostPort(proxy string) (host, port string, err error) {
	u, err := url.Parse(proxy)
	if err == nil && u.Scheme == "http" {
		host, port, err = net.SplitHostPort(u.Host)
	}
	if err != nil || host == "" {
		return "", "", fmt.Errorf("the proxy %q is not http://HOST:PORT", proxy)
	}
	return host, port, nil
}

// javaOptions are what every Java virtual machine reads from JAVA_TOOL_OPTIONS.
// An option given twice counts as given last, and one of the command line more
// than any of these.
func javaOptions(host, port, store string, direct []string) string {
	var words []string
	option := func(name, value string) {
		word := "-D" + name + "=" + value
		switch { // as HotSpot and OpenJ9 take words apart; there are no escapes
		case !strings.ContainsAny(word, " \t\n\r'\""):
		case !strings.Contains(word, `"`):
			word = `"` + word + `"`
		default:
			word = "'" + word + "'"
		}
		words = append(words, word)
	}
	for _, scheme := range []string{"http", "https"} {
		option(scheme+".proxyHost", host)
		option(scheme+".proxyPort", port)
	}
	option("http.nonProxyHosts", nonProxyHosts(direct)) // of https as well; not given, it is those on loopback
	option("javax.net.ssl.trustStore", store)
	option("javax.net.ssl.trustStoreType", "PKCS12")
	option("javax.net.ssl.trustStorePassword", proxy.StorePassword)
	return strings.Join(words, " ")
}

// nonProxyHosts says in Java's words what NO_PROXY lists: a name stands for all
// below it too. Java knows no networks and no ports.
func nonProxyHosts(direct []string) string {
	var patterns []string
	for _, entry := range direct {
		entry = strings.TrimSpace(entry)
		if host, _, err := net.SplitHostPort(entry); err == nil {
			entry = host
		}
		entry = strings.Trim(entry, "[]")
		ip, err := netip.ParseAddr(entry)
		switch name := strings.TrimPrefix(strings.TrimPrefix(entry, "*"), "."); {
		case err == nil && ip.Is6():
			patterns = append(patterns, "["+entry+"]")
		case err == nil, entry == "*":
			patterns = append(patterns, entry)
		case name == "" || strings.ContainsAny(name, "/|"):
		default:
			patterns = append(patterns, name, "*."+name)
		}
	}
	return strings.Join(patterns, "|")
}
