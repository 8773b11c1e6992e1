package web

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
)

// ruleSet is how many findings there are of which rules. Rows that have the same share
// one.
type ruleSet struct {
	rules []string // IDs, sorted
	times []int
}

// noAnswers are outcomes of exchanges that are on no cassette, for there was no answer.
var noAnswers = []string{"missed", "unanswered", "not_sent"}

// take puts what was read of a row with what the book knows, each text and each step
// once, and returns its step, the number of the call that this is of, and its findings.
func (b *Book) take(r *Row) (of int32, step *inspect.Step, found *ruleSet) {
	of = -1
	x := r.read
	switch {
	case x != nil && x.isStep:
		s := x.step
		if r.Outcome != "" && s.Call != "" && r.Call != "" {
			s.Call = r.Call // what the client said, not what it was recorded as
		}
		of, step = b.keepStep(s)
	case x == nil && slices.Contains(noAnswers, r.Outcome):
		for _, op := range um.Operations {
			if op.Name == r.Operation && op.Role != inspect.NoRole {
				of, step = b.keepStep(inspect.Step{Role: op.Role, Operation: r.Operation, Call: r.Call, Unanswered: r.Outcome})
				break
			}
		}
	}
	if x == nil {
		return of, step, nil
	}
	found = b.setOf(x.found)
	at := Place{r.File, r.ID}
	if r.Outcome == "replayed" {
		if b.shaped[at] {
			return of, step, found // it has answered before
		}
		b.shaped[at] = true
	}
	for _, s := range x.shapes {
		l := b.shapes[r.File]
		if l == nil {
			l = &inspect.Shapes{}
			b.shapes[r.File] = l
		}
		l.AddShape(s.key, s.shape, inspect.ShapeIn{File: b.once(r.File), ID: r.ID})
	}
	return of, step, found
}

// keepStep keeps a step without where in its messages it is said, which is read again
// when somebody asks.
func (b *Book) keepStep(s inspect.Step) (of int32, _ *inspect.Step) {
	of = b.callOf(s.Call)
	s.Call = ""
	s.Named = inspect.Spot{Part: s.Named.Part, Path: s.Named.Path}
	s.Shown = inspect.Spot{Part: s.Shown.Part, Path: s.Shown.Path}
	had := b.steps[s]
	if had == nil {
		for _, text := range []*string{&s.Operation, &s.State, &s.Cause, &s.Refused, &s.Unanswered, &s.Named.Path, &s.Shown.Path} {
			*text = b.once(*text)
		}
		had = &s
		if len(b.steps) < maxTexts {
			b.steps[s] = had
		}
	}
	return of, had
}

func (b *Book) setOf(found []inspect.Finding) *ruleSet {
	if len(found) == 0 {
		return nil
	}
	s := &ruleSet{}
	for _, f := range found {
		n, ok := slices.BinarySearch(s.rules, f.Rule.ID)
		if !ok {
			s.rules, s.times = slices.Insert(s.rules, n, f.Rule.ID), slices.Insert(s.times, n, 0)
			b.rules[f.Rule.ID] = f.Rule
		}
		s.times[n]++
	}
	key := fmt.Sprint(s.rules, s.times)
	had := b.sets[key]
	if had == nil {
		had = s
		if len(b.sets) < maxTexts {
			b.sets[key] = had
		}
	}
	return had
}

// About says what findings there are about a cassette as a whole, in place of those
// that were told before.
func (b *Book) About(file string, found []inspect.Finding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(found) == 0 && len(b.about[file]) == 0 {
		return
	}
	b.about[file] = found
	for _, f := range found {
		b.rules[f.Rule.ID] = f.Rule
	}
	b.changed++
	b.tell()
}

// digest is what the rows say together, as they were at some time. Rows that are in the
// book do not change, so they are read without its lock.
type digest struct {
	total, anew, changed int
	rows                 []line
	ids                  []string // identifiers of calls, by their number
	calls                []inspect.Call
	found                map[int][]um.CallFinding // by row
	rowOf                func() map[Place]int     // the last one of each interaction
	groups               func() []inspect.ShapeGroup
}

// seen are the rows as they are now, with nothing made of them.
func (b *Book) seen() *digest {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := &digest{total: len(b.rows), anew: b.anew, changed: b.changed, rows: b.rows, ids: b.calls, groups: sync.OnceValue(b.gather)}
	d.rowOf = sync.OnceValue(d.places)
	return d
}

func (d *digest) places() map[Place]int {
	at := make(map[Place]int, len(d.rows))
	for n := range d.rows {
		if r := &d.rows[n]; r.File != "" {
			at[Place{r.File, r.ID}] = n
		}
	}
	return at
}

// moment is the part that a row has in the life of a call. Its N is the number of the
// row.
func (d *digest) moment(n int) inspect.Moment {
	r := &d.rows[n]
	m := inspect.Moment{Step: *r.step, N: n, File: r.File, ID: r.ID, Arrived: r.began(), Took: r.Took}
	if r.of >= 0 {
		m.Call = d.ids[r.of]
	}
	return m
}

// digestFor is how long a digest is held that nobody asks for: it takes more memory than
// the rows.
const digestFor = time.Minute

// digested returns the digest of the rows as they are now. It is made once for them.
func (b *Book) digested() *digest {
	b.digesting.Lock()
	defer b.digesting.Unlock()
	if b.forget != nil {
		b.forget.Stop()
	}
	b.forget = time.AfterFunc(digestFor, b.forgets)
	d := b.seen()
	if had := b.digest; had != nil && had.total == d.total && had.anew == d.anew && had.changed == d.changed {
		return had
	}
	steps := 0
	for n := range d.rows {
		if d.rows[n].step != nil {
			steps++
		}
	}
	moments := make([]inspect.Moment, 0, steps)
	for n := range d.rows {
		if d.rows[n].step != nil {
			moments = append(moments, d.moment(n))
		}
	}
	d.calls = inspect.CallsOf(moments)
	d.found = map[int][]um.CallFinding{}
	for f := range um.CheckCalls(d.calls) {
		d.found[f.At.N] = append(d.found[f.At.N], f)
	}
	b.digest = d
	return d
}

func (b *Book) forgets() {
	b.digesting.Lock()
	defer b.digesting.Unlock()
	b.digest = nil
}

// ofCall lists the findings about the part that a row has in its call. It looks at that
// call alone.
func (d *digest) ofCall(n int) (found []um.CallFinding) {
	if n >= len(d.rows) || d.rows[n].of < 0 {
		return nil
	}
	var moments []inspect.Moment
	for k := range d.rows {
		if d.rows[k].of == d.rows[n].of {
			moments = append(moments, d.moment(k))
		}
	}
	for f := range um.CheckCalls(inspect.CallsOf(moments)) {
		if f.At.N == n {
			found = append(found, f)
		}
	}
	return found
}

// findings lists all that was found in a row's exchange, read again.
func (s *Server) findings(n int, whole Copy) []inspect.Finding {
	found := slices.Clone(whole.Found)
	if s.Check != nil {
		found = append(found, s.Check(whole.Reading)...)
	}
	if s.SomeOfCalls {
		return found
	}
	about := s.Book.seen().ofCall(n)
	if len(about) == 0 {
		return found
	}
	step, _ := um.Step(whole.Reading)
	for _, f := range about {
		for _, at := range []inspect.Spot{step.Named, step.Shown} {
			if at.Part == f.Part && at.Path == f.Path {
				f.Finding = at.Find(f.Rule, f.Message)
			}
		}
		found = append(found, f.Finding)
	}
	return found
}
