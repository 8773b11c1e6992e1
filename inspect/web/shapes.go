package web

import (
	"fmt"
	"hash/maphash"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// groupJSON is a kind of message: what variants there are of it, and which exchanges
// have which.
type groupJSON struct {
	Key       string        `json:"key"` // names it, as in /api/shape
	Name      string        `json:"name"`
	Operation string        `json:"operation"`
	Namespace string        `json:"namespace"`
	Message   string        `json:"message"` // request, response, fault
	Count     int           `json:"count"`
	Variants  []variantJSON `json:"variants"` // the most frequent first
}

type variantJSON struct {
	Name   string `json:"name"` // FILE#ID of the first interaction that has it
	Rows   []int  `json:"rows"` // the last row of each interaction
	Lumped bool   `json:"lumped,omitempty"`
}

// nodeJSON is an element or attribute of a shape.
type nodeJSON struct {
	Name      string      `json:"name"`
	Attr      bool        `json:"attr,omitempty"`
	Namespace string      `json:"ns,omitempty"`
	Occurs    string      `json:"occurs"`
	Values    string      `json:"values,omitempty"` // kinds
	AnyOrder  bool        `json:"any_order,omitempty"`
	Optional  bool        `json:"optional,omitempty"` // not all messages have it
	In        []int       `json:"in,omitempty"`       // which variants have it, by index, if not all have
	Parts     []*nodeJSON `json:"parts,omitempty"`

	// Of two shapes side by side, what it is in each; nil where there is none.
	A    *sideOfNode `json:"a,omitempty"`
	B    *sideOfNode `json:"b,omitempty"`
	Same bool        `json:"same,omitempty"`
}

type sideOfNode struct {
	Occurs string `json:"occurs"`
	Values string `json:"values,omitempty"`
}

type differenceJSON struct {
	Path   string `json:"path"`
	Change string `json:"change"` // added, removed, changed
	Old    string `json:"old,omitempty"`
	New    string `json:"new,omitempty"`
}

// gather puts the shapes of all cassettes together, as they are now.
func (b *Book) gather() []inspect.ShapeGroup {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all inspect.Shapes
	joined := map[string]bool{}
	for _, r := range b.rows {
		if l := b.shapes[r.File]; l != nil && !joined[r.File] {
			joined[r.File] = true
			all.Join(l)
		}
	}
	return all.Groups()
}

var keySeed = maphash.MakeSeed()

// veiledKey is a key without what a fault calls itself, if that may be what is hidden.
func veiledKey(k inspect.ShapeKey) inspect.ShapeKey {
	if w := word(k.Fault, false); w == veil {
		k.Fault = fmt.Sprintf("%s%x", veil, maphash.String(keySeed, k.Fault)) // others have another
	}
	return k
}

func keyOf(k inspect.ShapeKey) string {
	k = veiledKey(k)
	return strings.Join([]string{k.Operation.Local, messageOf(k), k.Fault, k.Service, k.Version.String(), k.Operation.Space}, " ")
}

func messageOf(k inspect.ShapeKey) string {
	switch {
	case k.Fault != "":
		return "fault"
	case k.Response:
		return "response"
	}
	return "request"
}

func (s *Server) shapes(w http.ResponseWriter, _ *http.Request) {
	d := s.Book.digested()
	rowOf := d.rowOf()
	j := struct {
		Anew   int         `json:"anew"`
		Total  int         `json:"total"`
		Groups []groupJSON `json:"groups"`
	}{d.anew, d.total, []groupJSON{}}
	for _, g := range d.groups() {
		of := groupJSON{Key: keyOf(g.ShapeKey), Name: veiledKey(g.ShapeKey).String(), Operation: g.Operation.Local, Namespace: g.Operation.Space, Message: messageOf(g.ShapeKey), Count: g.Count}
		for n, v := range g.Variants {
			x := variantJSON{Name: variantName(v), Rows: make([]int, 0, len(v.In)), Lumped: g.Lumped && n == len(g.Variants)-1}
			for _, in := range v.In {
				if row, ok := rowOf[Place(in)]; ok {
					x.Rows = append(x.Rows, row)
				}
			}
			of.Variants = append(of.Variants, x)
		}
		j.Groups = append(j.Groups, of)
	}
	writeJSON(w, j)
}

func variantName(v *inspect.Variant) string { return name(Row{File: v.In[0].File, ID: v.In[0].ID}) }

// shape gives the tree of some variants of a group together, and how each differs from
// the first; or, with a and b, two variants side by side.
func (s *Server) shape(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	groups := s.Book.digested().groups()
	find := func(key, variant string) *inspect.Shape {
		for _, g := range groups {
			if keyOf(g.ShapeKey) != key {
				continue
			}
			if variant == "" {
				return g.Shape
			}
			for _, v := range g.Variants {
				if variantName(v) == variant {
					return v.Shape
				}
			}
		}
		return nil
	}
	if q.Has("a") {
		a, b := find(q.Get("key"), q.Get("a")), find(q.Get("other"), q.Get("b"))
		if a == nil || b == nil {
			fail(w, http.StatusNotFound, "there is no such shape now; choose another one")
			return
		}
		both := a.Clone()
		both.Merge(b.Clone())
		diff := inspect.DiffShapes
		if q.Get("key") == q.Get("other") {
			diff = inspect.DiffVariants
		}
		writeJSON(w, struct {
			Parts       []*nodeJSON      `json:"parts"`
			Differences []differenceJSON `json:"differences"`
		}{beside(both, a, b), differences(diff(a, b))})
		return
	}
	type variantDiff struct {
		Name        string           `json:"name"`
		Differences []differenceJSON `json:"differences"`
	}
	for _, g := range groups {
		if keyOf(g.ShapeKey) != q.Get("key") {
			continue
		}
		tree, list := g.Shape, []variantDiff{}
		if chosen := q["variant"]; len(chosen) > 0 {
			tree = nil
			for _, name := range chosen {
				if v := find(q.Get("key"), name); v != nil && tree == nil {
					tree = v.Clone()
				} else if v != nil {
					tree.Merge(v.Clone())
				}
			}
		}
		if tree == nil {
			break
		}
		for _, v := range g.Variants {
			list = append(list, variantDiff{variantName(v), differences(inspect.DiffVariants(g.Variants[0].Shape, v.Shape))})
		}
		all := map[int]*inspect.Shape{}
		for n, v := range g.Variants {
			all[n] = v.Shape
		}
		of := len(all)
		if g.Lumped { // not all of the last one's messages have what its shape has
			of = 0
		}
		writeJSON(w, struct {
			Parts    []*nodeJSON   `json:"parts"`
			Variants []variantDiff `json:"variants"`
		}{nodes(tree, all, of), list})
		return
	}
	fail(w, http.StatusNotFound, "there is no such shape now; choose another one")
}

// nodes are the parts of a shape; in are the shapes that it was made of, by index, at the
// same place, and of how many there are.
func nodes(s *inspect.Shape, in map[int]*inspect.Shape, of int) []*nodeJSON {
	list := []*nodeJSON{}
	for _, p := range s.Parts {
		having := map[int]*inspect.Shape{}
		for n, v := range in {
			if part := partOf(v, p); part != nil {
				having[n] = part
			}
		}
		n := &nodeJSON{Name: p.Step(), Attr: p.Attr, Namespace: p.Name.Space, Occurs: p.Occurs(), Values: p.Kinds.String(),
			AnyOrder: p.AnyOrder, Optional: p.Min == 0, Parts: nodes(p, having, of)}
		if len(having) < of {
			n.In = slices.Sorted(maps.Keys(having))
		}
		list = append(list, n)
	}
	return list
}

// beside is the tree of two shapes together, with what each has at every place.
func beside(both, a, b *inspect.Shape) []*nodeJSON {
	list := []*nodeJSON{}
	for _, p := range both.Parts {
		inA, inB := partOf(a, p), partOf(b, p)
		n := &nodeJSON{Name: p.Step(), Attr: p.Attr, Namespace: p.Name.Space, Occurs: p.Occurs(), A: sideOfShape(inA), B: sideOfShape(inB), Parts: beside(p, inA, inB)}
		n.Same = n.A != nil && n.B != nil && *n.A == *n.B
		list = append(list, n)
	}
	return list
}

func sideOfShape(s *inspect.Shape) *sideOfNode {
	if s == nil {
		return nil
	}
	return &sideOfNode{s.Occurs(), s.Kinds.String()}
}

// partOf is the part of a shape that is the one given; nil if there is none.
func partOf(s, part *inspect.Shape) *inspect.Shape {
	if s == nil {
		return nil
	}
	for _, p := range s.Parts {
		if p.Name == part.Name && p.Attr == part.Attr {
			return p
		}
	}
	return nil
}

func differences(list []inspect.ShapeDifference) []differenceJSON {
	out := make([]differenceJSON, len(list))
	for n, d := range list {
		out[n] = differenceJSON{d.Path, "changed", d.Old, d.New}
		switch {
		case d.Added:
			out[n].Change = "added"
		case d.Removed:
			out[n].Change = "removed"
		}
	}
	return out
}
