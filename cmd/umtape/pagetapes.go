package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/cassettes/captures"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/web"
)

// pageTapes are the cassettes that the page reads from. Of each interaction they know
// where it is, and read it again when somebody opens it. Their methods may be called by
// several goroutines at once.
type pageTapes struct {
	mu    sync.Mutex
	tapes map[string]*pageTape // by path

	// maxExport bounds the bodies of what is exported at once, in bytes: they are in
	// memory meanwhile.
	maxExport int

	// maxKept bounds how many interactions it knows of one cassette, the last ones; 0 for
	// no bound.
	maxKept int
}

type pageTape struct {
	path    string
	reading sync.Mutex // held while it is read for the first time
	file    *cassettes.Follower
	begun   bool // it was read
	told    bool // somebody asks for what is new
	header  cassettes.HeaderMeta
	hidden  bool // what is sensitive are pseudonyms, which anybody may see
	most    int  // how many of kept there may be; 0 for any number
	kept    []cassettes.Kept
	left    int         // how many were left out before those
	byID    map[int]int // index in kept and what was left out; nil as long as the n-th has the number n

	fresh []*cassettes.Interaction // what is new that was not asked for yet; none unless told
	anew  bool                     // and that it is all there is
}

func newPageTapes() *pageTapes {
	return &pageTapes{tapes: map[string]*pageTape{}, maxExport: 256 << 20}
}

// keptByPage is how many interactions of a cassette that grows are known: of more than
// are on the page, three quarters.
const keptByPage = web.MaxRows * 3 / 2

func (p *pageTapes) tape(path string) *pageTape {
	t := p.tapes[path]
	if t == nil {
		t = &pageTape{path: path, most: p.maxKept, file: cassettes.Follow(path)}
		p.tapes[path] = t
	}
	return t
}

// first reads a cassette for the first time and hands its interactions to each.
func (p *pageTapes) first(path string, each func(*cassettes.Interaction) error, progress func(done, total int64)) (*cassettes.Cassette, error) {
	p.mu.Lock()
	t := p.tape(path)
	t.told = t.told || each != nil
	p.mu.Unlock()
	t.reading.Lock()
	defer t.reading.Unlock()
	if t.begun {
		return &cassettes.Cassette{Path: path}, nil // somebody else has
	}
	c, err := t.file.First(func(i *cassettes.Interaction) error {
		p.mu.Lock()
		t.add(i)
		p.mu.Unlock()
		if each == nil {
			return nil
		}
		return each(i)
	}, progress)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		delete(p.tapes, path) // part of it may have been read
		return nil, err
	}
	t.begun = true // under both locks: whoever has one may look
	t.look()
	return c, nil
}

// look takes over what the header says.
func (t *pageTape) look() {
	t.header = t.file.Header()
	t.hidden = cassettes.RedactionOf(t.header).Forms
}

// next returns what is new of a cassette since it was asked last; anew says that it is
// all there is.
func (p *pageTapes) next(path string) (fresh []*cassettes.Interaction, anew bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tape(path)
	t.told = true
	if err := t.next(); err != nil {
		return nil, false, err
	}
	fresh, anew = t.fresh, t.anew
	t.fresh, t.anew = nil, false
	return fresh, anew, nil
}

// next reads what is new.
func (t *pageTape) next() error {
	fresh, anew, err := t.file.Next()
	if err != nil {
		return err
	}
	if anew {
		t.kept, t.left, t.byID = nil, 0, nil
		t.fresh, t.anew = nil, true
		t.look()
	}
	for _, i := range fresh {
		t.add(i)
		if t.told {
			t.fresh = append(t.fresh, i)
		}
	}
	return nil
}

func (t *pageTape) add(i *cassettes.Interaction) {
	n := t.left + len(t.kept)
	if t.byID == nil && i.ID != n {
		t.byID = make(map[int]int, len(t.kept)+1)
		for k := range t.kept {
			t.byID[t.left+k] = t.left + k
		}
	}
	if t.byID != nil {
		t.byID[i.ID] = n
	}
	t.kept = append(t.kept, i.Kept())
	if t.most > 0 && len(t.kept) > t.most {
		out := len(t.kept) - t.most*3/4
		t.kept, t.left = slices.Clone(t.kept[out:]), t.left+out
		maps.DeleteFunc(t.byID, func(_, n int) bool { return n < t.left })
	}
}

// at is where an interaction is, by its number.
func (t *pageTape) at(id int) (cassettes.Kept, bool) {
	n, known := id, true
	if t.byID != nil {
		n, known = t.byID[id]
	}
	if n -= t.left; !known || n < 0 || n >= len(t.kept) {
		return cassettes.Kept{}, false
	}
	return t.kept[n], true
}

// interaction reads one again. It looks for what is new if it does not know it. hidden
// says that what is sensitive in it are pseudonyms.
func (p *pageTapes) interaction(path string, id int) (i *cassettes.Interaction, hidden bool, err error) {
	for range 3 {
		p.mu.Lock()
		t := p.tape(path)
		kept, known := t.at(id)
		begun, hidden := t.begun, t.hidden
		p.mu.Unlock()
		if known {
			if i, err = cassettes.ReadKept(path, kept); err == nil {
				return i, hidden, nil
			}
		} else {
			err = fmt.Errorf("%s has no interaction %d now", report.Printable(path), id)
		}
		if !begun {
			if _, err := p.first(path, nil, nil); err != nil {
				return nil, false, err
			}
			continue
		}
		p.mu.Lock()
		errNext := t.next()
		p.mu.Unlock()
		if errNext != nil {
			return nil, false, errNext
		}
	}
	return nil, false, err
}

// veiled are what the page hides until it is asked for: what a recording with
// --pseudonyms would have hidden.
var veiled = sync.OnceValue(func() cassettes.Redaction { return cassettes.Pseudonyms(um.Profile()) })

// Read is that of web.Tape.
func (p *pageTapes) Read(path string, id int) (whole, masked web.Copy, err error) {
	i, hidden, err := p.interaction(path, id)
	if err != nil {
		return whole, masked, err
	}
	whole = copyOf(path, i)
	if hidden {
		return whole, whole, nil
	}
	return whole, copyOf(path, veiled().Veiled(i)), nil
}

func copyOf(path string, i *cassettes.Interaction) web.Copy {
	c := web.Copy{Entry: entry(path, i), Found: i.Check(), Redacted: i.Redacted()}
	if x, err := i.Capture(); err == nil {
		if c.Curl, err = captures.Curl(x); err != nil {
			c.Curl = ""
		}
	}
	return c
}

// idOf is the number in FILE#ID as answers and the log have it.
func idOf(interaction string) (id int, ok bool) {
	id, err := strconv.Atoi(interaction[strings.LastIndexByte(interaction, '#')+1:])
	return id, err == nil
}
