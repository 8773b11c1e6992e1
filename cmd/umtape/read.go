package main

import (
	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

// entries reads every interaction of a cassette.
func entries(tape *cassettes.Cassette) []report.Entry {
	list := make([]report.Entry, len(tape.Interactions))
	for n, i := range tape.Interactions {
		list[n] = entry(tape.Path, i)
	}
	return list
}

func entry(path string, i *cassettes.Interaction) report.Entry {
	r := inspect.Read(i.Exchange())
	e := report.Entry{File: path, ID: i.ID, Line: i.Line, Call: i.Umtape.Call, Reading: r}
	if e.Call == "" { // a cassette made by something else
		e.Call = um.Profile().CallOf(r.Request, r.Response)
	}
	if t := i.Umtape.Truncated; t != "" {
		e.Notes = append(e.Notes, "not whole: "+t)
	}
	if n := i.Umtape.AuthLegs; n > 0 {
		e.Notes = append(e.Notes, "after "+count(n, "challenge"))
	}
	if n := i.Umtape.Note; n != "" {
		e.Notes = append(e.Notes, n)
	}
	if i.Edited {
		e.Notes = append(e.Notes, "edited since it was recorded")
	}
	return e
}
