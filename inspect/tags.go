package inspect

// tags finds the tag of an element among those that a message had before, if it is one of
// the usual few names.
type tags struct {
	known [16]*Tag
	spare []Tag
}

// tag returns that of a name with the declarations in force at the element; made says that
// it is a new one.
func (t *tags) tag(prefix, local string, in *scope) (tag *Tag, made bool) {
	slot := &t.known[0]
	if n := len(local); n > 0 {
		slot = &t.known[(uint(n)+uint(local[0])+5*uint(local[n-1]))%uint(len(t.known))]
	}
	if tag = *slot; tag != nil && tag.scope == in && tag.Name.Local == local && tag.Prefix == prefix {
		return tag, false
	}
	if len(t.spare) == 0 {
		t.spare = make([]Tag, 4)
	}
	tag, t.spare = &t.spare[0], t.spare[1:]
	space, ok := in.lookup(prefix)
	*tag = Tag{Name: Name{Space: space, Local: local}, Prefix: prefix, Undeclared: !ok && prefix != "", scope: in}
	*slot = tag
	return tag, true
}
