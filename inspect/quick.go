package inspect

import "strings"

// The quick reader reads ordinary messages, which is nearly all of them, in one
// pass and with few allocations. It refuses nothing: at whatever is out of the
// ordinary it gives up without a word, and guard and etree read the message from
// its start. So there is one authority on what is a message and why not, and a
// promise to test: what the quick reader accepts, that way accepts, and gives an
// equal tree.
//
// Out of the ordinary are a DOCTYPE, an unusual XML declaration, names that are
// not ASCII, prefixes that are not declared, line breaks inside attribute values,
// and everything that is not well-formed or over a limit.

// quickReader is one pass over a message.
type quickReader struct {
	s      string // all strings of the tree are parts of it, but for unescaped ones
	pos    int
	limits Limits
	tokens int // still allowed
	room   room
	tags   tags

	elements []Element  // for the next ones
	lists    []*Element // for the next lists of children
	slab     int        // how many of both to make next
}

// quickFrame is an element that is open.
type quickFrame struct {
	e     *Element
	name  string // with its prefix, as the end tag has to have it
	first int    // where its children begin among those not yet placed
}

// quickTree reads an ordinary message; ok is false if it is none, or if its tree takes
// more than room. text is UTF-8 without a byte order mark, within the limit of bytes.
func quickTree(text string, limits Limits, room room) (root *Element, ok bool) {
	r := &quickReader{s: text, limits: limits, tokens: limits.Tokens, room: room}
	if !r.declaration() || !r.blank() {
		return nil, false
	}
	// Most elements have two tags. Those that have one make it small.
	r.slab = min(max(strings.Count(r.s[r.pos:], "<")/2, 1), slabSize)
	var frames [16]quickFrame
	var children [32]*Element
	open, loose := frames[:0], children[:0] // loose are children whose parent is still open
	for {
		var parent *Element
		if len(open) > 0 {
			parent = open[len(open)-1].e
		}
		e, name, empty, ok := r.start(parent, len(open))
		if !ok {
			return nil, false
		}
		if parent != nil {
			loose = append(loose, e)
		}
		if !empty {
			open = append(open, quickFrame{e, name, len(loose)})
		}
		// What follows is text, then end tags with text after them, then a start
		// tag; or the end.
		for {
			if len(open) == 0 {
				if root == nil {
					root = e
				}
				return root, r.blank() && r.pos == len(r.s)
			}
			in := &open[len(open)-1]
			t, ok := r.characters()
			if !ok {
				return nil, false
			}
			if n := len(loose); n > in.first {
				loose[n-1].Tail = t
			} else {
				in.e.Text = t
			}
			if !strings.HasPrefix(r.s[r.pos:], "</") {
				break
			}
			if !r.end(in.name) {
				return nil, false
			}
			in.e.Children = r.list(loose[in.first:])
			if len(open) == 1 {
				root = in.e
			}
			loose, open = loose[:in.first], open[:len(open)-1]
		}
	}
}

// token counts one; it is false if there are too many.
func (r *quickReader) token() bool {
	r.tokens--
	return r.tokens >= 0
}

// slabSize is how many elements are allocated at once, at most.
const slabSize = 64

// element returns a new one.
func (r *quickReader) element() *Element {
	if len(r.elements) == 0 {
		r.elements = make([]Element, r.slab)
	}
	e := &r.elements[0]
	r.elements = r.elements[1:]
	return e
}

// list returns a copy of children to keep, nil for none.
func (r *quickReader) list(children []*Element) []*Element {
	n := len(children)
	if n == 0 {
		return nil
	}
	if len(r.lists) < n {
		r.lists = make([]*Element, max(n, r.slab))
	}
	list := r.lists[:n:n]
	r.lists = r.lists[n:]
	copy(list, children)
	return list
}
