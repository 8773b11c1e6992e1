package main

import (
	"fmt"
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
}

type pageTape struct {
	path   string
	file   *cassettes.Follower
	begun  bool
	header cassettes.HeaderMeta
	hidden bool // what is sensitive are pseudonyms, which anybody may see
	kept   []cassettes.Kept
	byID   map[int]int // index in kept
}

func newPageTapes() *pageTapes { return &pageTapes{tapes: map[string]*pageTape{}} }

func (p *pageTapes) tape(path string) *pageTape {
	t := p.tapes[path]
	if t == nil {
		t = &pageTape{path: path, file: cassettes.Follow(path), byID: map[int]int{}}
		p.tapes[path] = t
	}
	return t
}

// first reads a cassette for the first time and hands its interactions to each.
func (p *pageTapes) first(path string, each func(*cassettes.Interaction) error, progress func(done, total int64)) (*cassettes.Cassette, error) {
	p.mu.Lock()
	t := p.tape(path)
	p.mu.Unlock()
	c, err := t.file.First(func(i *cassettes.Interaction) error {
		p.mu.Lock()
		t.add(i)
		p.mu.Unlock()
		if each == nil {
			return nil
		}
		return each(i)
	}, progress)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.begun, t.header = true, c.Header.Umtape
	t.hidden = cassettes.RedactionOf(t.header).Forms
	return c, nil
}

// next reads what is new of a cassette; anew says that it is all there is.
func (p *pageTapes) next(path string) (fresh []*cassettes.Interaction, anew bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tape(path).next()
}

func (t *pageTape) next() (fresh []*cassettes.Interaction, anew bool, err error) {
	fresh, anew, err = t.file.Next()
	if err != nil {
		return nil, false, err
	}
	if anew {
		t.kept, t.byID = nil, map[int]int{}
	}
	for _, i := range fresh {
		t.add(i)
	}
	return fresh, anew, nil
}

func (t *pageTape) add(i *cassettes.Interaction) {
	t.byID[i.ID] = len(t.kept)
	t.kept = append(t.kept, i.Kept())
}

// interaction reads one again. It looks for what is new if it does not know it.
func (p *pageTapes) interaction(path string, id int) (i *cassettes.Interaction, hidden bool, err error) {
	p.mu.Lock()
	t := p.tape(path)
	begun := t.begun
	p.mu.Unlock()
	if !begun {
		if _, err := p.first(path, nil, nil); err != nil {
			return nil, false, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for range 2 {
		if n, ok := t.byID[id]; ok {
			if i, err = cassettes.ReadKept(path, t.kept[n]); err == nil {
				return i, t.hidden, nil
			}
		} else {
			err = fmt.Errorf("%s has no interaction %d now", report.Printable(path), id)
		}
		if _, _, errNext := t.next(); errNext != nil {
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

// tapeOf returns the cassette and the number of FILE#ID as answers and the log have it.
func tapeOf(interaction string, paths []string) (path string, id int, ok bool) {
	for n, name := range cassettes.Names(paths) {
		if rest, found := strings.CutPrefix(interaction, name+"#"); found {
			id, err := strconv.Atoi(rest)
			return paths[n], id, err == nil
		}
	}
	return "", 0, false
}
