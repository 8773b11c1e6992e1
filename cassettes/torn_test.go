package cassettes

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// cuts calls try with the text cut at every byte of its last two interactions,
// and how many are whole before the cut.
func cuts(text string, try func(cut string, whole int)) {
	one := strings.Index(text, "    - id: 1\n")
	two := strings.Index(text, "    - id: 2\n")
	for n := one; n < len(text); n++ {
		whole := 1
		if n >= two-1 { // the last line break may be missing
			whole = 2
		}
		if n == len(text)-1 {
			whole = 3
		}
		try(text[:n], whole)
	}
}

// Cut at every byte, the file gives the whole interactions before the cut,
// unchanged; what is recorded after that follows them; go-vcr reads it all.
func TestCutAnywhere(t *testing.T) {
	path := tape(t)
	list := []*Interaction{tiny(0), tiny(1), tiny(2)}
	list[1].Response.Body = "<a>\n\n\n"
	list[2].Response.Headers = http.Header{"Content-Type": {"text/xml"}}
	list[2].Umtape.Operation = "Disconnect"
	list[2].Request.Body = "- id: 0\n    - id: 0\n\xff"
	write(t, path, list...)
	text := readAll(t, path)
	cuts(text, func(cut string, whole int) {
		put(t, path, cut)
		c := load(t, path)
		if len(c.Interactions) != whole {
			t.Fatalf("cut at %d: %d interactions, want %d", len(cut), len(c.Interactions), whole)
		}
		lost := len(cut) - ends(text, whole)
		if (c.Torn != nil) != (lost > 0) {
			t.Fatalf("cut at %d: torn is %+v with %d bytes lost", len(cut), c.Torn, lost)
		}
		if c.Torn != nil {
			if c.Torn.Lost != int64(lost) || c.Torn.Offset != int64(len(cut)-lost) || c.Torn.Line != 1+strings.Count(cut[:c.Torn.Offset], "\n") {
				t.Fatalf("cut at %d: torn is %+v", len(cut), c.Torn)
			}
		}
		for n, i := range c.Interactions {
			equal(t, i, list[n])
			if i.Edited {
				t.Fatalf("cut at %d: interaction %d is marked as edited", len(cut), n)
			}
		}
		w := createOn(t, quickDisk{}, path, Append)
		if (w.Torn() != nil) != (lost > 0) || w.Count() != whole {
			t.Fatalf("cut at %d: Append reports %+v", len(cut), w.Torn())
		}
		add(t, w, tiny(9))
		closed(t, w)
		c = load(t, path)
		if len(c.Interactions) != whole+1 || c.Torn != nil || c.Interactions[whole].ID != whole {
			t.Fatalf("cut at %d: after appending %d interactions", len(cut), len(c.Interactions))
		}
		equal(t, c.Interactions[whole], tiny(9))
		equal(t, c.Interactions[whole-1], list[whole-1])
		if len(cut)%7 == 0 { // it is slow
			if got := stock(t, path); len(got.Interactions) != whole+1 {
				t.Fatalf("cut at %d: go-vcr sees %d", len(cut), len(got.Interactions))
			}
		}
		if kept, err := os.ReadFile(path + ".torn"); lost > 0 && (err != nil || string(kept) != cut[len(cut)-lost:]) {
			t.Fatalf("cut at %d: kept %q, %v", len(cut), kept, err)
		}
		os.Remove(path + ".torn")
		if t.Failed() {
			t.FailNow()
		}
	})
}

// ends returns the length of the first n interactions with all before them.
func ends(text string, n int) int {
	at := 0
	for range n {
		at += strings.Index(text[at:], "        checksum: ")
		at += strings.Index(text[at:], "\n") + 1
	}
	if n == 3 {
		return len(text) - 1
	}
	return at
}

// The same with CRLF, where offsets are those of the file.
func TestCutAnywhereCRLF(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1), sample(t, 2))
	text := strings.ReplaceAll(readAll(t, path), "\n", "\r\n")
	at := strings.Index(text, "    - id: 2\r\n")
	for n := at + 1; n < len(text)-2; n += 3 {
		put(t, path, text[:n])
		c := load(t, path)
		if len(c.Interactions) != 2 || c.Torn == nil || c.Torn.Offset != int64(at) || c.Torn.Lost != int64(n-at) {
			t.Fatalf("cut at %d of %d..%d: %d interactions, torn %+v", n, at, len(text), len(c.Interactions), c.Torn)
		}
	}
	w := create(t, path, Append)
	add(t, w, sample(t, 2))
	closed(t, w)
	if c := load(t, path); len(c.Interactions) != 3 || strings.Contains(readAll(t, path), "\r") {
		t.Errorf("after appending %d interactions", len(c.Interactions))
	}
}

// Some file systems leave zeros where a power loss caught them.
func TestZerosAtTheEnd(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	text := readAll(t, path)
	at := strings.Index(text, "    - id: 1\n")
	for _, n := range []int{at, at + 8, at + 12, at + 100, len(text) - 1, len(text)} {
		put(t, path, text[:n]+strings.Repeat("\x00", 5000))
		c := load(t, path)
		want := 1
		if n == len(text) {
			want = 2
		}
		if len(c.Interactions) != want || c.Torn == nil {
			t.Errorf("zeros from %d of %d: %d interactions, torn %+v", n, len(text), len(c.Interactions), c.Torn)
		}
	}
}

// A power cut that takes the last three interactions: the file ends at any byte of
// them, or has its length but zeros from there on, or has zeros in place of one
// block and what was written later behind it. What is whole before that is read
// as it was, or an error names the line; nothing comes out altered.
func TestPowerCut(t *testing.T) {
	path := tape(t)
	list := []*Interaction{sample(t, 0), sample(t, 1), sample(t, 2), sample(t, 3)}
	write(t, path, list...)
	text := readAll(t, path)
	var starts []int // of each interaction, and the end
	for n := range list {
		starts = append(starts, strings.Index(text, "    - id: "+itoa(int64(n))+"\n"))
	}
	starts = append(starts, len(text))
	// before is how many end at or before the given byte; the last line break of one
	// may be missing.
	before := func(at int) (n int) {
		for n < len(list) && at >= starts[n+1]-1 {
			n++
		}
		return n
	}
	unaltered := func(what string, at int, whole int) {
		t.Helper()
		c, err := Load(path)
		if err != nil {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
		if len(c.Interactions) != whole {
			t.Fatalf("%s at %d: %d interactions, want %d", what, at, len(c.Interactions), whole)
		}
		for n, i := range c.Interactions {
			equal(t, i, list[n])
			if i.Edited || t.Failed() {
				t.Fatalf("%s at %d: interaction %d is altered", what, at, n)
			}
		}
	}
	for at := starts[1]; at < len(text); at++ {
		put(t, path, text[:at])
		unaltered("cut", at, before(at))
		if at%23 > 0 && !slices.Contains(starts, at+1) { // it is slow
			continue
		}
		if _, err := Recover(path); err != nil {
			t.Fatalf("cut at %d: %v", at, err)
		}
		unaltered("recovered", at, before(at))
		if n := len(stock(t, path).Interactions); n != before(at) {
			t.Fatalf("recovered at %d: go-vcr has %d interactions", at, n)
		}
		put(t, path, text[:at]+strings.Repeat("\x00", len(text)-at))
		unaltered("zeros", at, before(at-1)) // a zero is no line break
	}
	for _, block := range []int{1, 512, 4096} {
		for at := starts[1]; at < len(text); at += 37 {
			end := min(at+block, len(text))
			put(t, path, text[:at]+strings.Repeat("\x00", end-at)+text[end:])
			_, err := Load(path)
			if err == nil {
				unaltered("a block of zeros", at, before(at-1))
				continue
			}
			said := err.Error()
			if !errors.Is(err, ErrDamaged) || !strings.HasPrefix(said, path+": line ") || !strings.Contains(said, "as a power loss can leave them; `umtape recover ") {
				t.Fatalf("%d zeros at %d: %v", block, at, err)
			}
			if at%11 > 0 { // it is slow
				continue
			}
			damaged := readAll(t, path)
			lost, err := Recover(path)
			if err != nil {
				t.Fatalf("%d zeros at %d: %v", block, at, err)
			}
			left := map[int]bool{}
			for _, i := range stock(t, path).Interactions {
				left[i.ID] = true
			}
			for _, i := range load(t, path).Interactions {
				equal(t, i, list[i.ID])
				if i.Edited || t.Failed() {
					t.Fatalf("%d zeros at %d: interaction %d is altered", block, at, i.ID)
				}
			}
			for n := range list {
				touched := at < starts[n+1]-1 && end > starts[n]
				if left[n] == touched {
					t.Fatalf("%d zeros at %d: interaction %d is there: %v", block, at, n, left[n])
				}
			}
			cut := ""
			for _, one := range lost {
				cut += damaged[one.Offset : one.Offset+one.Lost]
			}
			if kept := readAll(t, path+".torn"); cut == "" || !strings.HasSuffix(kept, cut) {
				t.Fatalf("%d zeros at %d: what was cut out is not kept", block, at)
			}
		}
	}
}

func TestRecover(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	text := readAll(t, path)
	if torn, err := Recover(path); torn != nil || err != nil || readAll(t, path) != text {
		t.Errorf("a whole file: %+v, %v", torn, err)
	}
	for range 2 { // the second time the copy is there already
		put(t, path, text[:len(text)-100])
		torn, err := Recover(path)
		if err != nil || len(torn) != 1 {
			t.Fatalf("%+v, %v", torn, err)
		}
		if got := readAll(t, path); got != text[:torn[0].Offset] || len(stock(t, path).Interactions) != 1 {
			t.Errorf("cut at %d of %d", len(got), len(text))
		}
	}
	lost := text[strings.Index(text, "    - id: 1\n") : len(text)-100]
	if got := readAll(t, path+".torn"); got != lost+lost {
		t.Errorf("kept %q", got)
	}
	if _, err := os.Stat(path + ".lock"); err == nil {
		t.Error("the lock's file is left")
	}
}

// Zeros in the middle are cut out with the interactions that they are in, and with no
// other.
func TestRecoverCutsZerosOut(t *testing.T) {
	path := tape(t)
	list := []*Interaction{sample(t, 0), sample(t, 1), sample(t, 2), sample(t, 3)}
	write(t, path, list...)
	text := readAll(t, path)
	start := func(n int) int { return strings.Index(text, "    - id: "+itoa(int64(n))+"\n") }
	zeroed := func(from, to int) string { return text[:from] + strings.Repeat("\x00", to-from) + text[to:] }
	for name, tt := range map[string]struct {
		text string
		left []int
	}{
		"in the first":           {zeroed(start(0)+200, start(0)+210), []int{1, 2, 3}},
		"in the second":          {zeroed(start(1)+200, start(1)+210), []int{0, 2, 3}},
		"all of the second":      {zeroed(start(1), start(2)), []int{0, 2, 3}},
		"the second, less a bit": {zeroed(start(1), start(2)-1), []int{0, 2, 3}},
		"across two":             {zeroed(start(2)-50, start(2)+50), []int{0, 3}},
		"a line break":           {zeroed(start(2)-1, start(2)), []int{0, 1, 2, 3}},
		"a line break and more":  {zeroed(start(2)-1, start(2)+30), []int{0, 1, 3}},
		"the start of a line":    {zeroed(start(2), start(2)+1), []int{0, 1, 3}},
		"between":                {text[:start(2)] + "\x00\x00" + text[start(2):], []int{0, 1, 2, 3}},
		"between, with a line":   {text[:start(2)] + "\x00\x00\n" + text[start(2):], []int{0, 1, 2, 3}},
		"in two":                 {zeroed(start(1)+200, start(1)+210)[:start(3)] + zeroed(start(3)+90, start(3)+95)[start(3):], []int{0, 2}},
		"and a torn end":         {zeroed(start(1)+200, start(1)+210)[:start(3)+100], []int{0, 2}},
		"and a comment":          {zeroed(start(1)+90, start(1)+95)[:start(2)] + "# kept\n" + text[start(2):], []int{0, 2, 3}},
	} {
		for _, crlf := range []bool{false, true} {
			damaged := tt.text
			if crlf {
				damaged = strings.ReplaceAll(damaged, "\n", "\r\n")
			}
			put(t, path, damaged)
			_ = os.Remove(path + ".torn")
			place := fmt.Sprintf("%s: line %d: ", path, 1+strings.Count(damaged[:strings.IndexByte(damaged, 0)], "\n"))
			if _, err := Load(path); err == nil || !strings.HasPrefix(err.Error(), place) {
				t.Errorf("%s: %v; want %s", name, err, place)
			}
			lost, err := Recover(path)
			if err != nil {
				t.Errorf("%s, CRLF %v: %v", name, crlf, err)
				continue
			}
			var left []int
			for _, i := range load(t, path).Interactions {
				left = append(left, i.ID)
				equal(t, i, list[i.ID])
				if i.Edited {
					t.Errorf("%s, CRLF %v: interaction %d is altered", name, crlf, i.ID)
				}
			}
			if !slices.Equal(left, tt.left) {
				t.Errorf("%s, CRLF %v: left %v; want %v", name, crlf, left, tt.left)
			}
			if strings.Contains(damaged, "# kept") && !strings.Contains(readAll(t, path), "# kept") {
				t.Errorf("%s, CRLF %v: the comment is gone", name, crlf)
			}
			cut := ""
			for _, one := range lost {
				cut += damaged[one.Offset : one.Offset+one.Lost]
				if line := 1 + strings.Count(damaged[:one.Offset], "\n"); one.Line != line {
					t.Errorf("%s, CRLF %v: told as line %d; it is %d", name, crlf, one.Line, line)
				}
			}
			if readAll(t, path+".torn") != cut || len(stock(t, path).Interactions) != len(left) {
				t.Errorf("%s, CRLF %v: what was cut out is not what is kept", name, crlf)
			}
		}
	}
	// What is amiss besides is for people to mend.
	at := strings.Index(text, "status: ")
	for _, bad := range []string{strings.Repeat("\x00", 5000), text[:20] + "\x00\x00" + text[22:start(0)+400], zeroed(start(2)+90, start(2)+95)[:at] + "\t[" + zeroed(start(2)+90, start(2)+95)[at+2:]} {
		put(t, path, bad)
		if _, err := Recover(path); err == nil || readAll(t, path) != bad {
			t.Errorf("%v; the file was changed: %v", err, readAll(t, path) != bad)
		}
	}
}

// A header in which zeros stand is written anew, of what is left of it; nothing else is
// cut out.
func TestRecoverWritesTheHeader(t *testing.T) {
	path := tape(t)
	list := []*Interaction{sample(t, 0), sample(t, 1), sample(t, 2)}
	write(t, path, list...)
	text := readAll(t, path)
	first := strings.Index(text, "    - id: 0\n")
	second := strings.Index(text, "    - id: 1\n")
	for from := 0; from < first; from += 7 {
		for _, to := range []int{from + 1, from + 30, first, first + 100} {
			if to > first && to < first+100 {
				continue
			}
			damaged := text[:from] + strings.Repeat("\x00", to-from) + text[to:]
			left := []int{0, 1, 2}
			if to > first {
				left = []int{1, 2}
			}
			if from%2 == 1 { // in an interaction, too
				damaged = damaged[:second+200] + "\x00\x00" + damaged[second+202:]
				left = slices.DeleteFunc(left, func(id int) bool { return id == 1 })
			}
			if from%3 == 1 {
				damaged = strings.ReplaceAll(damaged, "\n", "\r\n")
			}
			put(t, path, damaged)
			_ = os.Remove(path + ".torn")
			if _, err := Load(path); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "`umtape recover "+path+"`") {
				t.Fatalf("%d to %d: %v", from, to, err)
			}
			lost, err := Recover(path)
			if err != nil {
				t.Fatalf("%d to %d: %v", from, to, err)
			}
			c := load(t, path)
			var ids []int
			for _, i := range c.Interactions {
				ids = append(ids, i.ID)
				if equal(t, i, list[i.ID]); i.Edited {
					t.Errorf("%d to %d: interaction %d is altered", from, to, i.ID)
				}
			}
			if !slices.Equal(ids, left) || c.Torn != nil || len(stock(t, path).Interactions) != len(left) {
				t.Fatalf("%d to %d: left %v, want %v; %v", from, to, ids, left, c.Torn)
			}
			if h, at := c.Header.Umtape, strings.Index(text, "    profile:"); h.Profile != map[bool]string{true: testHeader.Profile}[to <= at || from > at+len("    profile: um")] {
				t.Errorf("%d to %d: the profile is %q", from, to, h.Profile)
			}
			cut := ""
			for _, one := range lost {
				cut += damaged[one.Offset : one.Offset+one.Lost]
				if line := 1 + strings.Count(damaged[:one.Offset], "\n"); one.Line != line {
					t.Errorf("%d to %d: told as line %d; it is %d", from, to, one.Line, line)
				}
			}
			if readAll(t, path+".torn") != cut {
				t.Errorf("%d to %d: what was cut out is not what is kept", from, to)
			}
		}
	}
}

// A hand-made record at the end that cannot be read and does not fit its
// checksum is taken for torn, and kept.
func TestBrokenLastInteractionIsTorn(t *testing.T) {
	path := tape(t)
	write(t, path, sample(t, 0), sample(t, 1))
	text := readAll(t, path)
	at := strings.LastIndex(text, "status: ")
	put(t, path, text[:at]+"\x00\x00"+text[at+2:])
	c := load(t, path)
	if len(c.Interactions) != 1 || c.Torn == nil || c.Torn.Offset != int64(strings.Index(text, "    - id: 1\n")) {
		t.Errorf("%d interactions, torn %+v", len(c.Interactions), c.Torn)
	}
}
