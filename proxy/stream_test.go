package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/cassettes"
)

// eachWay runs a test over all ways in to a server whose connections serve gets,
// twice: with the transport alone, and with a recorder before it.
func eachWay(t *testing.T, serve func(net.Conn), test func(*testing.T, fidelityWay)) {
	for _, recording := range []bool{false, true} {
		name := "live"
		var wrap func(http.RoundTripper) http.RoundTripper
		if recording {
			tape, recorder := record(t)
			t.Cleanup(func() {
				if err := tape.Close(); err != nil {
					t.Error(err)
				}
			})
			name, wrap = "recording", recorder.Wrap
		}
		for _, way := range waysTo(t, wrap, serve) {
			t.Run(name+"/"+way.name, func(t *testing.T) { test(t, way) })
		}
	}
}

// record starts a tape that keeps every exchange. The caller closes it.
func record(t testing.TB) (*cassettes.Writer, *cassettes.Recorder) {
	t.Helper()
	tape, err := cassettes.Create(filepath.Join(t.TempDir(), "calls.yaml"), cassettes.HeaderMeta{}, cassettes.Refuse, cassettes.SyncNever)
	if err != nil {
		t.Fatal(err)
	}
	return tape, cassettes.NewRecorder(tape, cassettes.RecordOptions{All: true})
}

// expect reads the bytes that must come next.
func expect(t testing.TB, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("got %q, %v; want %q", b[:n], err, want)
	}
}

// The server goes on only when the client has what came before, be it no more
// than a header.
func TestBytesArriveAsTheyAreSent(t *testing.T) {
	for name, answer := range map[string]struct{ send, receive []string }{
		"of known length": {[]string{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "a", "b", "c"}, nil},
		"in chunks":       {[]string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", "1\r\nb\r\n", "0\r\n\r\n"}, nil},
		"until the end": {[]string{"HTTP/1.1 200 OK\r\n\r\n", "a", "b"},
			[]string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", "1\r\nb\r\n"}},
		"after the first part": {[]string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", "b"}, nil},
		"after a 102":          {[]string{"HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", "b"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			step := make(chan struct{})
			serve := func(c net.Conn) {
				readMessage(bufio.NewReader(c), false, false)
				for _, part := range answer.send {
					io.WriteString(c, part)
					select {
					case <-step:
					case <-time.After(patience):
						return
					}
				}
			}
			eachWay(t, serve, func(t *testing.T, way fidelityWay) {
				receive := answer.receive
				if receive == nil {
					receive = answer.send
				}
				c := way.dial(t)
				fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: %s\r\n\r\n", way.to, way.host)
				for _, part := range receive {
					expect(t, c, part)
					step <- struct{}{}
				}
			})
		})
	}
}

func TestContinueIsSaidAtOnce(t *testing.T) {
	// .NET waits 350 ms for it before it sends a body without.
	serve := func(c net.Conn) {
		m, _ := readMessage(bufio.NewReader(c), false, false)
		// The server's own 100 is not for the client, which has had one.
		fmt.Fprintf(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(m.body), m.body)
	}
	eachWay(t, serve, func(t *testing.T, way fidelityWay) {
		c := way.dial(t)
		fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", way.to, way.host)
		expect(t, c, "HTTP/1.1 100 Continue\r\n\r\n") // no body before it
		io.WriteString(c, "<a/>")
		expect(t, c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<a/>")
	})
}

const bigBody = 64 << 20

// bigBlock has a length that no buffer is a multiple of.
var bigBlock = func() []byte {
	b := make([]byte, 60_007)
	for i := range b {
		b[i] = byte(i * 7 >> 3)
	}
	return b
}()

// sendBig writes bigBody bytes, copies of bigBlock.
func sendBig(w io.Writer) error {
	for left := bigBody; left > 0; left -= len(bigBlock) {
		if _, err := w.Write(bigBlock[:min(left, len(bigBlock))]); err != nil {
			return err
		}
	}
	return nil
}

// takeBig is nil if r gives what sendBig writes.
func takeBig(r io.Reader) error {
	b := make([]byte, len(bigBlock))
	for left := bigBody; left > 0; left -= len(b) {
		part := b[:min(left, len(b))]
		if _, err := io.ReadFull(r, part); err != nil {
			return err
		}
		if !bytes.Equal(part, bigBlock[:len(part)]) {
			return fmt.Errorf("differs in the last %d bytes", left)
		}
	}
	return nil
}

// bigBound is what client, proxy and server together may allocate, not only what
// may live, while a body of bigBody passes. Under the race detector sync.Pool drops
// a part of what it is given, and crypto/tls allocates it again.
var bigBound = map[bool]uint64{false: 8 << 20, true: 48 << 20}[raceDetector]

func TestBigBodiesInBoundedMemory(t *testing.T) {
	serve := func(c net.Conn) {
		r := bufio.NewReader(c)
		head := readHead(t, r, "")
		if strings.HasPrefix(head, "POST") {
			if err := takeBig(r); err != nil {
				t.Errorf("the server: %v", err)
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", bigBody)
		sendBig(c)
	}
	// Recording keeps a part of it; umtape record's own test holds that bound.
	for _, way := range waysTo(t, nil, serve) {
		for _, method := range []string{"GET", "POST"} {
			c := way.dial(t)
			r := bufio.NewReader(c)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			fmt.Fprintf(c, "%s %s/ HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", method, way.to, way.host, map[string]int{"POST": bigBody}[method])
			var err error
			if method == "POST" {
				err = sendBig(c)
			}
			readHead(t, r, "HTTP/1.1 200 ")
			if method == "GET" {
				err = takeBig(r)
			}
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%s, %s: %d MiB passed, %d KiB allocated, bound %d KiB", way.name, method, bigBody>>20, allocated>>10, bigBound>>10)
			if err != nil || allocated > bigBound {
				t.Errorf("%s, %s: %v, %d bytes allocated", way.name, method, err, allocated)
			}
		}
	}
}

func TestClientGoneCancelsUpstream(t *testing.T) {
	for name, part := range map[string]string{
		"before the answer":  "",
		"with a known rest":  "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
		"with more chunks":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"with only a header": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			began, ended := make(chan struct{}, 1), make(chan struct{}, 1)
			serve := func(c net.Conn) {
				r := bufio.NewReader(c)
				readMessage(r, false, false)
				io.WriteString(c, part)
				began <- struct{}{}
				if _, err := r.ReadByte(); err == nil {
					t.Error("the server received more")
				}
				ended <- struct{}{}
			}
			eachWay(t, serve, func(t *testing.T, way fidelityWay) {
				c := way.dial(t)
				fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\n\r\n<a/>", way.to, way.host)
				next(t, began)
				expect(t, c, part)
				c.Close()
				next(t, ended) // long before the server's own patience is at its end
			})
		})
	}
}

// The first bytes come in the segment of the 101, and with the request; each
// side ends by itself.
func TestUpgrade(t *testing.T) {
	for _, protocol := range []string{"websocket", "umtape-test"} {
		serve := func(c net.Conn) {
			r := bufio.NewReader(c)
			if m, _ := readMessage(r, false, false); m.value("Upgrade") != protocol || m.value("Connection") != "Upgrade" {
				t.Errorf("the server received %q", m)
			}
			fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\nX-A: 1\r\n\r\nhello ", protocol)
			io.Copy(c, r) // until the client ends its side
			io.WriteString(c, " bye")
		}
		t.Run(protocol, func(t *testing.T) {
			eachWay(t, serve, func(t *testing.T, way fidelityWay) {
				c := way.dial(t)
				fmt.Fprintf(c, "GET %s/ HTTP/1.1\r\nHost: %s\r\nConnection: keep-alive, Upgrade\r\nUpgrade: %s\r\n\r\nearly", way.to, way.host, protocol)
				expect(t, c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\nX-A: 1\r\n\r\n")
				io.WriteString(c, " and late")
				if err := closeWrite(c); err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(c)
				if got, want := string(b), "hello early and late bye"; err != nil || got != want {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
			})
		})
	}
}

func TestUpgradeNotAskedForIsRefused(t *testing.T) {
	upstream := breakingServer(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	_, addr := start(t, Config{})
	resp, err := via(t, addr, nil).Get("http://" + upstream + "/")
	if body(t, resp, err); resp.StatusCode != 502 {
		t.Errorf("status %d, want 502", resp.StatusCode)
	}
}
