package cassettes

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/umtape/umtape/inspect"
)

// node is an element of a request that nobody wrote.
type node struct {
	name  string
	space string // that of its parent if ""
	attrs [][2]string
	text  string
	tail  string // behind it
	parts []*node
}

func (n *node) write(b *strings.Builder) {
	b.WriteString("<" + n.name)
	if n.space != "" {
		b.WriteString(` xmlns="` + n.space + `"`)
	}
	for _, a := range n.attrs {
		b.WriteString(" " + a[0] + `="` + a[1] + `"`)
	}
	b.WriteString(">" + n.text)
	for _, p := range n.parts {
		p.write(b)
	}
	b.WriteString("</" + n.name + ">" + n.tail)
}

func (n *node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) clone() *node {
	c := *n
	c.attrs, c.parts = append([][2]string{}, n.attrs...), nil
	for _, p := range n.parts {
		c.parts = append(c.parts, p.clone())
	}
	return &c
}

// all are n and those in it.
func (n *node) all() []*node {
	list := []*node{n}
	for _, p := range n.parts {
		list = append(list, p.all()...)
	}
	return list
}

func randomNode(r *rand.Rand, depth int) *node {
	n := &node{name: string(rune('a' + r.IntN(5)))}
	for range r.IntN(3) {
		if name := string(rune('p' + r.IntN(4))); len(n.attrs) == 0 || n.attrs[0][0] != name {
			n.attrs = append(n.attrs, [2]string{name, strconv.Itoa(r.IntN(3))})
		}
	}
	if depth > 0 && r.IntN(3) > 0 {
		for range 1 + r.IntN(4) {
			n.parts = append(n.parts, randomNode(r, depth-1))
		}
	} else {
		n.text = strconv.Itoa(r.IntN(10))
	}
	return n
}

// change makes one step away from a request.
func change(r *rand.Rand, root *node) {
	list := root.all()
	n := list[r.IntN(len(list))]
	switch r.IntN(11) {
	case 10:
		if n != root {
			n.tail += "8"
		}
	case 0: // one more
		at := r.IntN(len(n.parts) + 1)
		n.parts = append(n.parts[:at:at], append([]*node{randomNode(r, 1)}, n.parts[at:]...)...)
	case 1: // one less
		if len(n.parts) > 0 {
			at := r.IntN(len(n.parts))
			n.parts = append(n.parts[:at:at], n.parts[at+1:]...)
		}
	case 2: // called otherwise
		if n != root {
			n.name = "x"
		}
	case 3:
		if len(n.attrs) > 0 {
			n.attrs = n.attrs[1:]
		}
	case 4:
		n.attrs = append(n.attrs, [2]string{fmt.Sprintf("y%d", r.Uint32()), "1"})
	case 5:
		if len(n.attrs) > 0 {
			n.attrs[0][1] += "0"
		}
	case 6:
		n.space = "urn:other"
	case 7: // in another order
		r.Shuffle(len(n.parts), func(i, j int) { n.parts[i], n.parts[j] = n.parts[j], n.parts[i] })
	default:
		n.text += "7"
	}
}

// TestMissRulesOfMany: for requests that nobody wrote, each some steps from a recorded
// one: a miss names an interaction of the operation, that no other is nearer than, and
// the path of every difference; and each rule that it names, given to another replay,
// lets the request match. UMTAPE_CASES tries more, UMTAPE_SEED others.
func TestMissRulesOfMany(t *testing.T) {
	cases, seed := 400, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("UMTAPE_CASES")); err == nil {
		cases = n
	}
	if n, err := strconv.ParseUint(os.Getenv("UMTAPE_SEED"), 10, 64); err == nil {
		seed = n
	}
	r := rand.New(rand.NewPCG(seed, 0))
	misses, pasted, several := 0, 0, 0
	for range cases {
		var list []*Interaction
		var roots []*node
		for n := range 1 + r.IntN(4) {
			root := randomNode(r, 3)
			if n > 0 && r.IntN(2) == 0 {
				root = roots[n-1].clone()
				change(r, root)
			}
			root.name, root.space = "Ask"+strconv.Itoa(r.IntN(2)), "urn:ask"
			roots = append(roots, root)
			list = append(list, said(n, service, envelope(root.String()), fmt.Sprintf("answer %d", n)))
		}
		asked := roots[r.IntN(len(roots))].clone()
		for range 1 + r.IntN(3) {
			change(r, asked)
		}
		body := envelope(asked.String())
		var said []MissReport
		play := func(match Matching) (int, string) {
			p := NewPlayer(PlayOptions{Match: match, OnMiss: func(m MissReport) { said = append(said, m) }}, &Cassette{Path: "c.yaml", Interactions: list})
			resp, text := post(t, p, service, body)
			return resp.StatusCode, text
		}
		status, answer := play(Matching{})
		if status == 200 {
			continue // it came back to a recorded one
		}
		misses++
		m, fault := said[0], parsed(t, answer).Fault
		if len(m.Differences) == 0 {
			t.Fatalf("no difference: %s\n%s", body, answer)
		}
		text, _ := json.Marshal(m)
		for _, d := range m.Differences {
			if !strings.Contains(answer, `path="`+d.Path+`"`) && len(m.Differences) <= maxDifferences {
				t.Errorf("the fault has not %s: %s", d, answer)
			}
			if !strings.HasPrefix(d.Path, "Body/"+asked.name) && !strings.HasPrefix(d.Path, "Body/Ask") {
				t.Errorf("%s is no place in the request: %s", d, text)
			}
		}
		places, plain := map[string]bool{}, len(m.Differences) <= maxDifferences/2
		for _, d := range m.Differences {
			places[positions.ReplaceAllString(d.Path, "")] = true
			plain = plain && strings.Count(d.Path, "/") > 1 && d.What != "text after it differs" && !strings.HasPrefix(d.What, "namespace")
		}
		for _, n := range append(asked.all(), roots[nearestOf(t, m.Nearest, list)].all()...) {
			plain = plain && n.tail == "" // text behind what is left out stays
		}
		if plain && len(places) <= maxRules && len(m.Rules) == 0 {
			t.Errorf("no rule: %s", text)
		}
		nearest := nearestOf(t, m.Nearest, list)
		ours := parsed(t, body)
		for n, root := range roots {
			if root.name == asked.name && (parsed(t, list[nearest].Request.Body).Operation() != asked.name || inspect.Distance(parsed(t, list[n].Request.Body), ours) < m.Distance) {
				t.Errorf("%d is nearer than %s: %s", n, m.Nearest, text)
			}
		}
		if fault.Detail == nil || !strings.Contains(fault.Reason, m.Reason) {
			t.Errorf("the fault says otherwise than the report: %s\n%s", fault.Reason, m.Reason)
		}
		for _, rule := range m.Rules {
			if !strings.Contains(answer, "<umtape:Rule>"+rule+"</umtape:Rule>") || !strings.Contains(m.Reason, rule) {
				t.Errorf("the fault has not %s", rule)
			}
			match := matchingOf(t, rule)
			if len(match.Ignore) > 1 {
				several++
			}
			pasted++
			if status, answer := play(match); status != 200 {
				t.Errorf("%s does not let it match\nasked    %s\nrecorded %s\n%s", rule, body, list[nearest].Request.Body, answer)
			}
		}
	}
	t.Logf("%d misses, %d rules pasted, %d of them of several places", misses, pasted, several)
	if misses < cases/2 || pasted < misses/2 {
		t.Errorf("%d misses, %d rules of %d cases", misses, pasted, cases)
	}
}

func parsed(t *testing.T, body string) *inspect.Message {
	t.Helper()
	m, err := inspect.Parse([]byte(body))
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return m
}

func nearestOf(t *testing.T, name string, list []*Interaction) int {
	t.Helper()
	_, id, _ := strings.Cut(name, "#")
	n, err := strconv.Atoi(id)
	if err != nil || n >= len(list) {
		t.Fatalf("nearest is %q", name)
	}
	return n
}

// matchingOf reads flags as umtape replay does.
func matchingOf(t *testing.T, rule string) (m Matching) {
	t.Helper()
	words := strings.Fields(rule)
	for n := 0; n < len(words); n += 2 {
		s, err := inspect.ParseSelector(words[n+1])
		switch {
		case err != nil:
			t.Fatal(err)
		case words[n] == "--any":
			m.Any = append(m.Any, s)
		case words[n] == "--ignore":
			m.Ignore = append(m.Ignore, s)
		default:
			t.Fatalf("what is %s?", words[n])
		}
	}
	return m
}
