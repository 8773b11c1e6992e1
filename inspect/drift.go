package inspect

import "fmt"

// What has become of a server since it was recorded: its answers of today against the
// recorded one, by shape.

var (
	ruleOtherAnswer = Rule{ID: "LIVE01", Severity: Error, Summary: "the server gives another kind of answer than was recorded",
		Reason: "what was a success is a fault, or the other way round, or has another status: clients take another path",
		Source: "the cassette, against the server of --live",
		Fix:    "find out what has changed at the server; if it is to be so, record again"}
	ruleGone = Rule{ID: "LIVE02", Severity: Error, Summary: "an element or attribute is in no answer of the server any more",
		Reason: "a client that reads it finds nothing",
		Source: "the cassette, against the server of --live",
		Fix:    "find out what has changed at the server; if it is to be so, record again"}
	ruleNew = Rule{ID: "LIVE03", Severity: Warning, Summary: "every answer of the server has an element or attribute that was not recorded",
		Reason: "a client that does not expect it may refuse it, and tests against the recording do not show that",
		Source: "the cassette, against the server of --live",
		Fix:    "record again"}
	ruleOtherKind = Rule{ID: "LIVE04", Severity: Warning, Summary: "the server answers with another kind of value than was recorded",
		Reason: "a client that reads a number, a boolean or a time may fail on something else",
		Source: "the cassette, against the server of --live (kinds are guessed from the values)",
		Fix:    "compare with the service's schema; if the server is right, record again"}
	ruleOtherOrder = Rule{ID: "LIVE05", Severity: Warning, Summary: "the server's elements come in another order than was recorded",
		Reason: "a client that reads a sequence may miss elements that come too early",
		Source: "the cassette, against the server of --live",
		Fix:    "find out what has changed at the server; if it is to be so, record again"}
	ruleUnknownCall = Rule{ID: "LIVE06", Severity: Note, Summary: "the server does not know the recorded call any more, so the answer is not compared",
		Reason: "a CallId means something to the server only while it keeps the call, and nobody knows how long that is",
		Source: "PROTOCOL.md 3.1, 3.2 (unknown: how long an id stays valid)",
		Fix:    "none needed; a call that is under way is compared"}
)

// LiveRules lists the rules that [CheckDrift] may report, by id.
func LiveRules() []Rule {
	return []Rule{ruleOtherAnswer, ruleGone, ruleNew, ruleOtherKind, ruleOtherOrder, ruleUnknownCall}
}

// CheckDrift lists where a server's answers of today differ from the recorded one, r.
// live are answers to the same request, so that what differs among them does not
// count; nor does what differs among the recorded answers to that operation, whose
// shape together is recorded. unknownCall says of an answer that it only tells that
// the call of the request is over. Values are not compared, but for their kinds.
func CheckDrift(r *Reading, recorded *Shape, live []*Reading, unknownCall func(*Reading) bool) []Finding {
	var now *Shape
	was := AnswerKind(r)
	for _, l := range live {
		if AnswerKind(l) != was || l.Response == nil {
			continue
		}
		if s := ShapeOfMessage(l.Response); now == nil {
			now = s
		} else {
			now.Merge(s)
		}
	}
	if now == nil && len(live) > 0 {
		last := live[len(live)-1]
		switch kind := AnswerKind(last); {
		case kind == was: // neither is SOAP
			return nil
		case unknownCall != nil && unknownCall(last):
			return []Finding{driftAt(r, ruleUnknownCall, ruleUnknownCall.Summary)}
		default:
			return []Finding{driftAt(r, ruleOtherAnswer, fmt.Sprintf("the server answers with %s; recorded is %s", kind, was))}
		}
	}
	if now == nil || r.Response == nil || recorded == nil {
		return nil
	}
	d := drift{m: r.Response}
	for i, part := range []string{"Header", "Body"} {
		e := []*Element{r.Response.Header, r.Response.Body}[i]
		before, after := recorded.part(part), now.part(part)
		if e != nil && before != nil && after != nil {
			d.element(part, e, before, after)
		}
	}
	return d.found
}

// NoAnswer is the finding that a server gives no answer where one, that of r, was
// recorded. why says what happened instead.
func NoAnswer(r *Reading, why string) Finding {
	return driftAt(r, ruleOtherAnswer, "the server gives no answer: "+why)
}

// AnswerKind is what kind of answer came, in words without any of its values: status,
// element or fault.
func AnswerKind(r *Reading) string {
	switch m := r.Response; {
	case m == nil && r.Status >= 300 && r.Status < 400:
		return fmt.Sprintf("status %d, which leads elsewhere and is not followed", r.Status)
	case m == nil:
		return fmt.Sprintf("status %d without SOAP", r.Status)
	case m.Fault != nil:
		return fmt.Sprintf("status %d and the fault %s", r.Status, Shorten(m.Fault.Kind(), shownName))
	case m.Payload == nil:
		return fmt.Sprintf("status %d and an empty Body", r.Status)
	default:
		class := ""
		if value, ok := m.Payload.Attr("ResponseClass"); ok { // errors of EWS are no faults
			class = " of the class " + Shorten(value, 20)
		}
		return fmt.Sprintf("status %d and %s%s", r.Status, Shorten(m.Payload.Name.Local, shownName), class)
	}
}

// driftAt makes a finding about the recorded answer as a whole.
func driftAt(r *Reading, rule Rule, text string) Finding {
	if r.Response == nil {
		return Finding{Rule: rule, Part: "response", Message: text}
	}
	if p := r.Response.Payload; p != nil {
		return r.Response.Find(rule, "response", "Body/"+Shorten(p.Name.Local, shownName), p, text)
	}
	return r.Response.Find(rule, "response", "Body", r.Response.Body, text)
}

func (s *Shape) part(local string) *Shape {
	for _, p := range s.Parts {
		if p.Name.Local == local && !p.Attr {
			return p
		}
	}
	return nil
}

// drift goes through a recorded message, what all recorded ones have in common, and
// what the answers of today have.
type drift struct {
	m     *Message
	found []Finding
}

func (d *drift) add(rule Rule, path string, e *Element, format string, args ...any) {
	if len(d.found) < maxDrift {
		d.found = append(d.found, d.m.Find(rule, "response", path, e, fmt.Sprintf(format, args...)))
	}
}

// maxDrift is how many findings one answer has at most.
const maxDrift = 100

func (d *drift) element(path string, e *Element, before, after *Shape) {
	if after.Kinds&^KindEmpty != 0 && (before.Kinds|after.Kinds).Joined() != before.Kinds.Joined() {
		d.add(ruleOtherKind, path, e, "%s holds %s today; recorded is %s", before.Step(), kindWords(after), kindWords(before))
	}
	was, now := before.index(), after.index()
	for _, p := range before.Parts {
		at := path + "/" + p.Step()
		i, still := now[partKey{p.Name, p.Attr}]
		child, here := e, true
		if p.Attr {
			_, here = attrNamed(e, p.Name)
		} else if child = childNamed(e, p.Name); child == nil {
			here = false
		}
		switch {
		case !here: // in other recorded answers only
		case still && p.Attr:
			if q := after.Parts[i]; (p.Kinds | q.Kinds).Joined() != p.Kinds.Joined() {
				d.add(ruleOtherKind, at, e, "%s holds %s today; recorded is %s", p.Step(), kindWords(q), kindWords(p))
			}
		case still:
			d.element(at, child, p, after.Parts[i])
		case p.Min > 0:
			d.add(ruleGone, at, child, "no answer of today has %s%s", p.Step(), moved(after, p))
		}
	}
	for _, p := range after.Parts {
		if _, known := was[partKey{p.Name, p.Attr}]; !known && p.Min > 0 && moved(before, p) == "" {
			d.add(ruleNew, path+"/"+p.Step(), e, "every answer of today has %s, which is not recorded", p.Step())
		}
	}
	if !before.AnyOrder && !after.AnyOrder && !sameOrder(before, after) {
		d.add(ruleOtherOrder, path, e, "what is in %s comes in another order today", before.Step())
	}
}

// moved tells of the same name in another namespace.
func moved(s, p *Shape) string {
	for _, q := range s.Parts {
		if q.Attr == p.Attr && q.Name.Local == p.Name.Local {
			return fmt.Sprintf(" in %s; it is in %s now", spaceName(p.Name.Space), spaceName(q.Name.Space))
		}
	}
	return ""
}

// sameOrder reports whether the elements that both have come in the same order.
func sameOrder(before, after *Shape) bool {
	at := before.index()
	last := -1
	for _, p := range after.Parts {
		if i, ok := at[partKey{p.Name, p.Attr}]; ok && !p.Attr {
			if i < last {
				return false
			}
			last = i
		}
	}
	return true
}

func childNamed(e *Element, name Name) *Element {
	for _, c := range e.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func attrNamed(e *Element, name Name) (value string, ok bool) {
	for _, a := range e.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}
