package proxy

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// IIS begins TLS anew when it has seen for which path it wants a client
// certificate. Go's server cannot, so openssl's plays it.
func TestServerMayRenegotiateOnce(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl here")
	}
	leaf, err := sharedCA(t).Leaf("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "server.pem")
	both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), encodeCert(leaf.Certificate[0])...)
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	for times, want := range map[int]string{1: "HTTP/1.1 200 ", 2: "HTTP/1.1 502 "} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			address := closedPort(t)
			_, port, _ := net.SplitHostPort(address)
			cmd := exec.Command(openssl, "s_server", "-tls1_2", "-accept", port, "-cert", file, "-key", file, "-crlf")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { cmd.Process.Kill(); cmd.Wait() }()
			lines := bufio.NewScanner(out)
			until := func(prefix string) {
				for lines.Scan() {
					if strings.HasPrefix(lines.Text(), prefix) {
						return
					}
				}
				t.Errorf("openssl ended before it said %q", prefix)
			}
			until("ACCEPT")
			_, addr := start(t, Config{})
			c := dial(t, addr)
			fmt.Fprintf(c, "GET https://%s/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", address)
			until("GET / HTTP/1.1")
			for range times {
				io.WriteString(in, "R\n") // a line of its own: renegotiate
				until("SSL_do_handshake -> 1")
			}
			if times == 1 {
				io.WriteString(in, "HTTP/1.1 200 OK\nContent-Length: 2\n\nok\n")
			}
			b, err := io.ReadAll(c)
			if got := string(b); err != nil || !strings.HasPrefix(got, want) || times == 2 && !strings.Contains(got, "TLS anew") {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}
