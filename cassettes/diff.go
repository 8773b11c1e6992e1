package cassettes

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// DiffOptions say what [Diff] looks at. The zero value works.
type DiffOptions struct {
	// Headers compares also the headers that differ from one exchange to the next
	// whatever was said, such as Date.
	Headers bool

	// Ignore are places in which differences do not count, nor in what is inside: an
	// element or attribute of a local name, such as "CallId", or one as in
	// [inspect.ParseSelector], such as "Disconnect/CallId" and "PhoneCallId/@Id".
	Ignore []string
}

// Comparison is what two recordings have in common, and what not.
type Comparison struct {
	Same    int      // pairs that say the same
	Moved   int      // pairs, same or not, that stand in another order
	Changes []Change // in the order of the first recording
}

// Change is an interaction that is in one recording only, or a pair of which the
// two say different things.
type Change struct {
	Before, After *Side // nil if it was added, or removed
	Differences   []SideDifference
	Cut           bool // there are more
}

// Side is one interaction as a comparison names it.
type Side struct {
	*Interaction
	Name      string // FILE#ID, FILE as it was given to Load
	Operation string // what was asked for, in words if it is not SOAP
	Answer    string // status and shape of the answer
}

// SideDifference is one place where two interactions differ. Of what is there it
// tells only what is no secret: never the text of an element.
type SideDifference struct {
	Part string `json:"part"` // "request" or "response"
	inspect.Change
}

// Counts returns how many interactions were changed, removed and added.
func (c *Comparison) Counts() (changed, removed, added int) {
	for _, d := range c.Changes {
		switch {
		case d.After == nil:
			removed++
		case d.Before == nil:
			added++
		default:
			changed++
		}
	}
	return changed, removed, added
}

// maxChanges is how many differences of one pair are listed.
const maxChanges = 40

// Diff compares two recordings, each of one cassette or several, by what was said.
//
// Interactions are paired that ask for the same, as a replay would tell; of several
// that do, those whose answers are equal, in order. What is left is paired with the
// nearest that asks for the same operation, again in order.
func Diff(before, after []*Cassette, options DiffOptions) *Comparison {
	d := &differ{options: options, seed: maphash.MakeSeed()}
	a, b := d.read(before), d.read(after)
	partner := slices.Repeat([]int{-1}, len(a))
	taken := make([]bool, len(b))
	pair := func(group func(spoken) string, cost func(x, y *spoken) int) {
		mine, theirs := map[string][]int{}, map[string][]int{}
		var groups []string // in order, so that the outcome is always the same
		for i := range a {
			if partner[i] < 0 {
				g := group(a[i])
				if mine[g] == nil {
					groups = append(groups, g)
				}
				mine[g] = append(mine[g], i)
			}
		}
		for j := range b {
			if !taken[j] {
				g := group(b[j])
				theirs[g] = append(theirs[g], j)
			}
		}
		for _, g := range groups {
			is, js := mine[g], theirs[g]
			for k, l := range align(len(is), len(js), func(k, l int) int { return cost(&a[is[k]], &b[js[l]]) }) {
				if l >= 0 {
					partner[is[k]], taken[js[l]] = js[l], true
				}
			}
		}
	}
	pair(func(s spoken) string { return s.asks }, func(x, y *spoken) int {
		if x.answer == y.answer {
			return 0
		}
		return 1
	})
	pair(func(s spoken) string { return s.group }, d.distance)
	return d.comparison(a, b, partner, taken)
}

// differ is one comparison under way.
type differ struct {
	options DiffOptions
	seed    maphash.Seed
}

// spoken is one interaction as far as pairing needs it.
type spoken struct {
	*Interaction
	name      string
	operation string
	group     string // what it may be paired with, if nothing asks for the same
	asks      string // what it asks for, as a replay would tell
	answer    [sha256.Size]byte
	tokens    []uint64 // of what it says, made when first needed
}

func (d *differ) read(tapes []*Cassette) []spoken {
	var list []spoken
	for _, t := range tapes {
		for _, i := range t.Interactions {
			a := Matching{}.askedOf(i)
			k := a.key()
			s := spoken{Interaction: i, name: t.Path + "#" + strconv.Itoa(i.ID), operation: a.operation(), asks: fmt.Sprintf("%x %x", k.fold, k.host)}
			s.group = s.operation
			if a.message == nil {
				s.group += " " + pathOf(a.target)
			}
			r := answerOf(i)
			h := sha256.New()
			fmt.Fprintln(h, i.Response.Code, r.message != nil)
			h.Write(r.canonical())
			h.Sum(s.answer[:0])
			list = append(list, s)
		}
	}
	return list
}

// answered is a recorded answer, redacted.
type answered struct {
	body    []byte
	message *inspect.Message // nil if it is no envelope
}

func answerOf(i *Interaction) answered {
	h := canonicalHeader(i.Response.Headers)
	body := redactBody(asUnderstood([]byte(i.Response.Body), h, DefaultMaxBody), h)
	m, _ := inspect.ParseBody(h, body)
	return answered{body, m}
}

func (a answered) canonical() []byte {
	if a.message == nil {
		return a.body
	}
	return a.message.AppendCanonical(nil, false)
}

// distance is how many parts of what they say are in one of two interactions only.
func (d *differ) distance(x, y *spoken) int {
	a, b := d.tokensOf(x), d.tokensOf(y)
	n := 0
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] == b[0]:
			a, b = a[1:], b[1:]
		case a[0] < b[0]:
			a, n = a[1:], n+1
		default:
			b, n = b[1:], n+1
		}
	}
	return n + len(a) + len(b)
}

// maxTokens bounds what is held of one interaction.
const maxTokens = 4096

func (d *differ) tokensOf(s *spoken) []uint64 {
	if s.tokens != nil {
		return s.tokens
	}
	var list []uint64
	add := func(parts ...string) {
		if len(list) < maxTokens {
			list = append(list, maphash.String(d.seed, strings.Join(parts, "\x00")))
		}
	}
	var walk func(path string, e *inspect.Element)
	walk = func(path string, e *inspect.Element) {
		path += "/" + e.Name.Local
		add(path, e.Name.Space, strings.TrimSpace(e.Text))
		for _, a := range e.Attrs {
			add(path, "@", a.Name.Local, a.Value)
		}
		for _, c := range e.Children {
			walk(path, c)
		}
	}
	request, answer := Matching{}.askedOf(s.Interaction), answerOf(s.Interaction)
	add("method", request.method)
	add("target", request.target)
	add("host", request.host)
	add("status", strconv.Itoa(s.Response.Code))
	if request.message != nil {
		walk(">", request.message.Body)
	} else {
		add("request", string(request.body))
	}
	if answer.message != nil {
		walk("<", answer.message.Body)
	} else {
		add("response", string(answer.body))
	}
	slices.Sort(list)
	s.tokens = list
	return list
}

// Between lists where two interactions differ, as [Diff] does for those of a pair; cut
// says that there are more.
func Between(before, after *Interaction, options DiffOptions) (list []SideDifference, cut bool) {
	d := &differ{options: options}
	list = d.differences(before, after)
	return list[:min(len(list), maxChanges)], len(list) > maxChanges
}

// comparison tells what the pairing has come to.
func (d *differ) comparison(a, b []spoken, partner []int, taken []bool) *Comparison {
	c := &Comparison{}
	var order []int
	var all []placed
	owner := make([]int, len(b))
	for i, j := range partner {
		if j < 0 {
			all = append(all, placed{i, 0, i, Change{Before: side(a[i])}})
			continue
		}
		order = append(order, j)
		owner[j] = i
		found, cut := Between(a[i].Interaction, b[j].Interaction, d.options)
		if len(found) == 0 {
			c.Same++
			continue
		}
		all = append(all, placed{i, 0, i, Change{side(a[i]), side(b[j]), found, cut}})
	}
	c.Moved = len(order) - inOrder(order)
	before := -1 // the partner of the last one that was not added
	for j := range b {
		if taken[j] {
			before = owner[j]
			continue
		}
		all = append(all, placed{before, 1, j, Change{After: side(b[j])}})
	}
	slices.SortStableFunc(all, func(x, y placed) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.after, y.after), cmp.Compare(x.own, y.own))
	})
	for _, p := range all {
		c.Changes = append(c.Changes, p.Change)
	}
	return c
}

// placed is a change and where it is told: at an interaction of the first
// recording, or after it.
type placed struct {
	at, after, own int
	Change
}

func side(s spoken) *Side {
	return &Side{Interaction: s.Interaction, Name: s.name, Operation: s.operation, Answer: fmt.Sprintf("%d %s", s.Response.Code, answerOf(s.Interaction).shape())}
}

// shownShape is how much of a shape is told.
const shownShape = 100

// shape is what an answer looks like.
func (a answered) shape() string {
	switch {
	case a.message != nil:
		return inspect.Shorten(inspect.ShapeOf(a.message), shownShape)
	case len(a.body) == 0:
		return "no body"
	}
	return fmt.Sprintf("no SOAP, %d bytes", len(a.body))
}

// differences lists where two interactions differ, the request first.
func (d *differ) differences(a, b *Interaction) []SideDifference {
	var list []SideDifference
	part := "request"
	add := func(path, what string) {
		if !d.ignored(path) {
			list = append(list, SideDifference{part, inspect.Change{Difference: inspect.Difference{Path: path, What: what}}})
		}
	}
	became := func(path string, before, after string) {
		if before != after {
			add(path, fmt.Sprintf("%s became %s", cmp.Or(before, "none"), cmp.Or(after, "none")))
		}
	}
	contents := func(x, y *inspect.Message) {
		if became("SOAP version", x.Version.String(), y.Version.String()); x.Version == y.Version {
			became("Envelope namespace", strconv.Quote(x.EnvelopeSpace), strconv.Quote(y.EnvelopeSpace))
		}
		for _, f := range inspect.Changes(x, y, maxChanges+1) {
			if (d.options.Headers || !volatileElement(f.Path)) && !d.ignored(f.Path) {
				list = append(list, SideDifference{part, f})
			}
		}
	}

	x, y := Matching{}.askedOf(a), Matching{}.askedOf(b)
	became("method", printablePath(x.method), printablePath(y.method))
	became("host", origin(x), origin(y))
	if p, q := pathOf(x.target), pathOf(y.target); p != q {
		if was, is := withoutParameters(p), withoutParameters(q); was != is {
			became("path", printablePath(was), printablePath(is))
		} else {
			add("path", "its parameters differ") // they can be a session's id
		}
	} else if x.target != y.target {
		add("query", "differs")
	}
	d.headers(a.Request.Headers, b.Request.Headers, volatileRequest, add)
	switch {
	case x.message != nil && y.message != nil:
		contents(x.message, y.message)
		if !bytes.Equal(x.beside, y.beside) {
			add("attachments", "bytes differ")
		}
	case x.message != nil:
		add("body", "a SOAP envelope became none")
	case y.message != nil:
		add("body", "became a SOAP envelope")
	case !bytes.Equal(x.body, y.body):
		add("body", "bytes differ")
	}
	became("not whole", wholeness(a, "request"), wholeness(b, "request"))

	part = "response"
	became("status", strconv.Itoa(a.Response.Code), strconv.Itoa(b.Response.Code))
	d.headers(a.Response.Headers, b.Response.Headers, volatileResponse, add)
	v, w := answerOf(a), answerOf(b)
	switch {
	case v.message == nil && w.message == nil:
		if !bytes.Equal(v.body, w.body) {
			add("body", "bytes differ")
		}
	case v.message == nil || w.message == nil || faultKind(v.message) != faultKind(w.message):
		became("answer", v.shape(), w.shape())
	default:
		contents(v.message, w.message)
	}
	became("not whole", wholeness(a, "response"), wholeness(b, "response"))
	return list
}

func origin(a asked) string {
	if a.host == "" {
		return ""
	}
	return a.scheme + "://" + printablePath(a.host)
}

func wholeness(i *Interaction, part string) string {
	if t := i.Umtape.Truncated; t == part || t == "both" {
		return "truncated"
	}
	return "whole"
}

// ignored reports whether the caller does not want to know of a place.
func (d *differ) ignored(path string) bool {
	steps := strings.Split(positions.ReplaceAllString(path, ""), "/")
	return slices.ContainsFunc(d.options.Ignore, func(place string) bool {
		for n := range steps {
			if endsIn(steps[:n+1], place) {
				return true
			}
		}
		return false
	})
}

// endsIn reports whether a path ends in a place.
func endsIn(path []string, place string) bool {
	place = strings.TrimPrefix(strings.TrimPrefix(place, "/"), "/")
	want := strings.Split(strings.TrimPrefix(place, "Envelope/"), "/")
	if len(path) < len(want) {
		return false
	}
	for n, step := range path[len(path)-len(want):] {
		if step != want[n] && want[n] != "*" && (len(want) > 1 || step != "@"+want[n]) {
			return false
		}
	}
	return true
}

// headers compares headers by name, after redaction. Values are told only of the
// few that say what was exchanged.
func (d *differ) headers(before, after http.Header, volatile map[string]bool, add func(path, what string)) {
	a, b := redactHeader(before), redactHeader(after)
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		x, y := a[name], b[name]
		path := "header " + inspect.Shorten(oneLine(name), 80)
		switch {
		case volatile[name] && !d.options.Headers, slices.Equal(x, y):
		case len(x) == 0:
			add(path, "added")
		case len(y) == 0:
			add(path, "removed")
		case toldHeaders[name]:
			add(path, fmt.Sprintf("%q became %q", inspect.Shorten(strings.Join(x, ", "), 120), inspect.Shorten(strings.Join(y, ", "), 120)))
		default:
			add(path, "value differs")
		}
	}
}

// toldHeaders are those whose values say what was exchanged, and by what kind of
// server.
var toldHeaders = map[string]bool{"Content-Type": true, "Soapaction": true, "Server": true, "X-Aspnet-Version": true, "X-Powered-By": true}

// volatileRequest and volatileResponse are headers that are of one exchange or one
// connection (PROTOCOL.md, section 4.6), or follow from the body.
var (
	volatileRequest = headerSet("Client-Request-Id", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Connection", "Proxy-Connection", "Keep-Alive",
		"Date", "Cookie", "Authorization", "Proxy-Authorization", "X-Clientstatistics", "Traceparent", "Tracestate", "X-Request-Id", "X-Correlation-Id",
		"Accept-Encoding", "Host", "Expect")
	volatileResponse = headerSet("Date", "Request-Id", "Client-Request-Id", "X-Diaginfo", "X-Feserver", "X-Targetbeserver", "X-Beserver",
		"X-Calculatedbetarget", "X-Calculatedfetarget", "X-Rum-Validated", "X-Backendhttpstatus", "Set-Cookie", "Content-Length", "Transfer-Encoding",
		"Content-Encoding", "Vary", "Connection", "Keep-Alive", "Proxy-Connection", "Persistent-Auth", "Www-Authenticate", "Age", "Expires", "Etag",
		"Last-Modified", "Traceparent", "X-Request-Id", "X-Correlation-Id", "Via")
)

func headerSet(names ...string) map[string]bool {
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	return set
}

// volatileElement reports whether an element of the SOAP Header is of one message
// only: WS-Addressing's and WS-Security's ids and times.
func volatileElement(path string) bool {
	rest, ok := strings.CutPrefix(path, "Header/")
	if !ok {
		return false
	}
	for name := range strings.SplitSeq(rest, "/") {
		switch name, _, _ = strings.Cut(name, "["); name {
		case "MessageID", "RelatesTo", "Timestamp", "Created", "Expires", "Nonce":
			return true
		}
	}
	return false
}
