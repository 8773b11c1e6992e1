package inspect

import "strings"

// quickAttr is an attribute as written.
type quickAttr struct {
	prefix, local string
	value         string
}

// start reads a start tag into a new element, inside parent if there is one. full is its
// name with the prefix; empty says that it is its own end tag.
func (r *quickReader) start(parent *Element, depth int) (e *Element, full string, empty, ok bool) {
	at := r.pos
	if at >= len(r.s) || r.s[at] != '<' || depth >= r.limits.Depth || !r.token() {
		return nil, "", false, false
	}
	r.pos++
	prefix, local, ok := r.name()
	if !ok || prefix == "xmlns" {
		return nil, "", false, false
	}
	full = r.s[at+1 : r.pos]
	var few [8]quickAttr
	attrs, ok := r.attributes(few[:0])
	if !ok {
		return nil, "", false, false
	}
	if r.s[r.pos] == '/' {
		empty = true
		r.pos++
		if !r.token() {
			return nil, "", false, false
		}
	}
	if r.pos >= len(r.s) || r.s[r.pos] != '>' {
		return nil, "", false, false
	}
	r.pos++
	if !r.room.take(elementRoom) {
		return nil, "", false, false
	}
	e = r.element()
	e.Offset = int64(at)
	var in *scope
	if parent != nil {
		in = parent.scope
	}
	return e, full, empty, r.enter(e, prefix, local, attrs, in)
}

// attributes reads the attributes of a start tag up to its ">" or "/".
func (r *quickReader) attributes(attrs []quickAttr) ([]quickAttr, bool) {
	for {
		from := r.pos
		r.space()
		if r.pos >= len(r.s) {
			return nil, false
		}
		if c := r.s[r.pos]; c == '>' || c == '/' {
			return attrs, true
		}
		if r.pos == from || len(attrs) >= r.limits.Attributes {
			return nil, false
		}
		prefix, local, ok := r.name()
		if !ok {
			return nil, false
		}
		r.space()
		if r.pos >= len(r.s) || r.s[r.pos] != '=' {
			return nil, false
		}
		r.pos++
		r.space()
		value, ok := r.quoted()
		if !ok {
			return nil, false
		}
		attrs = append(attrs, quickAttr{prefix, local, value})
	}
}

// enter gives an element its tag and its attributes, which it declares and resolves.
func (r *quickReader) enter(e *Element, prefix, local string, attrs []quickAttr, in *scope) bool {
	here, plain := in, 0
	for i := range attrs {
		a := &attrs[i]
		declared, declares := declaredPrefix(a.prefix, a.local)
		if !declares {
			plain++
			continue
		}
		if here == in {
			here = &scope{parent: in}
		}
		if len(a.value) > r.limits.Name || misdeclared(declared, a.value) != "" || !here.declare(declared, a.value) || !r.room.take(scopeRoom) {
			return false
		}
	}
	var made bool
	if e.Tag, made = r.tags.tag(prefix, local, here); e.Undeclared || made && !r.room.take(tagRoom) {
		return false
	}
	if plain == 0 {
		return true
	}
	if !r.room.take(plain * attrRoom) {
		return false
	}
	e.Attrs = make([]Attr, 0, plain)
	for i := range attrs {
		a := &attrs[i]
		if _, declares := declaredPrefix(a.prefix, a.local); declares {
			continue
		}
		name := Name{Local: a.local}
		if a.prefix != "" {
			var ok bool
			if name.Space, ok = here.lookup(a.prefix); !ok {
				return false
			}
		}
		for j := range e.Attrs {
			if e.Attrs[j].Name == name {
				return false
			}
		}
		e.Attrs = append(e.Attrs, Attr{Name: name, Prefix: a.prefix, Value: a.value})
	}
	return true
}

// name reads a name with at most one prefix, in ASCII.
func (r *quickReader) name() (prefix, local string, ok bool) {
	from := r.pos
	if local, ok = r.part(); !ok {
		return "", "", false
	}
	if r.pos < len(r.s) && r.s[r.pos] == ':' {
		r.pos++
		prefix = local
		if local, ok = r.part(); !ok {
			return "", "", false
		}
	}
	return prefix, local, r.pos-from <= r.limits.Name
}

// part reads a name without a colon.
func (r *quickReader) part() (string, bool) {
	from := r.pos
	if from >= len(r.s) || quickBytes[r.s[from]]&quickFirst == 0 {
		return "", false
	}
	for r.pos++; r.pos < len(r.s) && quickBytes[r.s[r.pos]]&quickName != 0; r.pos++ {
	}
	return r.s[from:r.pos], true
}

// quoted reads an attribute's value.
func (r *quickReader) quoted() (string, bool) {
	if r.pos >= len(r.s) || r.s[r.pos] != '"' && r.s[r.pos] != '\'' {
		return "", false
	}
	from := r.pos + 1
	n := strings.IndexByte(r.s[from:], r.s[r.pos])
	if n < 0 {
		return "", false
	}
	r.pos = from + n + 1
	raw := r.s[from : from+n]
	for i := 0; i < len(raw); i++ {
		if quickBytes[raw[i]]&quickValue == 0 {
			if strings.ContainsAny(raw, "\t\r\n<") {
				return "", false
			}
			return r.unescaped(raw)
		}
	}
	return raw, true
}

// end reads the end tag of that name.
func (r *quickReader) end(name string) bool {
	r.pos += len("</")
	if !strings.HasPrefix(r.s[r.pos:], name) {
		return false
	}
	r.pos += len(name)
	r.space()
	if r.pos >= len(r.s) || r.s[r.pos] != '>' {
		return false
	}
	r.pos++
	return r.token()
}
