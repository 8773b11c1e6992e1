package cassettes

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// itemNode is an interaction as it is written in its file, for what only a reader of
// the file sees: lines, comments, keys that are nobody's.
type itemNode struct {
	node *yaml.Node
	base int // lines of the file before it
}

// node returns the n-th interaction as it is written, nil if that cannot be told.
func (e *Edit) node(n int) *itemNode {
	i := e.Interactions[n]
	if s := i.span; s.size > 0 {
		doc, err := parseYAML(e.Path, e.data[s.off-e.shift:s.off-e.shift+s.size], i.Line-1, "interaction")
		if err != nil || doc.Content[0].Kind != yaml.SequenceNode || len(doc.Content[0].Content) != 1 {
			return nil
		}
		return &itemNode{doc.Content[0].Content[0], i.Line - 1}
	}
	items := e.items()
	if n >= len(items) {
		return nil
	}
	return &itemNode{items[n], 0}
}

// items are the interactions of a file that is not in our layout.
func (e *Edit) items() []*yaml.Node {
	root := e.root()
	if root == nil {
		return nil
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "interactions" {
			list := root.Content[i+1]
			for list.Kind == yaml.AliasNode {
				list = list.Alias
			}
			return list.Content
		}
	}
	return nil
}

// root is the whole of a file that is not in our layout, read once; nil if it cannot
// be.
func (e *Edit) root() *yaml.Node {
	if !e.parsed {
		e.parsed = true
		data := e.data
		if e.Torn != nil {
			data = data[:e.Torn.Offset]
		}
		if doc, err := parseYAML(e.Path, data, 0, ""); err == nil {
			e.doc = doc
		}
	}
	if e.doc == nil {
		return nil
	}
	return e.doc.Content[0]
}

// line is the line of the file that a place is on; 0 if it cannot be told.
func (i *itemNode) line(at fieldPlace) int {
	if at.field == "" {
		return 0
	}
	n := i.node
	for _, key := range strings.SplitN(at.field, ".", 3) {
		n = child(n, key)
		if n == nil {
			return 0
		}
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	if n.Kind == yaml.ScalarNode && n.Style&yaml.LiteralStyle != 0 {
		return i.base + n.Line + 1 + at.line
	}
	return i.base + n.Line
}

// child is the value of a key, merged ones included; nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var merged *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch {
		case n.Content[i].Value == key && n.Content[i].ShortTag() != "!!merge":
			return n.Content[i+1]
		case n.Content[i].ShortTag() == "!!merge":
			merged = n.Content[i+1]
		}
	}
	if merged != nil && merged != n {
		return child(merged, key)
	}
	return nil
}

// knownKeys are the keys of a cassette that Load reads, by where they are.
var knownKeys = map[string]map[string]bool{
	"":     {"version": true, "umtape": true, "interactions": true},
	"item": {"id": true, "request": true, "response": true, "umtape": true},
	"request": {"proto": true, "proto_major": true, "proto_minor": true, "content_length": true, "transfer_encoding": true, "trailer": true, "host": true,
		"remote_addr": true, "request_uri": true, "body": true, "form": true, "headers": true, "url": true, "method": true},
	"response": {"proto": true, "proto_major": true, "proto_minor": true, "content_length": true, "transfer_encoding": true, "trailer": true, "uncompressed": true,
		"body": true, "headers": true, "status": true, "code": true, "duration": true},
}

// strays lists the credentials of the n-th interaction that only a reader of the file
// sees. A record of ours that fits its checksum has none.
func (e *Edit) strays(n int) []Secret {
	i := e.Interactions[n]
	if !e.Foreign && !i.Edited {
		return nil
	}
	item := e.node(n)
	if item == nil {
		return nil
	}
	s := strays{id: i.ID, base: item.base}
	s.comments(item.node, 0)
	s.keys(item.node, "item")
	for _, part := range []string{"request", "response"} {
		s.part = part
		s.keys(child(item.node, part), part)
	}
	return s.found
}

// around lists the credentials in what is around the interactions of a file that is
// not in our layout.
func (e *Edit) around() []Secret {
	root := e.root()
	if root == nil {
		return nil
	}
	s := strays{id: -1}
	for _, n := range []*yaml.Node{e.doc, root} {
		s.comment(n)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		s.comment(root.Content[i])
		s.comment(root.Content[i+1])
	}
	s.keys(root, "")
	return s.found
}

type strays struct {
	id, base int
	part     string
	found    []Secret
}

func (s *strays) add(n *yaml.Node, place, was string) {
	s.found = append(s.found, Secret{s.id, s.base + n.Line, s.part, place, formOf(was)})
}

func (s *strays) comment(n *yaml.Node) {
	for _, c := range []string{n.HeadComment, n.LineComment, n.FootComment} {
		if redactStray(c) == c {
			continue
		}
		if s.add(n, "comment", c); c == n.HeadComment { // it stands above
			last := &s.found[len(s.found)-1]
			last.Line = max(1, last.Line-1-strings.Count(c, "\n"))
		}
	}
}

// comments looks through those of a node and of all below it.
func (s *strays) comments(n *yaml.Node, depth int) {
	if depth > 32 {
		return
	}
	s.comment(n)
	for _, c := range n.Content { // not what an alias stands for: it has its own place
		s.comments(c, depth+1)
	}
}

// keys looks at what is under keys that nobody reads.
func (s *strays) keys(n *yaml.Node, where string) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; !knownKeys[where][k.Value] && k.ShortTag() != "!!merge" {
			s.scalars(k.Value, n.Content[i+1], 0)
		}
	}
}

func (s *strays) scalars(key string, n *yaml.Node, depth int) {
	switch {
	case depth > 32:
	case n.Kind == yaml.ScalarNode:
		if redactField(key, n.Value) != n.Value && !placeholder(n.Value) {
			s.add(n, "key "+key, n.Value)
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			s.scalars(n.Content[i].Value, n.Content[i+1], depth+1)
		}
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			s.scalars(key, c, depth+1)
		}
	}
}
