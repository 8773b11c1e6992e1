package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/wsdl"
)

// checks is the checking of cassettes, one after the other: each as a file, every
// exchange in it, and, when all have been read, the calls, since one may begin in one
// of them and end in another. Its zero value checks by the rules as they are.
type checks struct {
	settings ruleSettings
	quiet    bool                                 // notes are left out
	contract *inspect.Contract                    // what messages are held to; nil for nothing
	service  *wsdl.Service                        // what messages are held to; nil for nothing
	live     map[string]map[int][]inspect.Finding // what has changed at a server, by cassette and ID
	before   time.Time                            // when what is not too old was recorded at the earliest; zero for any time

	cassettes []report.CheckedCassette
	moments   []inspect.Moment
	where     []momentPlace     // by the N of a moment
	calls     map[string]string // their identifiers, so that there is one of each
}

// momentPlace is the interaction that a moment was, as indexes.
type momentPlace struct{ cassette, interaction int }

// unread notes a cassette that could not be read.
func (c *checks) unread(path, why string) {
	c.cassettes = append(c.cassettes, report.CheckedCassette{File: path, Unread: why})
}

// read checks the cassette at path, which is to be called name, piece by piece, on all
// processors. step, if not nil, is told how many of its bytes were checked. Of one that
// cannot be read to its end nothing is kept.
func (c *checks) read(path, name string, step func(done, total int64)) error {
	checked := report.CheckedCassette{File: name}
	before := len(c.moments)
	off := c.settings.off()
	aged := agedPlace{Aged: cassettes.Aged{Before: c.before}}
	tape, err := cassettes.InPieces(path, func(p *cassettes.Piece) checkedPiece {
		return c.piece(name, p, off)
	}, func(first int, p checkedPiece) error {
		if first == 0 { // for the first time, or once more
			checked.Interactions = nil
			c.moments, c.where = c.moments[:before], c.where[:before]
			aged = agedPlace{Aged: cassettes.Aged{Before: c.before}}
		}
		for k, m := range p.moments {
			m.N = len(c.moments)
			if call, known := c.calls[m.Call]; known {
				m.Call = call
			} else {
				if c.calls == nil {
					c.calls = map[string]string{}
				}
				c.calls[m.Call] = m.Call
			}
			c.moments = append(c.moments, m)
			c.where = append(c.where, momentPlace{len(c.cassettes), first + p.of[k]})
		}
		checked.Interactions = append(checked.Interactions, p.checked...)
		aged.merge(p.aged, first)
		return nil
	}, step)
	if err != nil {
		c.moments, c.where = c.moments[:before], c.where[:before]
		return err
	}
	if aged.Old > 0 {
		of := &checked.Interactions[aged.First]
		of.Found = append(c.keep(nil, located(name, *of, aged.at, aged.Find())), of.Found...)
	}
	if t := tape.Torn; t != nil {
		checked.Found = c.keep(nil, report.Located{File: name, ID: -1, Line: t.Line, Column: 1, Finding: t.Find()})
	}
	c.cassettes = append(c.cassettes, checked)
	return nil
}

// checkedPiece is what there is to say of a piece of a cassette. It holds no part of
// any message.
type checkedPiece struct {
	checked []report.Checked
	moments []inspect.Moment
	of      []int // indexes in checked of the moments
	aged    agedPlace
}

// agedPlace is how many interactions are too old, and where the oldest of them is.
type agedPlace struct {
	cassettes.Aged
	at cassettes.Place
}

// merge adds what was counted of a piece, whose first interaction has that index.
func (a *agedPlace) merge(b agedPlace, first int) {
	b.First += first
	if b.Old > 0 && (a.Oldest.IsZero() || b.Oldest.Before(a.Oldest)) {
		a.at = b.at
	}
	a.Merge(b.Aged)
}

func located(file string, of report.Checked, at cassettes.Place, f inspect.Finding) report.Located {
	return report.Located{File: file, ID: of.ID, Operation: of.Operation, Line: at.Line, Column: at.Column, Finding: f}
}

// piece checks some interactions of a cassette.
func (c *checks) piece(name string, p *cassettes.Piece, off map[string]bool) checkedPiece {
	made := checkedPiece{checked: make([]report.Checked, 0, len(p.Interactions)), aged: agedPlace{Aged: cassettes.Aged{Before: c.before, Again: p.Confirmed()}}}
	for n, i := range p.Interactions {
		e := entry(name, i)
		of := report.Checked{ID: i.ID, Line: i.Line}
		found := append(i.Check(), um.CheckExcept(e.Reading, off)...)
		found = append(found, c.held(e.Reading, off)...)
		found = append(found, c.heldToWSDL(e.Reading, off)...)
		found = append(found, c.live[name][i.ID]...)
		m, ok := moment(e)
		if of.Operation = m.Operation; of.Operation != e.Operation {
			of.Operation = strings.Clone(e.Operation) // a part of the message, which is not kept
		}
		about := found
		if ok {
			about = append(about, m.Named.Find(inspect.Rule{}, ""), m.Shown.Find(inspect.Rule{}, ""))
		}
		places := p.Places(n, about)
		for k, f := range found {
			of.Found = c.keep(of.Found, located(name, of, places[k], f))
		}
		if ok {
			named, shown := places[len(found)], places[len(found)+1]
			m.Named.FileLine, m.Named.FileColumn = named.Line, named.Column
			m.Shown.FileLine, m.Shown.FileColumn = shown.Line, shown.Column
			made.moments = append(made.moments, m)
			made.of = append(made.of, n)
		}
		made.checked = append(made.checked, of)
		if !c.before.IsZero() {
			made.aged.Add(i, n)
		}
	}
	if made.aged.Old > 0 {
		made.aged.at = p.Places(made.aged.First, make([]inspect.Finding, 1))[0]
	}
	return made
}

// checkOne checks the cassette at path by itself, by the rules as they are.
func checkOne(path, name string) (report.CheckedCassette, error) {
	var c checks
	if err := c.read(path, name, nil); err != nil {
		return report.CheckedCassette{}, err
	}
	return c.done()[0], nil
}

// held holds the messages of an exchange to the contract.
func (c *checks) held(r *inspect.Reading, off map[string]bool) (found []inspect.Finding) {
	if c.contract == nil {
		return nil
	}
	asked, answered, hasRequest, hasResponse := inspect.ShapeKeys(r, um.Service(r))
	if hasRequest {
		found = c.contract.CheckExcept(asked, r.Request, "request", off)
	}
	if hasResponse {
		found = append(found, c.contract.CheckExcept(answered, r.Response, "response", off)...)
	}
	return found
}

// done checks the calls and returns all cassettes. What was found in an interaction
// comes in the order in which its file has it.
func (c *checks) done() []report.CheckedCassette {
	moments := c.moments
	c.moments, c.calls = nil, nil
	for f := range um.CheckCalls(inspect.CallsOf(moments)) {
		at := c.where[f.At.N]
		of := &c.cassettes[at.cassette].Interactions[at.interaction]
		of.Found = c.keep(of.Found, report.Located{File: f.At.File, ID: of.ID, Operation: of.Operation, Line: f.Spot.FileLine, Column: f.Spot.FileColumn, Finding: f.Finding})
	}
	for _, checked := range c.cassettes {
		for _, of := range checked.Interactions {
			slices.SortStableFunc(of.Found, func(a, b report.Located) int {
				return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
			})
		}
	}
	return c.cassettes
}

// keep appends a finding, if it is to be reported, with its rule as it is set.
func (c *checks) keep(list []report.Located, f report.Located) []report.Located {
	var ok bool
	if f.Rule, ok = c.settings.apply(f.Rule); !ok || c.quiet && f.Rule.Severity == inspect.Note {
		return list
	}
	return append(list, f)
}
