package web

import (
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
)

// line is a row as the book holds it, for there may be very many: what other rows have
// as well is held once. It takes 56 bytes.
type line struct {
	*kind
	*reason // nil for none

	ID            int
	second        int64 // Began, since 1970
	Took          time.Duration
	nano, address int32 // of Began; of clients, -1 for none
	call, of      int32 // numbers of its call, and of its step's; -1 for none
}

// kind is what many rows have in common.
type kind struct {
	File, Operation, Client, Shape, Fault, Outcome string
	Status, Errors, Warnings                       int

	step  *inspect.Step // its part in the life of a call, but for the call; nil for none
	found *ruleSet      // what findings are about it; nil for none
}

// reason is why an exchange went as it did.
type reason struct{ Reason, Veiled, Nearest string }

// maxTexts bounds how many texts, and other things that rows share, are held once.
const maxTexts = 10000

// once returns a text that is held once, and holds no message in memory.
func (b *Book) once(s string) string {
	had, ok := b.texts[s]
	if !ok {
		had = strings.Clone(s)
		if len(b.texts) < maxTexts {
			b.texts[had] = had
		}
	}
	return had
}

// shared returns what is like one that is held already, or else that one.
func shared[T comparable](held map[T]*T, one T) *T {
	had := held[one]
	if had == nil {
		had = &one
		if len(held) < maxTexts {
			held[one] = had
		}
	}
	return had
}

// line makes one of a row, and puts what was read of its messages with what the book
// knows.
func (b *Book) line(r Row) line {
	l := line{ID: r.ID, Took: r.Took, nano: int32(r.Began.Nanosecond())}
	if l.second = r.Began.Unix(); r.Began.IsZero() {
		l.nano = -1
	}
	k := kind{File: b.once(r.File), Operation: b.once(r.Operation), Client: b.once(r.Client), Shape: b.once(r.Shape), Fault: b.once(r.Fault),
		Outcome: b.once(r.Outcome), Status: r.Status, Errors: r.Errors, Warnings: r.Warnings}
	l.of, k.step, k.found = b.take(&r)
	l.kind = shared(b.kinds, k)
	if why := (reason{r.Reason, r.Veiled, r.Nearest}); why != (reason{}) {
		l.reason = shared(b.reasons, reason{b.once(r.Reason), b.once(r.Veiled), b.once(r.Nearest)})
	}
	l.call, l.address = b.callOf(r.Call), b.placeOf(r.Address)
	return l
}

// placeOf is the number of where a client is; -1 for "".
func (b *Book) placeOf(address string) int32 { return numberOf(address, b.placed, &b.clients) }

// began is when it began; zero if that is not known.
func (l *line) began() time.Time {
	if l.nano < 0 {
		return time.Time{}
	}
	return time.Unix(l.second, int64(l.nano)).UTC()
}

// full is the n-th row as it was put into the book.
func (b *Book) full(n int) Row {
	l := &b.rows[n]
	r := Row{File: l.File, ID: l.ID, Began: l.began(), Took: l.Took, Operation: l.Operation, Client: l.Client, Status: l.Status, Shape: l.Shape, Fault: l.Fault,
		Outcome: l.Outcome, Miss: b.misses[n], Errors: l.Errors, Warnings: l.Warnings}
	if l.reason != nil {
		r.Reason, r.Veiled, r.Nearest = l.Reason, l.Veiled, l.Nearest
	}
	if l.call >= 0 {
		r.Call = b.calls[l.call]
	}
	if l.address >= 0 {
		r.Address = b.clients[l.address]
	}
	return r
}

// keep keeps those rows that it is told to, under other numbers.
func (b *Book) keep(keep func(n int, l *line) bool) {
	rows, calls, clients, misses := b.rows, b.calls, b.clients, b.misses
	b.rows, b.calls, b.clients, b.misses, b.missed = nil, nil, nil, map[int]*Miss{}, nil
	b.known, b.placed = map[string]int32{}, map[string]int32{}
	b.anew++
	anew := func(n int32, of func(string) int32, names []string) int32 {
		if n < 0 {
			return -1
		}
		return of(names[n])
	}
	for n, l := range rows {
		if !keep(n, &l) {
			continue
		}
		l.call, l.of, l.address = anew(l.call, b.callOf, calls), anew(l.of, b.callOf, calls), anew(l.address, b.placeOf, clients)
		if m := misses[n]; m != nil {
			b.misses[len(b.rows)] = m
			b.missed = append(b.missed, len(b.rows))
		}
		b.rows = append(b.rows, l)
	}
}

// MaxRows is how many rows there are in a [Book], at most. When there are more, the
// first quarter is left out.
const MaxRows = 1_000_000

// leaveOut leaves out the first n rows, and what is known of them.
func (b *Book) leaveOut(n int) {
	b.keep(func(k int, _ *line) bool { return k >= n })
	b.older += n
	there := make(map[Place]bool, len(b.rows))
	for k := range b.rows {
		there[Place{b.rows[k].File, b.rows[k].ID}] = true
	}
	for _, l := range b.shapes {
		l.Keep(func(in inspect.ShapeIn) bool { return there[Place(in)] })
	}
	for at := range b.shaped {
		if !there[at] {
			delete(b.shaped, at)
		}
	}
}
