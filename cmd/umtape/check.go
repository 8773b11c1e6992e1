package main

import (
	"cmp"
	"slices"
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
	where     []momentPlace // by the N of a moment
}

// momentPlace is the interaction that a moment was, as indexes.
type momentPlace struct{ cassette, interaction int }

// unread notes a cassette that could not be read.
func (c *checks) unread(path, why string) {
	c.cassettes = append(c.cassettes, report.CheckedCassette{File: path, Unread: why})
}

// add checks a cassette; step, if not nil, is told how many of its interactions were
// checked.
func (c *checks) add(tape *cassettes.Cassette, text *cassettes.Text, step func(done, total int64)) {
	checked := report.CheckedCassette{File: tape.Path}
	ofTape := map[int][]inspect.Finding{}
	for _, f := range cassettes.Check(tape) {
		ofTape[f.Interaction] = append(ofTape[f.Interaction], f.Finding)
	}
	if !c.before.IsZero() {
		for _, f := range cassettes.CheckAge(tape, c.before) {
			ofTape[f.Interaction] = append(ofTape[f.Interaction], f.Finding)
		}
	}
	off := c.settings.off()
	for n, i := range tape.Interactions {
		e := entry(tape.Path, i)
		of := report.Checked{ID: i.ID, Operation: e.Operation, Line: i.Line}
		found := append(ofTape[n], um.CheckExcept(e.Reading, off)...)
		found = append(found, c.held(e.Reading, off)...)
		found = append(found, c.heldToWSDL(e.Reading, off)...)
		found = append(found, c.live[tape.Path][i.ID]...)
		about := found
		m, ok := moment(e)
		if ok {
			about = append(about, m.Named.Find(inspect.Rule{}, ""), m.Shown.Find(inspect.Rule{}, ""))
		}
		places := text.Places(n, about)
		for k, f := range found {
			of.Found = c.keep(of.Found, report.Located{File: tape.Path, ID: i.ID, Operation: e.Operation, Line: places[k].Line, Column: places[k].Column, Finding: f})
		}
		if ok {
			named, shown := places[len(found)], places[len(found)+1]
			m.Named.FileLine, m.Named.FileColumn = named.Line, named.Column
			m.Shown.FileLine, m.Shown.FileColumn = shown.Line, shown.Column
			m.N = len(c.moments)
			c.moments = append(c.moments, m)
			c.where = append(c.where, momentPlace{len(c.cassettes), n})
		}
		checked.Interactions = append(checked.Interactions, of)
		if step != nil {
			step(int64(n+1), int64(len(tape.Interactions)))
		}
	}
	for _, f := range ofTape[-1] {
		checked.Found = c.keep(checked.Found, report.Located{File: tape.Path, ID: -1, Line: tape.Torn.Line, Column: 1, Finding: f})
	}
	c.cassettes = append(c.cassettes, checked)
}

// checkOne checks a cassette by itself, by the rules as they are.
func checkOne(tape *cassettes.Cassette, text *cassettes.Text) report.CheckedCassette {
	var c checks
	c.add(tape, text, nil)
	return c.done()[0]
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
	for _, f := range um.CheckCalls(inspect.CallsOf(c.moments)) {
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
