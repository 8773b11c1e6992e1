package cassettes

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"time"
)

// Renewed is what became of a cassette that was recorded anew, in mode [Renew].
type Renewed struct {
	Same    int // interactions that went as before, and whose records stayed
	Changed int // those of the same requests that went otherwise
	New     int // those of requests that were not in it
	Gone    int // those of it that did not come again
}

// Renewed tells, after Close, what became of the cassette that was replaced; zero if
// nothing in it came again as it was, or with a comment above it.
func (w *Writer) Renewed() Renewed { return w.renewed }

// momentRequest and momentResponse are headers whose values are of one exchange only, or
// of the server that happened to take it (PROTOCOL.md, section 4.6). Unlike those that
// [Compare] passes over, they say nothing of what is in the message.
var (
	momentRequest  = headerSet("Client-Request-Id", "Date", "X-Clientstatistics", "Traceparent", "Tracestate", "X-Request-Id", "X-Correlation-Id")
	momentResponse = headerSet("Date", "Request-Id", "Client-Request-Id", "X-Diaginfo", "X-Feserver", "X-Targetbeserver", "X-Beserver", "X-Calculatedbetarget",
		"X-Calculatedfetarget", "X-Rum-Validated", "X-Backendhttpstatus", "Age", "Expires", "Etag", "Last-Modified", "Traceparent", "X-Request-Id", "X-Correlation-Id", "Via")
)

// cookieEnd is when a cookie ends (RFC 6265 §4.1.2.1).
var cookieEnd = regexp.MustCompile(`(?i)(;\s*expires=)[^;]*`)

// lasting returns a header without what is of one exchange only; h itself if there is
// nothing of that kind.
func lasting(h http.Header, moment map[string]bool) http.Header {
	var out http.Header
	for name, values := range h {
		canonical := http.CanonicalHeaderKey(name)
		if !moment[canonical] && canonical != "Set-Cookie" {
			continue
		}
		if out == nil {
			out = h.Clone()
		}
		for n := range values {
			if moment[canonical] {
				out[name][n] = ""
			} else {
				out[name][n] = cookieEnd.ReplaceAllString(values[n], "$1")
			}
		}
	}
	if out == nil {
		return h
	}
	return out
}

// take is an interaction of a recording, as far as it takes to know it in another one.
type take struct {
	id      int
	request [sha256.Size]byte // of what was asked
	all     [sha256.Size]byte // of everything that is not of this moment; zero for one that is not taken over
	call    string
	arrived int64 // see order
	took    time.Duration
	span    span // in its file, with the comments before it
	record  int64
}

// takeOf reads an interaction. trusted says that it was redacted just now.
func takeOf(i *Interaction, trusted bool) take {
	t := take{id: i.ID, call: i.Umtape.Call, arrived: order(i.Umtape.Arrived), took: i.Response.Duration, span: i.span, record: i.span.off}
	h := sha256.New()
	for _, s := range []string{i.Request.Method, i.Request.URL, i.Request.Host, i.Request.Body} {
		h.Write(appendInt(nil, "", int64(len(s))))
		io.WriteString(h, s)
	}
	h.Sum(t.request[:0])
	if i.Edited || !trusted && redactKept(i) != i { // by hand, or by an umtape that knew less
		return t
	}
	same := *i
	same.Request.Headers = lasting(i.Request.Headers, momentRequest)
	same.Response.Headers = lasting(i.Response.Headers, momentResponse)
	same.Response.Duration, same.Umtape.Arrived, same.Request.RemoteAddr = 0, time.Time{}, ""
	room := recordPool.Get().(*[]byte)
	*room = appendRest((*room)[:0], &same)
	t.all = sha256.Sum256(*room)
	if cap(*room) <= maxPooled {
		recordPool.Put(room)
	}
	return t
}

// takes reads the interactions of a file in our layout. The cassette ends with the last.
func takes(path string, from io.ReaderAt, size int64, trusted bool) (list []take, c *Cassette, err error) {
	r := pieceReader{path: path, file: io.NewSectionReader(from, 0, size), chunk: pieceBytes}
	c, err = allInOrder(r.next, func(p *Piece) []take {
		made := make([]take, len(p.Interactions))
		for n, i := range p.Interactions {
			made[n] = takeOf(i, trusted)
		}
		return made
	}, func(_ int, made []take) error {
		list = append(list, made...)
		return nil
	}, func(int64) {})
	if err != nil || c == nil {
		return nil, nil, cmp.Or(err, errWhole)
	}
	at := c.headerEnd
	for n := range list {
		s := &list[n].span
		end := s.off + s.size
		*s, at = span{at, end - at}, end
	}
	c.end = at
	return list, c, nil
}

// old is the cassette that is being replaced, for what of it comes again.
type old struct {
	from io.ReaderAt
	size int64
	file *os.File // nil if it is in memory
}

// maxOld is how long a file may be to be held in memory where one that is open cannot be
// replaced.
const maxOld = 256 << 20

// openOld opens the cassette at path, nil if there is none that can be read.
func openOld(path string) *old {
	if runtime.GOOS == "windows" {
		if info, err := os.Stat(path); err != nil || info.Size() > maxOld {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		return &old{from: bytes.NewReader(data), size: int64(len(data))}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil
	}
	return &old{from: f, size: info.Size(), file: f}
}

func (o *old) close() {
	if o != nil && o.file != nil {
		_ = o.file.Close() // it was only read
	}
}

// renewal is a recording and the one that it replaces, put together.
type renewal struct {
	before, now []take    // each in order of arrival
	pair        []int     // of now: its counterpart in before, -1 for none
	arrived     []int64   // of now: on the clock of before
	ids         []int     // of now
	header      []byte    // what the file is to begin with
	tail        span      // comments at the end of before
	confirmed   time.Time // when the first of now was asked
}

// renew replaces the recording, whole at w.real, by one in which what went as before has
// the record that it had, and what went otherwise the comments above it. It returns false if there is none, or the file that was
// replaced is not one of ours that can be read. The file is open, w.syncMu and w.mu held.
func (w *Writer) renew() (done bool, err error) {
	defer func() {
		if err != nil {
			w.renewed = Renewed{}
		}
	}()
	before, c, err := takes(w.path, w.old.from, w.old.size, false)
	if err != nil || c.Foreign || c.rewrite {
		return false, nil
	}
	was, is := RedactionOf(c.Header.Umtape), RedactionOf(w.header)
	if was.Pseudonymous() || is.Pseudonymous() || !was.SameAs(is) {
		return false, nil // nothing is comparable
	}
	now, _, err := takes(w.path, w.file, w.size, true)
	if err != nil {
		return false, nil // who reads it next will say why
	}
	timeless := func(t take) bool { return t.arrived == unknownArrival }
	if slices.ContainsFunc(before, timeless) || slices.ContainsFunc(now, timeless) {
		return false, nil
	}
	r := renewal{before: before, now: now, tail: span{c.end, w.old.size - c.end}}
	if c.Torn != nil {
		r.tail.size = 0
	}
	if w.renewed = r.match(); w.renewed.Same == 0 && !r.commented() {
		w.renewed = Renewed{}
		return false, nil
	}
	r.clock()
	r.number()
	w.header.Confirmed = r.confirmed
	if r.header, err = r.headerOf(w, c.Header.Umtape, c.headerEnd); err != nil {
		return false, err
	}
	recorded, err := os.Open(w.real) // apart from w.file, which Windows wants closed
	if err != nil {
		return false, err
	}
	defer recorded.Close()
	if err := w.file.Close(); err != nil {
		return false, err
	}
	err = replace(w.disk, w.real, func(from, to string) error {
		recorded.Close()
		return w.disk.rename(from, to)
	}, func(f file) error { return r.write(&offsetWriter{f: f}, w.old.from, recorded) })
	return true, err
}

// match finds the counterpart of each interaction: the one of the same request, of several
// the one whose turn it was.
func (r *renewal) match() (found Renewed) {
	byArrival := func(a, b take) int { return cmp.Compare(a.arrived, b.arrived) }
	slices.SortStableFunc(r.before, byArrival)
	slices.SortStableFunc(r.now, byArrival)
	turns := map[[sha256.Size]byte][]int{}
	for n, t := range r.before {
		turns[t.request] = append(turns[t.request], n)
	}
	r.pair = make([]int, len(r.now))
	for n, t := range r.now {
		list := turns[t.request]
		switch {
		case len(list) == 0:
			r.pair[n] = -1
			found.New++
			continue
		case r.same(n, list[0]):
			found.Same++
		default:
			found.Changed++
		}
		r.pair[n], turns[t.request] = list[0], list[1:]
	}
	found.Gone = len(r.before) - found.Same - found.Changed
	return found
}

// commented reports whether somebody has written above an interaction that comes again.
func (r *renewal) commented() bool {
	return slices.ContainsFunc(r.pair, func(p int) bool { return p >= 0 && r.before[p].record > r.before[p].span.off })
}

func (r *renewal) same(now, before int) bool {
	a, b := &r.now[now], &r.before[before]
	return a.all == b.all && a.all != [sha256.Size]byte{}
}

// clock tells when each interaction arrives on the clock of the recording before, on which
// those that stay have their places: one with a counterpart when that one did, any other
// as long after, or before, the next one that has one as it was now. What has the same
// request or belongs to the same call stays in its order.
func (r *renewal) clock() {
	r.arrived = make([]int64, len(r.now))
	first := -1 // with a counterpart
	for n, p := range r.pair {
		if p >= 0 {
			first = n
			break
		}
	}
	r.confirmed = time.UnixMicro(r.now[0].arrived).UTC().Truncate(time.Second)
	requests, calls, began := map[[sha256.Size]byte]int64{}, map[string]int64{}, map[string]int64{}
	next := r.nextOfCall()
	near := first // the last one with a counterpart, or the first
	for n, t := range r.now {
		at := t.arrived
		if p := r.pair[n]; p >= 0 {
			near, at = n, r.before[p].arrived
		} else {
			at += r.before[r.pair[near]].arrived - r.now[near].arrived
			if last, ok := calls[t.call]; ok && t.call != "" {
				at = max(at, last)
			}
			if at >= next[n] {
				at = max(next[n]-1, began[t.call])
			}
			if last, ok := requests[t.request]; ok {
				at = max(at, last)
			}
		}
		r.arrived[n], requests[t.request] = at, at
		calls[t.call], began[t.call] = at+t.took.Microseconds()+1, at
	}
}

// nextOfCall tells of each of now when the next one of its call that has a counterpart
// arrives on the clock of before.
func (r *renewal) nextOfCall() []int64 {
	next := make([]int64, len(r.now))
	calls := map[string]int64{}
	for n, t := range slices.Backward(r.now) {
		next[n] = math.MaxInt64
		if at, ok := calls[t.call]; ok && t.call != "" {
			next[n] = at
		}
		if p := r.pair[n]; p >= 0 {
			calls[t.call] = r.before[p].arrived
		}
	}
	return next
}

// number gives those with a counterpart its id, and the others those that are free. In a
// file put together by hand two may have the same one, which one of them keeps.
func (r *renewal) number() {
	taken := map[int]bool{}
	r.ids = slices.Repeat([]int{-1}, len(r.now))
	for _, stays := range []bool{true, false} {
		for n, p := range r.pair {
			if p < 0 || r.same(n, p) != stays {
				continue
			}
			if id := r.before[p].id; stays || !taken[id] {
				r.ids[n], taken[id] = id, true
			}
		}
	}
	free := 0
	for n := range r.ids {
		if r.ids[n] >= 0 {
			continue
		}
		for taken[free] {
			free++
		}
		r.ids[n] = free
		free++
	}
}

// headerOf is the header, that of before with another line for when it was confirmed, if
// they say the same.
func (r *renewal) headerOf(w *Writer, was HeaderMeta, size int64) ([]byte, error) {
	is := w.header
	if was.Confirmed = is.Confirmed; !sameMeta(was, is) {
		return appendHeader(nil, is), nil
	}
	text := make([]byte, size)
	if _, err := w.old.from.ReadAt(text, 0); err != nil && !(errors.Is(err, io.EOF) && size == w.old.size) {
		return nil, err
	}
	line := appendConfirmed(nil, is.Confirmed)
	start := line[:bytes.IndexByte(line, ':')+1]
	var b []byte
	for l := range bytes.Lines(text) {
		switch {
		case bytes.HasPrefix(l, start):
			continue
		case bytes.HasPrefix(l, []byte(headerEnd)):
			b = append(b, line...)
		}
		b = append(b, l...)
	}
	return b, nil
}

// write writes the file.
func (r *renewal) write(to io.Writer, before, now io.ReaderAt) error {
	inOrder := make([]int, len(r.now))
	for n := range inOrder {
		inOrder[n] = n
	}
	slices.SortStableFunc(inOrder, func(a, b int) int { return cmp.Compare(r.arrived[a], r.arrived[b]) })
	out := bufio.NewWriterSize(to, 64<<10)
	if _, err := out.Write(r.header); err != nil {
		return err
	}
	var b []byte
	copyOf := func(from io.ReaderAt, s span) error {
		b = slices.Grow(b[:0], int(s.size))[:s.size]
		if _, err := from.ReadAt(b, s.off); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
	for _, n := range inOrder {
		t := &r.now[n]
		if p := r.pair[n]; p >= 0 && r.same(n, p) {
			if err := copyOf(before, r.before[p].span); err != nil {
				return err
			}
			if b[len(b)-1] != '\n' {
				b = append(b, '\n')
			}
		} else {
			record := span{t.record, t.span.off + t.span.size - t.record}
			if err := copyOf(now, record); err != nil {
				return err
			}
			i, err := parseRecord("", b, oneRecord(b, 0, len(b)), n)
			if err != nil {
				return err
			}
			i.Umtape.Arrived = time.UnixMicro(r.arrived[n]).UTC()
			b = b[:0]
			if p >= 0 { // what people have written above it stays there
				was := &r.before[p]
				if err := copyOf(before, span{was.span.off, was.record - was.span.off}); err != nil {
					return err
				}
			}
			b, _ = appendRecord(b, i, r.ids[n])
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	if err := copyOf(before, r.tail); err != nil {
		return err
	}
	if _, err := out.Write(b); err != nil {
		return err
	}
	return out.Flush()
}
