package cassettes

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"
)

// decoder turns YAML nodes into our types, with errors that name the file, the
// line and the interaction. It accepts what go-vcr's Load accepts, less what
// that one passes over in silence. Anchors, aliases and merge keys are
// followed: people use them in cassettes they keep by hand.
type decoder struct {
	path  string
	base  int    // lines of the file before the nodes' own text
	where string // "interaction 3", once known
	left  int    // how many more nodes may be looked at: against alias bombs
}

// newDecoder returns a decoder for nodes made from size bytes. Without aliases
// there is at most one node a byte.
func newDecoder(path string, base, size int) *decoder {
	return &decoder{path: path, base: base, left: 10*size + 1000}
}

// fail returns an ErrDamaged error with the place of n.
func (d *decoder) fail(n *yaml.Node, format string, args ...any) error {
	f := &fault{kind: ErrDamaged, path: d.path, line: d.base + n.Line, where: d.where, what: fmt.Sprintf(format, args...)}
	if d.where != "" {
		f.next = "fix it or delete the interaction"
	} else {
		f.next = "fix it or record anew"
	}
	return f
}

// follow returns what n stands for: n itself, or an alias' anchor.
func (d *decoder) follow(n *yaml.Node) (*yaml.Node, error) {
	if d.left--; d.left < 0 {
		return nil, d.fail(n, "too many aliases")
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// mapping calls each for every key of n, in order; name is n's in messages.
// Keys merged in (<<) come after n's own, which win. A key of n given twice is
// an error.
func (d *decoder) mapping(n *yaml.Node, name string, each func(key string, value *yaml.Node) error) error {
	return d.merging(n, name, each, map[string]bool{}, 0)
}

func (d *decoder) merging(n *yaml.Node, name string, each func(string, *yaml.Node) error, seen map[string]bool, depth int) error {
	n, err := d.follow(n)
	if err != nil {
		return err
	}
	if n.Kind != yaml.MappingNode {
		return d.fail(n, "%s is not a mapping", name)
	}
	if depth > 8 {
		return d.fail(n, "%s merges too deep", name)
	}
	var merges []*yaml.Node
	own := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" {
			merges = append(merges, n.Content[i+1])
			continue
		}
		key, err := d.text(n.Content[i], "a key of "+name)
		if err != nil {
			return err
		}
		if own[key] {
			return d.fail(n.Content[i], "%s has a key twice", name)
		}
		own[key] = true
		if seen[key] {
			continue
		}
		seen[key] = true
		if err := each(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	for _, m := range merges {
		m, err := d.follow(m)
		if err != nil {
			return err
		}
		list := []*yaml.Node{m}
		if m.Kind == yaml.SequenceNode {
			list = m.Content
		}
		for _, m := range list {
			if err := d.merging(m, name+", merged,", each, seen, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// text returns a scalar as go-vcr would into a string: as it is written,
// numbers and dates too, null as "", !!binary decoded.
func (d *decoder) text(n *yaml.Node, name string) (string, error) {
	n, err := d.follow(n)
	if err != nil {
		return "", err
	}
	if n.Kind != yaml.ScalarNode {
		return "", d.fail(n, "%s is not a string", name)
	}
	switch n.ShortTag() {
	case "!!null":
		return "", nil
	case "!!binary":
		text, err := base64.StdEncoding.DecodeString(n.Value)
		if err != nil {
			return "", d.fail(n, "%s is !!binary but not base64", name)
		}
		return string(text), nil
	}
	return n.Value, nil
}

func (d *decoder) texts(n *yaml.Node, name string) ([]string, error) {
	n, err := d.follow(n)
	if err != nil || isNull(n) {
		return nil, err
	}
	if n.Kind != yaml.SequenceNode {
		return nil, d.fail(n, "%s is not a list", name)
	}
	var list []string
	for _, item := range n.Content {
		s, err := d.text(item, "an item of "+name)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// headers returns a map of lists; it is never nil.
func (d *decoder) headers(n *yaml.Node, name string) (map[string][]string, error) {
	m := map[string][]string{}
	n, err := d.follow(n)
	if err != nil || isNull(n) {
		return m, err
	}
	err = d.mapping(n, name, func(key string, v *yaml.Node) error {
		m[key], err = d.texts(v, "an entry of "+name)
		return err
	})
	return m, err
}

// number returns an integer between low and high, and 0 for null.
func (d *decoder) number(n *yaml.Node, name string, low, high int64) (int64, error) {
	n, err := d.follow(n)
	if err != nil || isNull(n) {
		return 0, err
	}
	var v int64
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Decode(&v) != nil {
		return 0, d.fail(n, "%s is not a whole number", name)
	}
	if v < low || v > high {
		return 0, d.fail(n, "%s is %d, out of range", name, v)
	}
	return v, nil
}

func (d *decoder) boolean(n *yaml.Node, name string) (bool, error) {
	n, err := d.follow(n)
	if err != nil || isNull(n) {
		return false, err
	}
	var v bool
	if n.Kind != yaml.ScalarNode || n.Decode(&v) != nil {
		return false, d.fail(n, "%s is neither true nor false", name)
	}
	return v, nil
}

// duration returns a time.Duration written as text, such as 12.345678ms. A
// bare number is refused, as go-vcr does: it has no unit.
func (d *decoder) duration(n *yaml.Node, name string) (time.Duration, error) {
	s, err := d.text(n, name)
	if err != nil || s == "" {
		return 0, err
	}
	v, err := time.ParseDuration(s)
	if err != nil || s == "0" && n.ShortTag() == "!!int" {
		return 0, d.fail(n, "%s %s is not a duration", name, quoteShort(s))
	}
	return v, nil
}

// quoteShort quotes the text of a field that holds no secret.
func quoteShort(s string) string {
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return strconv.Quote(s)
}
