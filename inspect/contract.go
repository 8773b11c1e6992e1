package inspect

import "fmt"

// The rules that a message breaks that is not as a contract has it.
var (
	ruleNoShape = Rule{ID: "SHAPE01", Severity: Error, Summary: "the contract has no message of that kind",
		Reason: "nobody has said what such a message is to be like, so nothing of it is checked",
		Source: "the file given with --shapes",
		Fix:    "check the operation or the fault, or write the contract anew from a cassette that has it"}
	ruleShapeExtra = Rule{ID: "SHAPE02", Severity: Error, Summary: "an element or attribute that the contract does not have",
		Reason: "what reads only what the contract has passes over it or refuses the message",
		Source: "the file given with --shapes",
		Fix:    "leave it out, or add it to the contract with occurs: 0..1"}
	ruleShapeMissing = Rule{ID: "SHAPE03", Severity: Error, Summary: "an element or attribute that the contract has is missing",
		Reason: "what reads the message looks for it",
		Source: "the file given with --shapes",
		Fix:    "send it, or give it occurs: 0..1 in the contract"}
	ruleShapeTooMany = Rule{ID: "SHAPE04", Severity: Error, Summary: "an element is there more often, or less, than the contract says",
		Reason: "what reads the message counts on as many",
		Source: "the file given with --shapes",
		Fix:    "send it as often as the contract says, or change its occurs there"}
	ruleShapeKind = Rule{ID: "SHAPE05", Severity: Error, Summary: "a value is of another kind than the contract says",
		Reason: "what reads the message cannot take it for what it expects, such as a number",
		Source: "the file given with --shapes",
		Fix:    "send a value of that kind, or change its value in the contract"}
	ruleShapeOrder = Rule{ID: "SHAPE06", Severity: Error, Summary: "elements stand in another order than in the contract",
		Reason: "most schemas are sequences: what comes out of turn is refused or not found",
		Source: "the file given with --shapes",
		Fix:    "send them in the contract's order, or give their parent any_order: true there"}
	ruleShapeMore = Rule{ID: "SHAPE07", Severity: Note, Summary: "a message differs from the contract in more places than are listed",
		Reason: "a list of thousands would help nobody",
		Source: "umtape lists 100 of one message",
		Fix:    "mend the first ones and check again"}
)

// ShapeRules lists the rules that [Contract.Check] may report, by id.
func ShapeRules() []Rule {
	return []Rule{ruleNoShape, ruleShapeExtra, ruleShapeMissing, ruleShapeTooMany, ruleShapeKind, ruleShapeOrder, ruleShapeMore}
}

// ContractShape is what messages with that key are to be like.
type ContractShape struct {
	ShapeKey
	Seen  int // how many messages it was made from
	Shape *Shape
}

// Contract is the shapes that messages are held to.
type Contract struct {
	Shapes []ContractShape
	byKey  map[ShapeKey]*Shape
}

// NewContract makes a contract of what was gathered. How many there may be of what
// repeats is not known from examples, so there it is any number.
func NewContract(groups []ShapeGroup) *Contract {
	c := &Contract{}
	for _, g := range groups {
		s := g.Shape.Clone()
		s.generalize()
		c.Shapes = append(c.Shapes, ContractShape{g.ShapeKey, g.Count, s})
	}
	return c
}

func (s *Shape) generalize() {
	s.Min, s.Kinds = min(s.Min, 1), s.Kinds.Joined()
	if s.Max > 1 {
		s.Max = Many
	}
	for _, p := range s.Parts {
		p.generalize()
	}
}

// Check lists where a message differs from the contract; part is "request" or
// "response". It names elements and never quotes a value.
func (c *Contract) Check(key ShapeKey, m *Message, part string) []Finding {
	return c.CheckExcept(key, m, part, nil)
}

// CheckExcept is [Contract.Check] without what the rules in off, by id, would report.
func (c *Contract) CheckExcept(key ShapeKey, m *Message, part string, off map[string]bool) []Finding {
	if c.byKey == nil {
		c.byKey = make(map[ShapeKey]*Shape, len(c.Shapes))
		for _, s := range c.Shapes {
			c.byKey[s.ShapeKey] = s.Shape
		}
	}
	want := c.byKey[key]
	if want == nil {
		if off[ruleNoShape.ID] {
			return nil
		}
		if !isWord(key.Fault) {
			key.Fault = "of this kind" // it is text of the message
		}
		return []Finding{m.Find(ruleNoShape, part, "", m.Payload, "the contract has no "+key.String())}
	}
	h := held{m: m, part: part, off: off}
	root := &Element{Tag: &Tag{}, Children: make([]*Element, 0, 2)}
	for _, e := range []*Element{m.Header, m.Body} {
		if e != nil {
			tag, named := *e.Tag, *e
			tag.Name.Space, named.Tag = "", &tag
			root.Children = append(root.Children, &named)
		}
	}
	h.element("", root, want)
	if h.more > 0 && !off[ruleShapeMore.ID] {
		h.found = append(h.found, m.Find(ruleShapeMore, part, "", nil, fmt.Sprintf("and %d findings more in this message", h.more)))
	}
	return h.found
}

// isWord reports whether s is "" or looks like the name of an exception or a code.
func isWord(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9' || i == 0) {
			return false
		}
	}
	return len(s) <= 64
}

// held is a message that is held to a shape.
type held struct {
	m     *Message
	part  string
	off   map[string]bool // rules that are not reported
	found []Finding
	more  int // those left out
}

// maxHeld is how many findings of one message are listed.
const maxHeld = 100

func (h *held) add(rule Rule, path string, e *Element, format string, args ...any) {
	switch {
	case h.off[rule.ID]:
		return
	case len(h.found) == maxHeld:
		h.more++
		return
	}
	h.found = append(h.found, h.m.Find(rule, h.part, path, e, fmt.Sprintf(format, args...)))
}

func (h *held) element(path string, e *Element, want *Shape) {
	parts := want.index()
	counts := make([]int, len(want.Parts))
	for _, a := range e.Attrs {
		at := path + "/@" + Shorten(a.Name.Local, shownName)
		i, ok := parts[partKey{a.Name, true}]
		if !ok {
			h.add(ruleShapeExtra, at, e, "the contract has no attribute %s here%s", Shorten(a.Name.Local, shownName), elsewhere(want, a.Name, true))
			continue
		}
		counts[i]++
		h.value(at, e, a.Value, want.Parts[i])
	}
	if text := e.Value(); path != "" && (len(e.Children) == 0 || !isSpace(text)) {
		h.text(path, e, text, want)
	}
	last := -1
	for _, c := range e.Children {
		at := join(path, c.Name.Local)
		i, ok := parts[partKey{c.Name, false}]
		if !ok {
			h.add(ruleShapeExtra, at, c, "the contract has no %s here%s", Shorten(c.Name.Local, shownName), elsewhere(want, c.Name, false))
			continue
		}
		if counts[i]++; i < last && !want.AnyOrder {
			h.add(ruleShapeOrder, at, c, "%s comes after %s; the contract has it before", Shorten(c.Name.Local, shownName), Shorten(want.Parts[last].Name.Local, shownName))
		}
		last = max(last, i)
		h.element(at, c, want.Parts[i])
	}
	for i, p := range want.Parts {
		at := join(path, p.Step())
		switch {
		case counts[i] == 0 && p.Min > 0:
			h.add(ruleShapeMissing, at, e, "%s is missing", p.Step())
		case counts[i] > p.Max, counts[i] < p.Min:
			h.add(ruleShapeTooMany, at, e, "%s is there %d times; the contract says %s", p.Step(), counts[i], p.Occurs())
		}
	}
}

func join(path, name string) string {
	name = Shorten(name, shownName)
	if path == "" {
		return name
	}
	return path + "/" + name
}

// text checks an element's own text, which is to be none where the contract only
// has elements; that these are missing is said of them.
func (h *held) text(path string, e *Element, text string, want *Shape) {
	if want.Kinds == 0 && isSpace(text) {
		return
	}
	h.value(path, e, text, want)
}

func (h *held) value(path string, e *Element, text string, want *Shape) {
	if want.Kinds.Admits(text) {
		return
	}
	h.add(ruleShapeKind, path, e, "the value is %s; the contract says %s", KindsOf(text), kindWords(want))
}

// elsewhere says that a part of that local name is there in another namespace.
func elsewhere(want *Shape, name Name, attr bool) string {
	for _, p := range want.Parts {
		if p.Attr == attr && p.Name.Local == name.Local {
			return fmt.Sprintf("; it has one in %s, and this is in %s", spaceName(p.Name.Space), spaceName(name.Space))
		}
	}
	return ""
}
