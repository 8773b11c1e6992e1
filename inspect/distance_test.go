package inspect

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func bodyOf(t *testing.T, inner string) *Message {
	t.Helper()
	m, err := Parse([]byte(`<s:Envelope xmlns:s="` + SOAP11NS + `"><s:Body>` + inner + `</s:Body></s:Envelope>`))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		want       int
	}{
		{"the same", `<x:a xmlns:x="u"> <x:b/></x:a>`, `<a xmlns="u"><b/></a>`, 0},
		{"a text", `<a><b>1</b></a>`, `<a><b>2</b></a>`, 1},
		{"a text is there or not", `<a><b>1</b></a>`, `<a><b/></a>`, 1},
		{"a namespace", `<a xmlns="u"/>`, `<a xmlns="v"/>`, 1},
		{"an attribute's value", `<a i="1" j="2"/>`, `<a i="2" j="2"/>`, 1},
		{"an attribute is there or not", `<a i="1" j="2"/>`, `<a j="2"/>`, 1},
		{"an element", `<a><b/><c/></a>`, `<a><c/></a>`, 1},
		{"an element with all it holds", `<a><b i="1"><d>2</d></b><c/></a>`, `<a><c/></a>`, 4},
		{"one renamed is two", `<a><b/></a>`, `<a><c/></a>`, 2},
		{"the first of a list is gone", `<l><i>1</i><i>2</i><i>3</i><i>4</i></l>`, `<l><i>2</i><i>3</i><i>4</i></l>`, 2},
		{"one amid a list is another", `<l><i>1</i><i>2</i><i>3</i></l>`, `<l><i>1</i><i>x</i><i>3</i></l>`, 1},
		{"text between", `<a><b/>x<c/></a>`, `<a><b/>y<c/></a>`, 1},
	} {
		a, b := bodyOf(t, tt.a), bodyOf(t, tt.b)
		for _, d := range []int{Distance(a, b), Distance(b, a)} {
			if d != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, d, tt.want)
			}
		}
		if equal := Compare(a, b, 1) == nil; equal != (tt.want == 0) {
			t.Errorf("%s: Compare says equal: %v", tt.name, equal)
		}
	}
}

// TestDistanceOfLongLists: two lists of which every pair would have to be weighed
// against each other are still compared at once.
func TestDistanceOfLongLists(t *testing.T) {
	list := func(first int) *Message {
		var b strings.Builder
		for n := range 5000 {
			fmt.Fprintf(&b, "<i>%d</i>", n*2+first)
		}
		return bodyOf(t, "<l>"+b.String()+"</l>")
	}
	a, b := list(0), list(1)
	began := time.Now()
	if d := Distance(a, b); d != 5000 {
		t.Errorf("%d", d)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}
