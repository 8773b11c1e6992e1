package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// Difference is one place where two interactions differ: in a message, or with the
// Path "status", "method", "host", "path", "query" or "header NAME".
type Difference struct {
	Part string `json:"part"` // "request" or "response"
	inspect.Change
}

// Miss is what is known of a request that nothing answered.
type Miss struct {
	Distance    int // from the nearest: how many elements, attributes, texts and parts of the request line are not as recorded
	Differences []inspect.Difference
	Cut         bool     // there are more
	Rules       []string // flags of umtape replay, each of which would let the nearest answer

	// Read returns the request, as Tape does an interaction; not ok if it is not held
	// any more. It is nil if it never was.
	Read func() (whole, masked Copy, ok bool)
}

// maxMisses is how many misses are kept, the last of them.
const maxMisses = 1000

// comparedJSON is two exchanges beside each other, or a miss beside what is nearest.
type comparedJSON struct {
	Before      *partyJSON   `json:"before"` // nil if it is on no cassette
	After       *partyJSON   `json:"after"`  // the same; of a miss what was asked, nil if that is not held
	Differences []unlikeJSON `json:"differences"`
	Cut         bool         `json:"cut"` // there are more

	Miss  *partyJSON `json:"miss,omitempty"` // the miss, without its messages
	Rules []string   `json:"rules,omitempty"`
}

type partyJSON struct {
	N         int    `json:"n"`
	Name      string `json:"name"`
	Operation string `json:"operation"`
	Status    int    `json:"status"`
	Answer    string `json:"answer"`

	Request  *sideJSON `json:"request"`
	Response *sideJSON `json:"response"`
}

type unlikeJSON struct {
	Part   string     `json:"part"`
	Path   string     `json:"path"`
	What   string     `json:"what"`
	Before *valueJSON `json:"before"` // nil if nothing is there, or it is not known
	After  *valueJSON `json:"after"`
}

// valueJSON is what stands at a place.
type valueJSON struct {
	Text     string `json:"text"`
	Cut      bool   `json:"cut,omitempty"`
	Elements int    `json:"elements,omitempty"` // in it
	Tag      int    `json:"tag"`                // number of the start tag in the message, from 0; -1 for none
}

// maxValue is how much of a text is shown where it differs, in characters.
const maxValue = 400

// compare puts beside each other what before and after name: two exchanges, as FILE#ID
// or @ROW, or two cassettes; or a miss, as @ROW, and what is nearest to it.
func (s *Server) compare(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	reveal, headers := q.Get("reveal") == "1", q.Get("headers") == "1"
	if name := q.Get("miss"); name != "" {
		s.compareMiss(w, name, reveal)
		return
	}
	a, row, err := s.copyOf(q.Get("before"))
	if err != nil {
		fail(w, http.StatusNotFound, err.Error())
		return
	}
	b, rowB, err := s.copyOf(q.Get("after"))
	if err != nil {
		fail(w, http.StatusNotFound, err.Error())
		return
	}
	found, cut, err := s.Tape.Compare(Place{a.row.File, a.row.ID}, Place{b.row.File, b.row.ID}, headers, reveal)
	if err != nil {
		fail(w, http.StatusConflict, err.Error())
		return
	}
	j := comparedJSON{Before: a.json(row, reveal), After: b.json(rowB, reveal), Differences: []unlikeJSON{}, Cut: cut}
	for _, d := range found {
		j.Differences = append(j.Differences, unlikeJSON{Part: d.Part, Path: d.Path, What: d.What,
			Before: a.value(d, d.Before, reveal), After: b.value(d, d.After, reveal)})
	}
	writeJSON(w, j)
}

func (s *Server) compareMiss(w http.ResponseWriter, name string, reveal bool) {
	n, err := s.rowOf(name)
	if err != nil {
		fail(w, http.StatusNotFound, err.Error())
		return
	}
	row, _ := s.Book.row(n)
	switch {
	case row.Outcome != "missed":
		fail(w, http.StatusConflict, "this exchange is no miss")
		return
	case row.Miss == nil:
		fail(w, http.StatusGone, fmt.Sprintf("where it differs is known of the last %d misses only; umtape replay --miss-report FILE keeps it of all", maxMisses))
		return
	}
	j := comparedJSON{Miss: &partyJSON{N: n, Operation: row.Operation, Status: row.Status}, Rules: row.Miss.Rules, Differences: []unlikeJSON{}, Cut: row.Miss.Cut}
	near, asked := s.nearest(row), row.asked()
	if near != nil {
		j.Before = near.json(s.Book.find(near.row.File, near.row.ID), reveal)
	}
	if asked != nil {
		j.After = asked.json(n, reveal)
	}
	places := placesOf(near, asked)
	for _, d := range row.Miss.Differences {
		dj := unlikeJSON{Part: "request", Path: d.Path, What: d.What}
		if !reveal && (d.Path == "host" || d.Path == "path") {
			dj.What = "differs"
		}
		at := Difference{"request", inspect.Change{Difference: d}}
		if n := slices.IndexFunc(places, func(c inspect.Change) bool { return c.Difference == d }); n >= 0 {
			at.Change = places[n]
		} else if near != nil && near.whole.Request != nil && d.What != "unexpected" {
			var e *inspect.Element
			if e, at.Attr = near.whole.Request.At(d.Path); e != nil {
				at.Before = wayTo(near.whole.Request.Envelope, e)
			}
		}
		if near != nil {
			dj.Before = near.value(at, at.Before, reveal)
		}
		if asked != nil {
			dj.After = asked.value(at, at.After, reveal)
		}
		j.Differences = append(j.Differences, dj)
	}
	writeJSON(w, j)
}

// placesOf lists where in the bodies of both requests they differ, as far as that is known.
func placesOf(near, asked *party) []inspect.Change {
	if near == nil || asked == nil || near.whole.Request == nil || asked.whole.Request == nil {
		return nil
	}
	return inspect.Places(near.whole.Request, asked.whole.Request, maxPlacesOfMiss)
}

// maxPlacesOfMiss is how many places are looked for where a miss differs. It tells of
// fewer, but without those that the rules of the replay ignore.
const maxPlacesOfMiss = 1000

// asked is what a miss asked; nil if that is not held.
func (r *Row) asked() *party {
	whole, masked, ok := r.missed()
	if !ok {
		return nil
	}
	return &party{Row{Operation: r.Operation}, whole, masked}
}

// missed is the request of a miss; not ok if it is none, or not held.
func (r *Row) missed() (whole, masked Copy, ok bool) {
	if r.Miss == nil || r.Miss.Read == nil {
		return whole, masked, false
	}
	return r.Miss.Read()
}

// nearest is the interaction that is nearest to a miss, which need not have a row of its
// own; nil if there is none, or it cannot be read now.
func (s *Server) nearest(miss Row) *party {
	file, id, ok := splitName(miss.Nearest)
	if !ok {
		return nil
	}
	whole, masked, err := s.Tape.Read(file, id)
	if err != nil {
		return nil
	}
	shown := RowOf(masked.Entry, nil)
	return &party{shown, whole, masked}
}

// wayTo is how e is reached from above, for Element.Down; nil if it is not there.
func wayTo(above, e *inspect.Element) []int {
	if above == e {
		return []int{}
	}
	for n, c := range above.Children {
		if c.Offset <= e.Offset && (n+1 == len(above.Children) || above.Children[n+1].Offset > e.Offset) {
			if way := wayTo(c, e); way != nil {
				return append([]int{n}, way...)
			}
		}
	}
	return nil
}

// party is an exchange that is compared.
type party struct {
	row           Row
	whole, masked Copy
}

func (b *party) shown(reveal bool) Copy {
	if reveal {
		return b.whole
	}
	return b.masked
}

// rowOf is the number of the row that is named, as FILE#ID or @ROW.
func (s *Server) rowOf(name string) (n int, err error) {
	if at, ok := strings.CutPrefix(name, "@"); ok {
		if n, err = strconv.Atoi(at); err == nil && n >= 0 {
			return n, nil
		}
	} else if file, id, ok := splitName(name); ok {
		if n = s.Book.find(file, id); n >= 0 {
			return n, nil
		}
	}
	if name == "" {
		return 0, fmt.Errorf("name two exchanges, as FILE#ID")
	}
	return 0, fmt.Errorf("%s is not on this page; an exchange is named FILE#ID, as the list has it", inspect.Shorten(name, 200))
}

func (s *Server) copyOf(name string) (*party, int, error) {
	n, err := s.rowOf(name)
	if err != nil {
		return nil, 0, err
	}
	row, ok := s.Book.row(n)
	switch {
	case !ok:
		return nil, 0, fmt.Errorf("there is no such exchange; the cassette may have been replaced")
	case row.File == "":
		return nil, 0, fmt.Errorf("%s is on no cassette, so that there is nothing to compare", inspect.Shorten(name, 200))
	}
	whole, masked, err := s.Tape.Read(row.File, row.ID)
	if err != nil {
		return nil, 0, err
	}
	return &party{row, whole, masked}, n, nil
}

func (b *party) json(n int, reveal bool) *partyJSON {
	c := b.shown(reveal)
	j := &partyJSON{N: n, Name: name(b.row), Operation: b.row.Operation, Status: c.Status, Answer: b.row.Shape,
		Request:  sideOf(c.RequestHeader, c.RequestBody, c.RequestErr).sized(b.whole.RequestHeader, b.whole.RequestBody),
		Response: sideOf(c.ResponseHeader, c.ResponseBody, c.ResponseErr).sized(b.whole.ResponseHeader, b.whole.ResponseBody)}
	if reveal {
		j.Answer = RowOf(c.Entry, nil).Shape
	}
	return j
}

// value is what the exchange has at a place that differs, as it is shown.
func (b *party) value(d Difference, way []int, reveal bool) *valueJSON {
	c := b.shown(reveal)
	m, whole, h := c.Request, b.whole.Request, c.RequestHeader
	if d.Part == "response" {
		m, whole, h = c.Response, b.whole.Response, c.ResponseHeader
	}
	if way != nil {
		if m == nil || whole == nil {
			return nil
		}
		return valueAt(m, m.Envelope.Down(way), d.Attr, tagOf(b.whole.Reading, whole.Find(inspect.Rule{}, d.Part, d.Path, whole.Envelope.Down(way), "")))
	}
	text := ""
	u, err := url.Parse(c.URL)
	if err != nil {
		u = &url.URL{}
	}
	switch field, ok := strings.CutPrefix(d.Path, "header "); {
	case ok:
		text = strings.Join(h[http.CanonicalHeaderKey(field)], ", ")
	case d.Path == "status":
		text = strconv.Itoa(c.Status)
	case d.Path == "method":
		text = c.Method
	case d.Path == "host":
		text = u.Host
	case d.Path == "path":
		text = u.EscapedPath()
	case d.Path == "query":
		text = u.RawQuery
	}
	if text == "" {
		return nil
	}
	return short(text)
}

func short(text string) *valueJSON {
	cut := inspect.Shorten(text, maxValue)
	return &valueJSON{Text: cut, Cut: cut != text, Tag: -1}
}

// valueAt is what an element, or an attribute of it, says; nil if it is not there.
func valueAt(m *inspect.Message, e *inspect.Element, attr string, tag int) (v *valueJSON) {
	switch {
	case e == nil:
		return nil
	case attr == "":
		v = short(strings.TrimSpace(e.Text))
		v.Elements = count(e) - 1
	default:
		n := slices.IndexFunc(e.Attrs, func(a inspect.Attr) bool { return a.Name.Local == attr })
		if n < 0 {
			return nil
		}
		v = short(e.Attrs[n].Value)
	}
	v.Tag = tag
	return v
}

// count is how many elements an element is, with those in it.
func count(e *inspect.Element) int {
	n := 1
	for _, c := range e.Children {
		n += count(c)
	}
	return n
}

// compareCassettes compares two cassettes that are on the page, as umtape diff does.
func (s *Server) compareCassettes(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	before, after := q.Get("before"), q.Get("after")
	for _, file := range []string{before, after} {
		if !s.Book.has(file) {
			fail(w, http.StatusNotFound, cmp.Or(inspect.Shorten(file, 200), "that")+" is no cassette of this page")
			return
		}
	}
	select {
	case s.comparing <- struct{}{}: // it takes memory: one at a time
		defer func() { <-s.comparing }()
	case <-r.Context().Done():
		return
	}
	found, err := s.Tape.Diff(before, after, q.Get("headers") == "1", q.Get("reveal") == "1")
	if err != nil {
		fail(w, http.StatusConflict, err.Error())
		return
	}
	writeJSON(w, found)
}

// has reports whether there are rows of a cassette.
func (b *Book) has(file string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return file != "" && slices.ContainsFunc(b.rows, func(r line) bool { return r.File == file })
}
