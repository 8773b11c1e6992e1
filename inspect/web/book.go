package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

// Row is an exchange as a list shows it. Its texts are for whoever has not asked for what
// is sensitive, but for those that say otherwise.
type Row struct {
	File      string // cassette, as the user named it; "" if it is on none
	ID        int    // of the interaction in File
	Began     time.Time
	Took      time.Duration
	Operation string
	Call      string // the call's identifier, verbatim; the page is not given it unasked
	Address   string // of the client, with its port; "" if it is not known
	Client    string // what the client says that it is (User-Agent)
	Status    int
	Shape     string // of the response
	Fault     string // kind of the fault; "" for none
	Outcome   string // "recorded", "replayed", "missed" ...; "" for what was read from a cassette
	Reason    string // why, where there is more to say; the page is not given it unasked
	Veiled    string // Reason without what is sensitive
	Nearest   string // FILE#ID of what is nearest to a miss
	Miss      *Miss  // of a miss, one of the last
	Errors    int    // findings
	Warnings  int

	read *read // what RowOf has read; nil once it is in the book
}

// read is what the messages of a row say, for the book to put with that of others.
type read struct {
	step   inspect.Step
	isStep bool
	found  []inspect.Finding
	shapes []keyedShape
}

type keyedShape struct {
	key   inspect.ShapeKey
	shape *inspect.Shape
}

// RowOf is an interaction that was read from a cassette, with nothing hidden of what it
// says of itself in Client, Shape and Fault.
func RowOf(e report.Entry, found []inspect.Finding) Row {
	r := Row{
		File: e.File, ID: e.ID, Began: e.Started, Took: e.Took, Operation: operation(e), Call: e.Call,
		Client: e.RequestHeader.Get("User-Agent"), Status: e.Status, Shape: shape(e),
	}
	if e.Response != nil && e.Response.Fault != nil {
		r.Fault = e.Response.Fault.Kind()
		if r.Fault == "" {
			r.Fault = "Fault"
		}
	}
	for _, f := range found {
		switch f.Rule.Severity {
		case inspect.Error:
			r.Errors++
		case inspect.Warning:
			r.Warnings++
		}
	}
	r.read = &read{found: found}
	r.read.step, r.read.isStep = um.Step(e.Reading)
	asked, answered, hasRequest, hasResponse := inspect.ShapeKeys(e.Reading, um.Service(e.Reading))
	if hasRequest {
		r.read.shapes = append(r.read.shapes, keyedShape{asked, inspect.ShapeOfMessage(e.Request)})
	}
	if hasResponse {
		r.read.shapes = append(r.read.shapes, keyedShape{answered, inspect.ShapeOfMessage(e.Response)})
	}
	return r
}

func operation(e report.Entry) string {
	switch {
	case e.Operation != "":
		return e.Operation
	case e.IsSOAP():
		return "(" + e.Method + ", unreadable)"
	}
	return "(" + e.Method + ")"
}

func shape(e report.Entry) string {
	switch {
	case e.Response != nil:
		return inspect.ShapeOf(e.Response)
	case len(e.ResponseBody) == 0:
		return "(no body)"
	}
	return fmt.Sprintf("(no SOAP, %d bytes)", len(e.ResponseBody))
}

// Book holds the rows that the page shows, the last [MaxRows] of them. Its methods may be
// called by several goroutines at once.
type Book struct {
	// Most is how many rows there may be; [MaxRows] if it is 0. It is set before rows are
	// added.
	Most int

	mu      sync.Mutex
	rows    []line
	older   int              // how many were left out for that
	calls   []string         // identifiers
	known   map[string]int32 // calls by identifier
	clients []string         // where clients are
	placed  map[string]int32
	kinds   map[kind]*kind
	reasons map[reason]*reason
	texts   map[string]string
	anew    int               // how often the rows were replaced
	misses  map[int]*Miss     // by row
	missed  []int             // rows that have one
	changed int               // how often what is about cassettes as a whole was told
	wrong   map[string]string // by cassette: why it cannot be read
	reading bool              // there is more to come of cassettes
	grown   chan struct{}     // closed when there is something new

	steps  map[inspect.Step]*inspect.Step
	sets   map[string]*ruleSet
	rules  map[string]inspect.Rule      // by ID: those that findings are of
	about  map[string][]inspect.Finding // by cassette: findings about it as a whole
	shapes map[string]*inspect.Shapes   // by cassette
	shaped map[Place]bool               // interactions that were replayed and are in shapes

	digesting sync.Mutex  // held while a digest is made
	digest    *digest     // the last one; nil for none
	forget    *time.Timer // of that
}

// NewBook returns an empty book.
func NewBook() *Book {
	return &Book{known: map[string]int32{}, placed: map[string]int32{}, kinds: map[kind]*kind{}, reasons: map[reason]*reason{}, texts: map[string]string{},
		misses: map[int]*Miss{}, wrong: map[string]string{}, grown: make(chan struct{}),
		steps: map[inspect.Step]*inspect.Step{}, sets: map[string]*ruleSet{}, rules: map[string]inspect.Rule{},
		about: map[string][]inspect.Finding{}, shapes: map[string]*inspect.Shapes{}, shaped: map[Place]bool{}}
}

// Add appends rows.
func (b *Book) Add(rows ...Row) {
	if len(rows) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(rows)
	b.tell()
}

// Replace puts rows in the place of all that are of that cassette.
func (b *Book) Replace(file string, rows []Row) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(func(_ int, l *line) bool { return l.File != file })
	delete(b.shapes, file)
	delete(b.about, file)
	b.add(rows)
	b.tell()
}

// Trouble has the page tell why a cassette cannot be read, until it is told "".
func (b *Book) Trouble(file, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wrong[file] == why {
		return
	}
	if b.wrong[file] = why; why == "" {
		delete(b.wrong, file)
	}
	b.tell()
}

func (b *Book) add(rows []Row) {
	for _, r := range rows {
		n := len(b.rows)
		if b.rows = append(b.rows, b.line(r)); r.Miss != nil {
			b.misses[n] = r.Miss
			if b.missed = append(b.missed, n); len(b.missed) > maxMisses {
				delete(b.misses, b.missed[0])
				b.missed = b.missed[1:]
			}
		}
		if most := cmp.Or(b.Most, MaxRows); len(b.rows) > most {
			b.leaveOut(len(b.rows) - most*3/4)
		}
	}
}

func (b *Book) tell() {
	close(b.grown)
	b.grown = make(chan struct{})
}

func (b *Book) callOf(id string) int32 { return numberOf(id, b.known, &b.calls) }

// numberOf is the number of a text among those that are held once; -1 for "".
func numberOf(text string, known map[string]int32, list *[]string) int32 {
	if text == "" {
		return -1
	}
	n, ok := known[text]
	if !ok {
		n, text = int32(len(*list)), strings.Clone(text)
		known[text] = n
		*list = append(*list, text)
	}
	return n
}

// label is what is shown of the n-th call unasked: not the server that its identifier
// names.
func (b *Book) label(n int) string {
	if c, ok := inspect.DecodeCallID(b.calls[n]); ok {
		return c.GUID
	}
	return fmt.Sprintf("call %d", n+1)
}

// opened is a row with what goes with it.
type opened struct {
	Row
	label  string // of its call; "" if it has none
	ofCall []int  // rows of the same call, itself included, at most maxOfCall
	rows   []Row  // those
}

// open returns the n-th row, and how often the rows were replaced.
func (b *Book) open(n int) (o opened, anew int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n < 0 || n >= len(b.rows) {
		return opened{}, b.anew, false
	}
	o.Row = b.full(n)
	if c := b.rows[n].call; c >= 0 {
		o.label = b.label(int(c))
		for k := range b.rows {
			if b.rows[k].call == c && len(o.ofCall) < maxOfCall {
				o.ofCall, o.rows = append(o.ofCall, k), append(o.rows, b.full(k))
			}
		}
	}
	return o, b.anew, true
}

const maxOfCall = 200

// row returns the n-th row.
func (b *Book) row(n int) (Row, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n < 0 || n >= len(b.rows) {
		return Row{}, false
	}
	return b.full(n), true
}

// find returns the last row that is an interaction; -1 if none is.
func (b *Book) find(file string, id int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := len(b.rows) - 1; n >= 0; n-- {
		if b.rows[n].ID == id && b.rows[n].File == file {
			return n
		}
	}
	return -1
}

// Reading has the page tell that cassettes are being read for the first time.
func (b *Book) Reading(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = on
	b.tell()
}

// bookState is what the page is told of a book unasked.
type bookState struct {
	Total   int      `json:"total"`             // rows
	Anew    int      `json:"anew"`              // how often they were replaced
	Older   int      `json:"older,omitempty"`   // rows that were left out, for there are so many
	Reading bool     `json:"reading,omitempty"` // there is more to come of cassettes
	Wrong   []string `json:"wrong,omitempty"`   // why cassettes cannot be read
}

// state also returns what will be closed when the state changes.
func (b *Book) state() (bookState, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := bookState{Total: len(b.rows), Anew: b.anew, Older: b.older, Reading: b.reading}
	for _, file := range slices.Sorted(maps.Keys(b.wrong)) {
		s.Wrong = append(s.Wrong, b.wrong[file])
	}
	return s, b.grown
}
