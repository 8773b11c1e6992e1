package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/web"
)

// Compare is that of web.Tape.
func (p *pageTapes) Compare(before, after web.Place, headers, reveal bool) (found []web.Difference, cut bool, err error) {
	a, hiddenA, err := p.interaction(before.File, before.ID)
	if err != nil {
		return nil, false, err
	}
	b, hiddenB, err := p.interaction(after.File, after.ID)
	if err != nil {
		return nil, false, err
	}
	list, cut := cassettes.Between(a, b, cassettes.DiffOptions{Headers: headers})
	for _, d := range list {
		if !reveal && !(hiddenA && hiddenB) {
			d = unsaid(d)
		}
		found = append(found, web.Difference(d))
	}
	return found, cut, nil
}

// unsaid is a difference without the names of servers and people that it may tell.
func unsaid(d cassettes.SideDifference) cassettes.SideDifference {
	switch {
	case d.Path == "host", d.Path == "path":
		d.What = "differs"
	case strings.HasPrefix(d.Path, "header ") && strings.Contains(d.What, " became "):
		d.What = "value differs"
	}
	d.What = veiled().VeiledText(d.What) // what a fault calls itself can be anything
	return d
}

// Comparing cassettes takes memory, since both are read whole, and nobody waits for a
// page forever.
const (
	maxDiffed     = 20000 // interactions of each
	maxDiffedSize = 128 << 20
	maxChanged    = 500 // changes that the page lists
)

// Diff is that of web.Tape.
func (p *pageTapes) Diff(before, after string, headers, reveal bool) (any, error) {
	tapes := make([]*cassettes.Cassette, 2)
	hidden := true
	for n, path := range []string{before, after} {
		p.mu.Lock()
		t := p.tape(path)
		many := len(t.kept)
		hidden = hidden && t.hidden
		p.mu.Unlock()
		info, err := os.Stat(path)
		if many > maxDiffed || err == nil && info.Size() > maxDiffedSize {
			return nil, fmt.Errorf("%s is larger than what the page compares; umtape diff does it", report.Printable(path))
		}
		if tapes[n], err = cassettes.Load(path); err != nil {
			return nil, err
		}
	}
	c := cassettes.Diff(tapes[:1], tapes[1:], cassettes.DiffOptions{Headers: headers})
	j := diffToJSON(before, after, c)
	if left := len(j.Changes) - maxChanged; left > 0 {
		j.Changes, j.Left = j.Changes[:maxChanged], left
	}
	if reveal || hidden {
		return j, nil
	}
	for _, change := range j.Changes {
		for _, side := range []*diffSideJSON{change.Before, change.After} {
			if side != nil {
				side.Answer = veiled().VeiledText(side.Answer)
			}
		}
		for n := range change.Differences {
			change.Differences[n] = unsaid(change.Differences[n])
		}
	}
	return j, nil
}
