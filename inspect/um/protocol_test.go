package um

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestOperationsAreThoseOfTheReference: the table of operations has the rows of
// PROTOCOL.md, section 1.1: the children of requests and responses, in order, and the
// faults.
func TestOperationsAreThoseOfTheReference(t *testing.T) {
	text, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### 1.1 ")
	section, _, _ = strings.Cut(section, "### 1.2 ")
	quoted := regexp.MustCompile("`(\\w+)`")
	names := func(cell string, but ...string) (list []string) {
		for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
			if !slices.Contains(but, m[1]) {
				list = append(list, m[1])
			}
		}
		return list
	}
	fields := func(list []Field) (names []string) {
		for _, f := range list {
			if f.Name != "" {
				names = append(names, f.Name)
			}
		}
		return names
	}
	rows := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 4 || !strings.HasPrefix(line, "| `") {
			continue
		}
		name := names(cells[0])[0]
		i := slices.IndexFunc(Operations, func(op Operation) bool { return op.Name == name && op.Protocol == Classic })
		if i < 0 {
			t.Errorf("%s is in the reference and not in the table", name)
			continue
		}
		rows++
		op := Operations[i]
		if want := names(cells[1], "NormalCustom", "OofCustom"); !slices.Equal(fields(op.Request), want) {
			t.Errorf("%s asks with %v; the reference has %v", name, fields(op.Request), want)
		}
		if want := names(cells[2], name+"Response"); !slices.Equal(fields(op.Response), want) {
			t.Errorf("%s answers with %v; the reference has %v", name, fields(op.Response), want)
		}
		if doubled := strings.Count(cells[2], "`"+name+"Response`") == 2; doubled != (op.Answer == Fields || op.Answer == Value) {
			t.Errorf("%s: the reference has the wrapper twice: %v", name, doubled)
		}
		if want := names(cells[3], "CallId"); !slices.Equal(op.Faults, want) {
			t.Errorf("%s may fail with %v; the reference has %v", name, op.Faults, want)
		}
		for _, f := range op.Request {
			if stated := strings.Contains(cells[1], "1..1"); stated != f.Required {
				t.Errorf("%s: that %s is there once is stated: %v", name, f.Name, stated)
			}
		}
	}
	if classic := slices.DeleteFunc(slices.Clone(Operations), func(op Operation) bool { return op.Protocol != Classic }); rows != 11 || len(classic) != rows {
		t.Errorf("%d rows in the reference, %d operations", rows, len(classic))
	}
}
