package main

import (
	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

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

// moment is the part that an interaction has in the life of a call.
func moment(e report.Entry) (m inspect.Moment, ok bool) {
	s, ok := um.Step(e.Reading)
	return inspect.Moment{Step: s, File: e.File, ID: e.ID, Line: e.Line, Arrived: e.Started, Took: e.Took}, ok
}
