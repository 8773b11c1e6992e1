package cassettes

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect/um"
)

// later is the same exchange on another day: what is of one exchange only differs.
func later(i *Interaction, days int) *Interaction {
	j := *i
	j.Umtape.Arrived = i.Umtape.Arrived.AddDate(0, 0, days)
	j.Response.Duration += time.Duration(days) * time.Millisecond
	j.Response.Headers = i.Response.Headers.Clone()
	j.Response.Headers.Set("Date", j.Umtape.Arrived.Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	j.Response.Headers.Set("X-DiagInfo", fmt.Sprint("MBX", days))
	j.Response.Headers.Set("Request-Id", fmt.Sprint("0d9f-", days))
	j.Response.Headers["Set-Cookie"] = []string{"sid=REDACTED; Path=/; Expires=" + j.Umtape.Arrived.Format(time.RFC1123) + "; Secure"}
	return &j
}

// laterAll are samples 0 to n-1, on a later day.
func laterAll(t testing.TB, n, days int) (list []*Interaction) {
	for k := range n {
		list = append(list, later(sample(t, k), days))
	}
	return list
}

// renew records anew.
func renew(t testing.TB, path string, list ...*Interaction) Renewed {
	t.Helper()
	w := create(t, path, Renew, SyncNever)
	add(t, w, list...)
	closed(t, w)
	return w.Renewed()
}

// confirmedLine is the line of the header that a renewal changes.
var confirmedLine = regexp.MustCompile(`(?m)^    confirmed: .*\n`)

// TestRenewedIsTheSame: what goes as before leaves the file as it was, but for one line.
func TestRenewedIsTheSame(t *testing.T) {
	path := tape(t)
	write(t, path, laterAll(t, 5, 0)...)
	first := readAll(t, path)
	for day := 1; day < 4; day++ {
		again := laterAll(t, 5, day)
		slices.Reverse(again) // answered in another order than asked
		if got := renew(t, path, again...); got != (Renewed{Same: 5}) {
			t.Fatalf("day %d: %+v", day, got)
		}
		text := readAll(t, path)
		if lines := confirmedLine.FindAllString(text, -1); len(lines) != 1 || lines[0] != "    confirmed: "+start.AddDate(0, 0, day).Format("2006-01-02T15:04:05Z")+"\n" {
			t.Errorf("day %d: %q", day, lines)
		}
		if confirmedLine.ReplaceAllString(text, "") != first {
			t.Errorf("day %d: the rest has changed:\n%s", day, text)
		}
		c := load(t, path)
		for n, i := range stock(t, path).Interactions {
			sameAsStock(t, i, c.Interactions[n])
		}
		if !c.Header.Umtape.Confirmed.Equal(start.AddDate(0, 0, day).Truncate(time.Second)) {
			t.Errorf("confirmed %v", c.Header.Umtape.Confirmed)
		}
	}
	// What is added later is as old as it is, and ends what was confirmed nowhere.
	w := create(t, path, Append)
	add(t, w, later(sample(t, 7), 9))
	closed(t, w)
	if text := readAll(t, path); len(confirmedLine.FindAllString(text, -1)) != 1 || !strings.HasPrefix(confirmedLine.ReplaceAllString(text, ""), first) {
		t.Error("an interaction was added and the rest has changed")
	}
}

// records are the records of a file, with their comments, by id.
func records(t *testing.T, path string) map[int]string {
	t.Helper()
	e := edit(t, path)
	defer e.Close()
	of := map[int]string{}
	for _, r := range e.Records {
		if of[r.ID] != "" {
			t.Errorf("two interactions have the id %d", r.ID)
		}
		of[r.ID] = string(r.lead) + string(r.text)
	}
	return of
}

// TestRenewedDiffers: only what went otherwise changes.
func TestRenewedDiffers(t *testing.T) {
	path := tape(t)
	write(t, path, laterAll(t, 6, 0)...)
	text := strings.Replace(readAll(t, path), "    - id: 4\n", "    # reviewed\n    - id: 4\n", 1)
	text = strings.Replace(text, "    profile: um\n", "    profile: um # ours\n", 1) + "# the end\n"
	put(t, path, text)
	before := records(t, path)

	list := laterAll(t, 6, 1)
	list[2].Response.Body = strings.Replace(list[2].Response.Body, "</", " </", 1)
	list[2].Response.Headers.Set("Date", "Tue, 24 Nov 2026 11:00:00 GMT")
	fresh := later(sample(t, 40), 1)
	fresh.Umtape.Arrived = list[3].Umtape.Arrived.Add(200 * time.Millisecond)
	list = slices.Insert(slices.Delete(list, 1, 2), 3, fresh) // 0, 2 changed, 3, fresh, 4, 5
	if got := renew(t, path, list...); got != (Renewed{Same: 4, Changed: 1, New: 1, Gone: 1}) {
		t.Fatalf("%+v", got)
	}
	after := records(t, path)
	for _, id := range []int{0, 3, 4, 5} {
		if after[id] != before[id] {
			t.Errorf("interaction %d went as before and is\n%s\nit was\n%s", id, after[id], before[id])
		}
	}
	c := load(t, path)
	var ids []int
	for _, i := range c.Interactions {
		ids = append(ids, i.ID)
	}
	if !slices.Equal(ids, []int{0, 2, 3, 1, 4, 5}) { // the new one has the id that is free
		t.Errorf("ids %v", ids)
	}
	changed, new := c.Interactions[1], c.Interactions[3]
	want := *list[1]
	want.Umtape.Arrived = sample(t, 2).Umtape.Arrived
	equal(t, changed, &want)
	want = *fresh
	want.Umtape.Arrived = sample(t, 3).Umtape.Arrived.Add(200 * time.Millisecond)
	equal(t, new, &want)
	for _, s := range []string{"    profile: um # ours\n", "    # reviewed\n    - id: 4\n"} {
		if !strings.Contains(readAll(t, path), s) {
			t.Errorf("%q is gone", s)
		}
	}
	if !strings.HasSuffix(readAll(t, path), "\n# the end\n") {
		t.Error("the comment at the end is gone")
	}
	if c.Interactions[0].Edited || changed.Edited || new.Edited {
		t.Error("a checksum does not fit")
	}
	stock(t, path)
}

// TestRenewedHeader: another header takes the place of the one that was.
func TestRenewedHeader(t *testing.T) {
	path := tape(t)
	write(t, path, laterAll(t, 2, 0)...)
	h := testHeader
	h.RecordedBy = "umtape 9"
	w, err := Create(path, h, Renew)
	if err != nil {
		t.Fatal(err)
	}
	add(t, w, laterAll(t, 2, 1)...)
	closed(t, w)
	if c := load(t, path); w.Renewed().Same != 2 || c.Header.Umtape.RecordedBy != "umtape 9" || c.Header.Umtape.Confirmed.IsZero() || c.Header.Umtape.Kept != h.Kept {
		t.Errorf("%+v, %+v", w.Renewed(), c.Header)
	}
}

// TestNotRenewed: where nothing can be taken over, the cassette is the recording.
func TestNotRenewed(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.yaml")
	write(t, plain, laterAll(t, 3, 0)...)
	text := readAll(t, plain)
	anew := filepath.Join(dir, "anew.yaml")
	write(t, anew, laterAll(t, 3, 1)...)
	want := readAll(t, anew)
	other := filepath.Join(dir, "other.yaml")
	write(t, other, later(sample(t, 40), 0))
	for name, old := range map[string]string{
		"nothing that came again": readAll(t, other),
		"edited by hand":          strings.ReplaceAll(text, "status: 200 OK", "status: 200 Fine"),
		"of others":               strings.Replace(text, "umtape:\n    format: 1\n    recorded_by: umtape 0.1.0\n    profile: um\n", "x:\n    a: 1\n", 1),
		"with CRLF":               strings.ReplaceAll(text, "\n", "\r\n"),
		"with pseudonyms":         strings.Replace(text, "    redact:\n", "    redact:\n        - "+Pseudonyms(um.Profile()).Names()[1]+"\n", 1),
		"that hides other things": strings.Replace(text, "    redact:\n", "    redact:\n        - "+Redaction{RemoveHeaders: []string{"X-Note"}}.Names()[1]+"\n", 1),
		"damaged":                 strings.Replace(text, "      request:\n", "      request: {\n", 1),
		"empty":                   "",
		"no cassette":             "[]",
	} {
		path := filepath.Join(t.TempDir(), "a.yaml")
		put(t, path, old)
		if got := renew(t, path, laterAll(t, 3, 1)...); got != (Renewed{}) || readAll(t, path) != want {
			t.Errorf("%s: %+v\n%s", name, got, readAll(t, path))
		}
	}
	path := filepath.Join(t.TempDir(), "a.yaml")
	via := func(user string, day int) (list []*Interaction) {
		list = laterAll(t, 3, day)
		list[1].Response.Headers.Set("Via", "https://"+user+"@proxy.test/")
		return list
	}
	write(t, path, via("anna:hunter2", 0)...) // by another program, or an umtape that knew less
	if got := renew(t, path, via(redacted, 1)...); got != (Renewed{Same: 2, Changed: 1}) || strings.Contains(readAll(t, path), "hunter2") {
		t.Errorf("with a credential: %+v", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := renew(t, path, laterAll(t, 3, 1)...); got != (Renewed{}) || readAll(t, path) != want {
		t.Errorf("no file: %+v", got)
	}
	put(t, path, text)
	if got := renew(t, path); got != (Renewed{}) || readAll(t, path) != text {
		t.Error("nothing was recorded, and the cassette is not as it was")
	}
	w := create(t, path, Replace)
	add(t, w, laterAll(t, 3, 1)...)
	if closed(t, w); readAll(t, path) != want {
		t.Error("Replace takes something over")
	}
}

// TestRenewedComments: what people have written above an interaction stays there, went it as
// before or not, and goes with it.
func TestRenewedComments(t *testing.T) {
	path := tape(t)
	write(t, path, laterAll(t, 4, 0)...)
	text := readAll(t, path)
	for id := range 4 {
		at := fmt.Sprintf("    - id: %d\n", id)
		text = strings.Replace(text, at, fmt.Sprintf("    # comment %d\n\n    # and more\n", id)+at, 1)
	}
	changed := func(n int) *Interaction {
		i := later(sample(t, n), 1)
		i.Response.Body += " "
		return i
	}
	for name, list := range map[string][]*Interaction{
		"one changed, one gone, one new": {later(sample(t, 0), 1), changed(1), later(sample(t, 3), 1), later(sample(t, 9), 1)},
		"all changed":                    {changed(0), changed(1), changed(3)},
	} {
		put(t, path, text)
		renew(t, path, list...)
		got := readAll(t, path)
		for id := range 4 {
			want := fmt.Sprintf("    # comment %d\n\n    # and more\n    - id: %[1]d\n", id)
			if stays := id != 2; strings.Contains(got, want) != stays || strings.Count(got, "# comment "+fmt.Sprint(id)) != map[bool]int{true: 1}[stays] {
				t.Errorf("%s: interaction %d, stays %v:\n%s", name, id, stays, got)
			}
		}
		c := load(t, path)
		if len(c.Interactions) != len(list) || c.Torn != nil || slices.ContainsFunc(c.Interactions, func(i *Interaction) bool { return i.Edited }) || c.Header.Umtape.Confirmed.IsZero() {
			t.Errorf("%s: %d interactions, %v", name, len(c.Interactions), c.Torn)
		}
		if len(stock(t, path).Interactions) != len(list) {
			t.Errorf("%s: go-vcr does not read it", name)
		}
	}
}

// TestRenewedTorn: the end that was not written does not come back, what is before it does.
func TestRenewedTorn(t *testing.T) {
	path := tape(t)
	write(t, path, laterAll(t, 3, 0)...)
	text := readAll(t, path)
	put(t, path, text[:len(text)-200])
	if got := renew(t, path, laterAll(t, 3, 1)...); got != (Renewed{Same: 2, New: 1}) {
		t.Fatalf("%+v", got)
	}
	c := load(t, path)
	if c.Torn != nil || len(c.Interactions) != 3 || !strings.HasPrefix(confirmedLine.ReplaceAllString(readAll(t, path), ""), text[:strings.Index(text, "    - id: 2\n")]) {
		t.Errorf("%v, %d interactions", c.Torn, len(c.Interactions))
	}
}

// TestRenewalInTurns: of equal requests the first is compared with the first, and answers
// stay in the order in which they were given now.
func TestRenewalInTurns(t *testing.T) {
	poll := func(n, day int, state string) *Interaction {
		i := later(sample(t, 0), day)
		i.Umtape.Arrived = i.Umtape.Arrived.Add(time.Duration(n) * time.Second)
		i.Response.Body = state
		return i
	}
	path := tape(t)
	write(t, path, poll(0, 0, "Connecting"), poll(1, 0, "Connecting"), poll(2, 0, "Connected"))
	got := renew(t, path, poll(0, 1, "Connecting"), poll(1, 1, "Alerting"), poll(2, 1, "Connecting"), poll(3, 1, "Connected"))
	if got != (Renewed{Same: 1, Changed: 2, New: 1}) {
		t.Errorf("%+v", got)
	}
	var states []string
	for _, i := range load(t, path).Interactions {
		states = append(states, i.Response.Body)
	}
	if strings.Join(states, " ") != "Connecting Alerting Connecting Connected" {
		t.Error(states)
	}
}

// TestRenewalKeepsOrder: whatever came again in whatever order, each request's answers and
// each call's exchanges are in the order in which they came now, ids are unique, and the file
// is in order of arrival.
func TestRenewalKeepsOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2026))
	for range 200 {
		made := func(day int) (list []*Interaction) {
			for range 1 + r.IntN(12) {
				i := later(sample(t, r.IntN(6)), day)
				i.Umtape.Arrived = start.AddDate(0, 0, day).Add(time.Duration(r.IntN(5000)) * time.Millisecond)
				i.Umtape.Call = fmt.Sprint("call", r.IntN(3))
				i.Response.Body = fmt.Sprint("answer", r.IntN(2))
				list = append(list, i)
			}
			return list
		}
		path := tape(t)
		write(t, path, made(0)...)
		now := made(1)
		w := createOn(t, quickDisk{}, path, Renew)
		add(t, w, now...)
		closed(t, w)
		slices.SortStableFunc(now, func(a, b *Interaction) int { return a.Umtape.Arrived.Compare(b.Umtape.Arrived) })
		list := load(t, path).Interactions
		if len(list) != len(now) || w.Renewed().Same == 0 && !w.Header().Confirmed.IsZero() {
			t.Fatalf("%d interactions, recorded %d; %+v", len(list), len(now), w.Renewed())
		}
		ids := map[int]bool{}
		for n, i := range list {
			if n > 0 && i.Umtape.Arrived.Before(list[n-1].Umtape.Arrived) {
				t.Fatal("not in order of arrival")
			}
			if ids[i.ID] = true; i.Edited {
				t.Fatal("a checksum does not fit")
			}
		}
		answers := func(list []*Interaction) map[string][]string {
			of := map[string][]string{}
			for _, i := range list {
				of[i.Request.Body] = append(of[i.Request.Body], i.Response.Body)
			}
			return of
		}
		if a, b := answers(list), answers(now); len(ids) != len(list) || !reflect.DeepEqual(a, b) {
			t.Fatalf("ids %v\n got %v\nwant %v", ids, a, b)
		}
	}
}

// TestRenewalInACall: what is new in a call stays before what came after it, however long it
// took this time.
func TestRenewalInACall(t *testing.T) {
	at := func(n, day int, when time.Duration) *Interaction {
		i := later(sample(t, n), day)
		i.Umtape.Arrived, i.Umtape.Call = start.AddDate(0, 0, day).Add(when), "call"
		i.Response.Duration = 100 * time.Millisecond
		return i
	}
	path := tape(t)
	write(t, path, at(0, 0, 0), at(1, 0, time.Second))
	now := []*Interaction{at(0, 1, 0), at(2, 1, 5*time.Second), at(3, 1, 6*time.Second), at(1, 1, 10*time.Second), at(4, 1, 10*time.Second+time.Millisecond)}
	if got := renew(t, path, now...); got != (Renewed{Same: 2, New: 3}) {
		t.Fatalf("%+v", got)
	}
	list := load(t, path).Interactions
	for n, i := range list {
		if i.Request.Body != now[n].Request.Body {
			t.Errorf("%d is another one, of %v", n, i.Umtape.Arrived)
		}
		if n > 0 && i.Umtape.Arrived.Before(list[n-1].Umtape.Arrived) {
			t.Errorf("%d is earlier than the one before it", n)
		}
	}
}

// TestRenewedIDsDiffer: what changes does not keep an id that another has too.
func TestRenewedIDsDiffer(t *testing.T) {
	path := tape(t)
	write(t, path, laterAll(t, 4, 0)...)
	text := strings.Replace(readAll(t, path), "    - id: 1\n", "    - id: 2\n", 1) // which is edited
	put(t, path, strings.Replace(text, "    - id: 0\n", "    - id: 3\n", 1))
	if got := renew(t, path, laterAll(t, 4, 1)...); got != (Renewed{Same: 2, Changed: 2}) {
		t.Fatalf("%+v", got)
	}
	var ids []int
	for _, i := range load(t, path).Interactions {
		ids = append(ids, i.ID)
	}
	if !slices.Equal(ids, []int{0, 1, 2, 3}) {
		t.Errorf("ids %v", ids)
	}
}

// TestRenewalFails: until the renewal is whole the file holds the recording, and so it does
// if there is none.
func TestRenewalFails(t *testing.T) {
	path := tape(t)
	write(t, path, laterAll(t, 3, 0)...)
	d := &faultyDisk{}
	w := createOn(t, d, path, Renew)
	list := laterAll(t, 3, 1)
	add(t, w, list...)
	killed := readAll(t, path) // as a killed process leaves it
	d.write = func(int) (int, error) { return 10, syscall.ENOSPC }
	if err := w.Close(); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "whole, but without the records of what went as before") || !strings.Contains(err.Error(), "; keep it as it is, or ") || w.Renewed() != (Renewed{}) {
		t.Errorf("%v, %+v", err, w.Renewed())
	}
	if readAll(t, path) != killed {
		t.Error("the recording has changed")
	}
	c := load(t, path)
	for n, i := range c.Interactions {
		equal(t, i, list[n])
	}
	if len(c.Interactions) != 3 || c.Torn != nil {
		t.Errorf("%d interactions, %v", len(c.Interactions), c.Torn)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) > 2 { // the cassette and its lock
		t.Errorf("left behind: %v, %v", files, err)
	}
}

// TestConfirmedIsAge: what was confirmed is as old as that, however it is read.
func TestConfirmedIsAge(t *testing.T) {
	path := tape(t)
	write(t, path, laterAll(t, 3, 0)...)
	renew(t, path, laterAll(t, 3, 100)...)
	for days, old := range map[int]int{1: 0, 99: 0, 101: 3} {
		before := start.AddDate(0, 0, days)
		a := load(t, path).RecordedBefore(before)
		r, err := Open(path, OpenOptions{Before: before})
		if err != nil {
			t.Fatal(err)
		}
		pieces := Aged{Before: before}
		if _, err := InPieces(path, func(p *Piece) Aged {
			of := Aged{Before: before, Again: p.Confirmed()}
			for n, i := range p.Interactions {
				of.Add(i, n)
			}
			return of
		}, func(_ int, of Aged) error { pieces.Merge(of); return nil }, nil); err != nil {
			t.Fatal(err)
		}
		if a.Old != old || r.Aged().Old != old || pieces.Old != old {
			t.Errorf("before day %d: %d, %d and %d are old, want %d", days, a.Old, r.Aged().Old, pieces.Old, old)
		}
		if old > 0 && !a.Oldest.Equal(start.AddDate(0, 0, 100).Truncate(time.Second)) {
			t.Errorf("the oldest is of %v", a.Oldest)
		}
		r.Close()
	}
	put(t, path, confirmedLine.ReplaceAllString(readAll(t, path), "    confirmed: some day\n"))
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), `line 11: umtape.confirmed "some day" is not a time`) {
		t.Error(err)
	}
}

// TestConfirmedIsRead: in any zone, to the second.
func TestConfirmedIsRead(t *testing.T) {
	path := tape(t)
	write(t, path, cookieless(t, 0))
	text := readAll(t, path)
	for said, want := range map[string]time.Time{
		"2026-11-23T10:15:00Z": start.Truncate(time.Second), "2026-11-23T12:15:00.9+02:00": start.Truncate(time.Second), `""`: {},
	} {
		put(t, path, strings.Replace(text, "interactions:\n", "    confirmed: "+said+"\ninteractions:\n", 1))
		c := load(t, path)
		if got := c.Header.Umtape.Confirmed; !got.Equal(want) {
			t.Errorf("%s: %v", said, got)
		}
		if again := string(appendHeader(nil, c.Header.Umtape)); want.IsZero() == strings.Contains(again, "    confirmed: 2026-11-23T10:15:00Z\n") {
			t.Errorf("%s: written as %q", said, again)
		}
	}
}
