package cassettes

import (
	"fmt"

	"github.com/umtape/umtape/inspect"
)

// The rules about a cassette as a file.
var (
	ruleTorn = inspect.Rule{ID: "TAPE01", Severity: inspect.Error, Summary: "the last interaction was not written to its end",
		Source: "the file", Fix: "run `umtape recover` to cut it off"}
	ruleEdited = inspect.Rule{ID: "TAPE02", Severity: inspect.Note, Summary: "the interaction was edited since it was recorded",
		Source: "its checksum", Fix: "none needed, if it was meant"}
	ruleSecret = inspect.Rule{ID: "TAPE03", Severity: inspect.Error, Summary: "the interaction holds a credential",
		Source: "the rules by which umtape redacts what it records", Fix: "replace it, here and where it is valid: it may have been seen; `umtape scrub` redacts it"}
	ruleOld = inspect.Rule{ID: "TAPE04", Severity: inspect.Warning, Summary: "the cassette is older than it may be",
		Source: "when each interaction was recorded, and --max-age", Fix: "record it again"}
)

// Rules lists the rules that [Check] and [CheckAge] may report.
func Rules() []inspect.Rule { return []inspect.Rule{ruleTorn, ruleEdited, ruleSecret, ruleOld} }

// Finding is something wrong or odd with a cassette as a file. Interaction is
// its id, -1 for the file as a whole; Line is 1-based in the file.
type Finding struct {
	Interaction int
	Line        int
	inspect.Finding
}

// Check lists what is wrong or odd with a cassette as a file.
func Check(c *Cassette) []Finding {
	var found []Finding
	for _, i := range c.Interactions {
		if redactKept(i) != i {
			found = append(found, Finding{i.ID, i.Line, inspect.Finding{Rule: ruleSecret, Message: ruleSecret.Summary + ": in a header, the URL or a body"}})
		}
		if i.Edited {
			found = append(found, Finding{i.ID, i.Line, inspect.Finding{Rule: ruleEdited, Message: ruleEdited.Summary}})
		}
	}
	if t := c.Torn; t != nil {
		found = append(found, Finding{-1, t.Line, inspect.Finding{Rule: ruleTorn, Message: fmt.Sprintf("%s: %s", ruleTorn.Summary, t.Why)}})
	}
	return found
}
