package cassettes

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/umtape/umtape/inspect"
)

// The rules about a cassette as a file.
var (
	ruleTorn = inspect.Rule{ID: "TAPE01", Severity: inspect.Error, Summary: "the last interaction was not written to its end",
		Reason: "a power loss or a kill cut it off, and what is left of it cannot be replayed",
		Source: "the file", Fix: "run `umtape recover` to cut it off"}
	ruleEdited = inspect.Rule{ID: "TAPE02", Severity: inspect.Note, Summary: "the interaction was edited since it was recorded",
		Reason: "it may no longer be what was on the wire",
		Source: "its checksum", Fix: "none needed, if it was meant"}
	ruleSecret = inspect.Rule{ID: "TAPE03", Severity: inspect.Error, Summary: "the interaction holds a credential",
		Reason: "whoever has the cassette has the credential",
		Source: "the rules by which umtape redacts what it records", Fix: "replace it, here and where it is valid: it may have been seen; `umtape scrub` redacts it"}
	ruleOld = inspect.Rule{ID: "TAPE04", Severity: inspect.Warning, Summary: "the cassette is older than it may be",
		Reason: "servers change, and a test against an old recording does not notice",
		Source: "when each interaction was recorded, and --max-age", Fix: "record it again"}
)

// Rules lists the rules that [Check] and [CheckAge] may report.
func Rules() []inspect.Rule { return []inspect.Rule{ruleTorn, ruleEdited, ruleSecret, ruleOld} }

// Finding is something wrong or odd with a cassette as a file. Interaction is the
// index of the one it is about, -1 for the file's end as a whole.
type Finding struct {
	Interaction int
	inspect.Finding
}

// Check lists what is wrong or odd with a cassette as a file.
func Check(c *Cassette) []Finding {
	var found []Finding
	for n, i := range c.Interactions {
		for _, f := range i.Check() {
			found = append(found, Finding{n, f})
		}
	}
	if t := c.Torn; t != nil {
		found = append(found, Finding{-1, t.Find()})
	}
	return found
}

// Check lists what is wrong or odd with an interaction as a part of its file.
func (i *Interaction) Check() []inspect.Finding {
	found := secrets(i)
	if i.Edited {
		found = append(found, inspect.Finding{Rule: ruleEdited, Message: ruleEdited.Summary})
	}
	return found
}

// Find makes a finding about the end of the file.
func (t *Torn) Find() inspect.Finding {
	return inspect.Finding{Rule: ruleTorn, Message: fmt.Sprintf("%s: %s", ruleTorn.Summary, t.Why)}
}

// secrets lists where an interaction holds a credential, by header field and body;
// anything else is one finding.
func secrets(i *Interaction) []inspect.Finding {
	if redactKept(i) == i {
		return nil
	}
	var found []inspect.Finding
	for _, m := range []struct {
		part   string
		header http.Header
		body   string
	}{{"request", i.Request.Headers, i.Request.Body}, {"response", i.Response.Headers, i.Response.Body}} {
		header := canonicalHeader(m.header)
		clean := redactHeader(header)
		for _, name := range slices.Sorted(maps.Keys(header)) {
			if !slices.Equal(header[name], clean[name]) {
				found = append(found, inspect.Finding{Rule: ruleSecret, Part: m.part, Header: name, Message: "the " + m.part + "'s header holds a credential"})
			}
		}
		text := m.body
		if packed := contentEncoding(header); packed != "" {
			plain, _ := unpack([]byte(text), packed, DefaultMaxBody)
			text = string(plain)
		}
		if out := string(redactBody([]byte(text), header)); out != text {
			f := inspect.Finding{Rule: ruleSecret, Part: m.part, Message: "the " + m.part + "'s body holds a credential"}
			if text == m.body {
				f.Pos = 1 + differAt(text, out)
			}
			found = append(found, f)
		}
	}
	if found == nil {
		found = []inspect.Finding{{Rule: ruleSecret, Message: ruleSecret.Summary + ": in the URL, a form, a trailer or the status"}}
	}
	return found
}

// differAt is the offset of the first byte in which two texts differ.
func differAt(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
