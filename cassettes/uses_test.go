package cassettes

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestUses(t *testing.T) {
	refused := poll("1", "Connecting") // a challenge, which a replay does without
	refused.Response.Code = http.StatusUnauthorized
	tape := cassetteOf("dir/a.yaml", poll("1", "Connecting"), poll("2", "Connected"), poll("3", "Connected"), refused)[0]
	p := NewPlayer(PlayOptions{}, tape)
	ask := func(call string) {
		t.Helper()
		send(t, p, poll(call, ""))
	}
	ask("1")
	ask("1")
	ask("9")
	ask("9")
	ask("3")
	u, err := p.Uses()
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Used) != 2 || u.Used[0].Times != 2 || u.Used[0].Name != "a.yaml#0" || u.Used[0].Path != "dir/a.yaml" || u.Used[1].ID != 2 || u.Used[1].Operation != "GetCallInfo" {
		t.Errorf("used %+v", u.Used)
	}
	if len(u.Unused) != 1 || u.Unused[0].ID != 1 {
		t.Errorf("unused %+v", u.Unused)
	}
	if len(u.Missed) != 1 || u.Missed[0].Times != 2 || u.Missed[0].Nearest == "" || len(u.Missed[0].Differences) != 1 {
		t.Errorf("missed %+v", u.Missed)
	}
	if played := p.Played(); len(played.Unused) != len(u.Unused) || played.Missed != 2 || played.Answered != 3 {
		t.Errorf("played %+v", played)
	}
}

// TestUsesAreBounded: clients cannot make a player keep more and more.
func TestUsesAreBounded(t *testing.T) {
	var u uses
	for n := range maxMissKinds + 5 {
		u.missed(Miss{Operation: "X", Reason: time.Duration(n).String()})
	}
	u.missed(Miss{Operation: "X", Reason: "0s"})
	if len(u.misses) != maxMissKinds || u.others != 5 || u.misses[0].Times != 2 {
		t.Errorf("%d kinds, %d others", len(u.misses), u.others)
	}
}

func send(t *testing.T, p http.RoundTripper, i *Interaction) *http.Response {
	t.Helper()
	req, err := i.GetHTTPRequest()
	if err != nil {
		t.Fatal(err)
	}
	req.RequestURI = ""
	resp, err := p.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// TestMissesTakeLittleMemory: ten thousand different misses, of which a thousand are as
// long as a client can make them.
func TestMissesTakeLittleMemory(t *testing.T) {
	p := NewPlayer(PlayOptions{}, cassetteOf("a.yaml", poll("1", "Connecting"))...)
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse()
	for n := range 10_000 {
		i := poll(strconv.Itoa(n), "")
		long := strconv.Itoa(n)
		if n < 1000 {
			long += strings.Repeat("x", 4000)
		}
		switch n % 4 {
		case 0: // a method
			i.Request.Method = "M" + strings.Repeat(long, 30)
		case 1: // an operation
			i.Request.Body = strings.ReplaceAll(i.Request.Body, "GetCallInfo", "O"+long)
		case 2: // elements
			deep := ""
			for k := range 40 {
				deep = "<E" + strconv.Itoa(k) + long + ">" + deep + "</E" + strconv.Itoa(k) + long + ">"
			}
			i.Request.Body = strings.ReplaceAll(i.Request.Body, "<CallId>", deep+"<CallId>")
		case 3: // a path
			i.Request.URL += "/" + strings.Repeat(long, 30)
		}
		resp := send(t, p, i)
		if said := resp.Header.Get(HeaderMiss); said == "" || len(said) > 2*maxSaidReason {
			t.Fatalf("miss %d says %d bytes", n, len(said))
		}
	}
	u, err := p.Uses()
	if err != nil || len(u.Missed) != maxMissKinds || u.Others == 0 {
		t.Errorf("%d kinds, %d others, %v", len(u.Missed), u.Others, err)
	}
	if grown := int64(inUse()) - int64(before); grown > 32<<20 {
		t.Errorf("10000 misses hold %d MiB", grown>>20)
	}
	runtime.KeepAlive(p)
}
