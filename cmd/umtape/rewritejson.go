package main

import (
	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

// What commands that write cassettes have done, in JSON: fields may be added, never renamed.

// rewrittenJSON is what became of each of several cassettes.
type rewrittenJSON struct {
	Cassettes []tapeDoneJSON  `json:"cassettes"`
	Failed    []report.Unread `json:"failed,omitempty"` // the one at which it ended; those after it are as they were
}

// tapeDoneJSON is what became of one cassette.
type tapeDoneJSON struct {
	File         string       `json:"file"`
	Written      string       `json:"written,omitempty"` // the file that was written; none if there was nothing to do
	Interactions int          `json:"interactions"`      // that are in it now
	Did          string       `json:"did"`               // in words
	Removed      []int        `json:"removed,omitempty"` // ids of interactions that were taken out, or would be
	Secrets      []secretJSON `json:"secrets,omitempty"` // places that were redacted
	Edited       []int        `json:"edited,omitempty"`  // ids of interactions that were edited since they were recorded
	Foreign      bool         `json:"foreign,omitempty"` // it was not in umtape's layout
	Torn         *tornJSON    `json:"torn,omitempty"`
}

// tornJSON is an interaction that was not written to its end.
type tornJSON struct {
	Line  int    `json:"line"`
	Bytes int64  `json:"bytes"`
	Why   string `json:"why"`
}

func tornToJSON(t *cassettes.Torn) *tornJSON {
	if t == nil {
		return nil
	}
	return &tornJSON{Line: t.Line, Bytes: t.Lost, Why: t.Why}
}

func tapeDone(e *cassettes.Edit, o outcome) tapeDoneJSON {
	j := tapeDoneJSON{File: e.Path, Interactions: len(e.Records), Did: o.did, Removed: o.removed, Secrets: o.secrets, Foreign: e.Foreign, Torn: tornToJSON(e.Torn)}
	for _, r := range e.Records {
		if r.Edited {
			j.Edited = append(j.Edited, r.ID)
		}
	}
	return j
}

// partJSON is a cassette that others were made of, or that was made.
type partJSON struct {
	File         string `json:"file"`
	Interactions int    `json:"interactions"`
}

// mergedJSON is one cassette made of several.
type mergedJSON struct {
	Written      string     `json:"written"`
	Interactions int        `json:"interactions"`
	From         []partJSON `json:"from"`
}

// splitJSON is several cassettes made of one.
type splitJSON struct {
	File         string     `json:"file"`
	Interactions int        `json:"interactions"`
	Written      []partJSON `json:"written"`
}

// recoveredJSON is what was cut out of a cassette.
type recoveredJSON struct {
	File string     `json:"file"`
	Cut  []tornJSON `json:"cut"`
	Kept string     `json:"kept,omitempty"` // the file with what was cut out
}

// importedJSON is a cassette made of what other tools have captured.
type importedJSON struct {
	Written      string `json:"written"`
	Interactions int    `json:"interactions"` // that were taken in
	NotSOAP      int    `json:"not_soap"`     // left out, as the next two are
	Unanswered   int    `json:"unanswered"`
	Unread       int    `json:"unread"`
}
