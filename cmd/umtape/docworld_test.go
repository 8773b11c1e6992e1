//go:build unix

package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// docWorld is what the pages find outside umtape.
type docWorld struct {
	proxy string   // HOST:PORT of a proxy by which um.example.com is reached
	roots string   // file of the authorities that everybody trusts
	path  string   // PATH
	forGo []string // environment: Go's caches are those of this test, for another home would build all anew; and where the sources are
	tapes string   // folder of cassettes: calls.yaml with a Disconnect, call.yaml with a whole call
}

// A suite is what stands for a user's tests: it hangs up the call of disconnect.xml.
const suite = `#!/bin/sh
curl -sS -o answer.xml -w 'hang up: %{http_code}\n' -H 'Content-Type: text/xml; charset=utf-8' --data-binary @testdata/messages/disconnect-request.xml \
	"${UM_SERVER:-https://um.example.com}/UnifiedMessaging/Service.asmx"
grep -q DisconnectResponse answer.xml
`

func newDocWorld(t *testing.T) *docWorld {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &docWorld{roots: filepath.Join(root, "world", "ca.pem"), tapes: filepath.Join(root, "tapes")}
	bin := filepath.Join(root, "bin")
	for _, dir := range []string{bin, w.tapes} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"npm", "pytest", "make"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(suite), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	umtape, err := exec.LookPath("umtape") // testscript has put it there
	if err != nil {
		t.Fatal(err)
	}
	w.path = strings.Join([]string{filepath.Dir(umtape), bin, "/usr/bin", "/bin", os.Getenv("PATH")}, ":")
	if node := newNode(); node != "" {
		w.path = node + ":" + w.path
	}

	for _, name := range []string{"GOCACHE", "GOMODCACHE"} { // which are in the home that pages have not
		if out, err := exec.Command("go", "env", name).Output(); err == nil {
			w.forGo = append(w.forGo, name+"="+strings.TrimSpace(string(out)))
		}
	}
	checkout, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	w.forGo = append(w.forGo, "CHECKOUT="+checkout)

	um := docStart(t, "serve", "um", "--listen", "127.0.0.1:0", "--ca-dir", filepath.Join(root, "world"), "--unknown-call", "success", "-q")
	w.proxy = docWays(t, um.at)
	for name, whole := range map[string]bool{"calls.yaml": false, "call.yaml": true} {
		tape := docStart(t, "record", "--listen", "127.0.0.1:0", "--ca-dir", filepath.Join(root, "ca"), "--upstream-ca", w.roots,
			"--upstream-proxy", "http://"+w.proxy, filepath.Join(w.tapes, name))
		docCall(t, tape.at, whole)
		tape.stop()
	}
	return w
}

type docProcess struct {
	at   string // HOST:PORT
	stop func()
}

// docStart starts umtape until it listens.
func docStart(t *testing.T, args ...string) docProcess {
	cmd := exec.Command("umtape", args...)
	out := &lineBuffer{grew: make(chan struct{}, 1)}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	p := docProcess{stop: func() { cmd.Process.Signal(os.Interrupt); <-exited }}
	t.Cleanup(p.stop)
	for {
		if m := listening.FindStringSubmatch(out.String()); m != nil {
			p.at = m[1]
			return p
		}
		select {
		case <-out.grew:
		case <-exited:
			t.Fatalf("umtape %s:\n%s", strings.Join(args, " "), out.String())
		case <-time.After(30 * time.Second):
			t.Fatalf("umtape %s does not listen:\n%s", strings.Join(args, " "), out.String())
		}
	}
}

// docWays is a proxy that leads to um.example.com, wherever that is, and to this
// machine, and nowhere else.
func docWays(t *testing.T, um string) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	where := func(host string) string {
		switch name, _, _ := net.SplitHostPort(host); {
		case name == "um.example.com":
			return um
		case name == "127.0.0.1" || name == "localhost":
			return host
		}
		return ""
	}
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		at := where(r.Host)
		if at == "" || r.Method != http.MethodConnect {
			http.Error(rw, "no such host", http.StatusBadGateway)
			return
		}
		to, err := net.Dial("tcp", at)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		from, buffered, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			to.Close()
			return
		}
		io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(to, buffered); to.Close() }()
		io.Copy(from, to)
		from.Close()
	})}
	go server.Serve(ln)
	t.Cleanup(func() { server.Close() })
	return ln.Addr().String()
}

// docCall has a client hang up, or make a whole call and hang up twice.
func docCall(t *testing.T, tape string, whole bool) {
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: tape}), DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: 30 * time.Second}
	message := func(name string) []byte {
		data, err := os.ReadFile("../../testdata/messages/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	post := func(body []byte) string {
		resp, err := client.Post("https://um.example.com/UnifiedMessaging/Service.asmx", "text/xml; charset=utf-8", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	hangUp := message("disconnect-request.xml")
	if !whole {
		post(hangUp)
		return
	}
	answer := post(message("playonphone-request.xml"))
	_, id, _ := strings.Cut(answer, "<PlayOnPhoneResponse>")
	id, _, _ = strings.Cut(id, "</")
	sample := elementText(hangUp, "CallId")
	hangUp = bytes.Replace(hangUp, sample, []byte(id), 1)
	poll := bytes.ReplaceAll(hangUp, []byte("Disconnect"), []byte("GetCallInfo"))
	for _, body := range [][]byte{poll, poll, hangUp, hangUp} {
		post(body)
	}
}

func elementText(xml []byte, name string) []byte {
	_, rest, _ := bytes.Cut(xml, []byte("<"+name+">"))
	text, _, _ := bytes.Cut(rest, []byte("</"))
	return text
}
