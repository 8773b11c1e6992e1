package cassettes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/umtape/umtape/inspect"
)

// A contract is a file of shapes, made from cassettes and edited by people:
//
//	umtape_shapes: 1
//	namespaces:
//	    messages: http://schemas.microsoft.com/exchange/services/2006/messages
//	shapes:
//	    - operation: messages:Disconnect
//	      message: request
//	      seen: 3
//	      parts:
//	        - element: Body
//	          parts:
//	            - element: messages:Disconnect
//	              parts:
//	                - {element: messages:CallId, value: text}
//
// What occurs once has no occurs; else it is such as 0..1, 1..n.

// contractFormat is the version of the format, under the key that tells a contract
// from any other YAML.
const contractFormat = 1

type contractFile struct {
	Format     int               `yaml:"umtape_shapes"`
	Namespaces map[string]string `yaml:"namespaces,omitempty"` // by prefix
	Shapes     []contractShape   `yaml:"shapes"`
}

type contractShape struct {
	Operation string         `yaml:"operation"`
	Service   string         `yaml:"service,omitempty"`
	Message   string         `yaml:"message"` // request, response or fault
	Fault     string         `yaml:"fault,omitempty"`
	SOAP      string         `yaml:"soap,omitempty"` // 1.1 if there is none
	Seen      int            `yaml:"seen,omitempty"`
	Parts     []contractPart `yaml:"parts"`
}

type contractPart struct {
	Element   string         `yaml:"element,omitempty"`
	Attribute string         `yaml:"attribute,omitempty"`
	Occurs    string         `yaml:"occurs,omitempty"`
	Value     string         `yaml:"value,omitempty"`
	AnyOrder  bool           `yaml:"any_order,omitempty"`
	Parts     []contractPart `yaml:"parts,omitempty"`
}

// MarshalYAML puts a part without parts on one line.
func (p contractPart) MarshalYAML() (any, error) {
	type bare contractPart
	if len(p.Parts) > 0 {
		return bare(p), nil
	}
	n := &yaml.Node{}
	if err := n.Encode(bare(p)); err != nil {
		return nil, err
	}
	n.Style = yaml.FlowStyle
	return n, nil
}

// SaveContract writes a contract to path, whole or not at all, with comment above
// it. Unless force, the error wraps os.ErrExist if there is a file already.
func SaveContract(path string, c *inspect.Contract, comment string, force bool) error {
	w := contractWriter{prefixes: map[string]string{}, spaces: map[string]string{}}
	f := contractFile{Format: contractFormat, Namespaces: w.spaces}
	for _, s := range c.Shapes {
		out := contractShape{Operation: w.name(s.Operation), Service: s.Service, Message: "request", Fault: s.Fault, Seen: s.Seen, Parts: w.parts(s.Shape)}
		switch {
		case s.Fault != "":
			out.Message = "fault"
		case s.Response:
			out.Message = "response"
		}
		if s.Version == inspect.SOAP12 {
			out.SOAP = "1.2"
		}
		f.Shapes = append(f.Shapes, out)
	}
	var b bytes.Buffer
	for line := range strings.Lines(comment) {
		b.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
	}
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(f), enc.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	d := osDisk{}
	put := d.renameNew
	if force {
		put = d.rename
	}
	real := path
	if at, err := filepath.EvalSymlinks(path); err == nil {
		real = at
	}
	err := replace(d, real, put, func(f file) error {
		_, err := f.WriteAt(b.Bytes(), 0)
		return err
	})
	if errors.Is(err, os.ErrExist) {
		return &fault{kind: os.ErrExist, path: path, what: "there is a file already", next: "name another one, or replace it with --force"}
	}
	if err != nil {
		return pathFault(path, err, "")
	}
	return nil
}

// contractWriter gives namespaces prefixes as it comes across them.
type contractWriter struct {
	prefixes map[string]string // by URI
	spaces   map[string]string // by prefix
}

var notPrefix = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

func (w *contractWriter) name(n inspect.Name) string {
	if n.Space == "" {
		return n.Local
	}
	prefix, ok := w.prefixes[n.Space]
	if !ok {
		end := strings.TrimRight(n.Space, "/#:")
		end = notPrefix.ReplaceAllString(end[strings.LastIndexAny(end, "/#:")+1:], "")
		switch {
		case n.Space == "http://www.w3.org/XML/1998/namespace":
			end = "xml" // as everywhere
		case end == "" || len(end) > 40:
			end = "ns"
		}
		for i := 1; ; i++ {
			prefix = end
			if i > 1 {
				prefix += strconv.Itoa(i)
			}
			if _, taken := w.spaces[prefix]; !taken {
				break
			}
		}
		w.prefixes[n.Space], w.spaces[prefix] = prefix, n.Space
	}
	return prefix + ":" + n.Local
}

func (w *contractWriter) parts(s *inspect.Shape) []contractPart {
	var list []contractPart
	for _, p := range s.Parts {
		out := contractPart{Value: p.Kinds.String(), AnyOrder: p.AnyOrder, Parts: w.parts(p)}
		if p.Attr {
			out.Attribute = w.name(p.Name)
		} else {
			out.Element = w.name(p.Name)
		}
		if o := p.Occurs(); o != "1" {
			out.Occurs = o
		}
		list = append(list, out)
	}
	return list
}

// maxContract is the largest contract, in bytes.
const maxContract = 64 << 20

// LoadContract reads what SaveContract writes, edited or not. It is strict: what it
// does not know is an error that names the line.
func LoadContract(path string) (*inspect.Contract, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxContract+1))
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	bad := func(what string) error {
		return &fault{kind: ErrNotCassette, path: path, what: what, next: "`umtape inspect --shapes --output FILE CASSETTE` writes one"}
	}
	if len(text) > maxContract {
		return nil, bad("too long for a contract")
	}
	in, err := decodeContract(text)
	switch {
	case errors.Is(err, io.EOF):
		return nil, bad("empty: there is no contract in it")
	case err != nil:
		return nil, bad("not a contract: " + contractError(err))
	case in.Format == 0:
		return nil, bad("not a contract: it has no umtape_shapes")
	case in.Format != contractFormat:
		return nil, bad(fmt.Sprintf("umtape_shapes is %d; this umtape reads %d", in.Format, contractFormat))
	}
	c, err := readContract(in)
	if err != nil {
		return nil, bad(err.Error())
	}
	return c, nil
}

func decodeContract(text []byte) (in contractFile, err error) {
	defer func() {
		if recover() != nil { // yaml.v3 is old and large
			err = errors.New("the parser gave up")
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	err = dec.Decode(&in)
	return in, err
}

func readContract(in contractFile) (*inspect.Contract, error) {
	c := &inspect.Contract{}
	seen := map[inspect.ShapeKey]bool{}
	for i, s := range in.Shapes {
		where := fmt.Sprintf("shape %d (%s %s)", i+1, quoteShort(s.Operation), quoteShort(s.Message))
		key := inspect.ShapeKey{Service: s.Service, Version: inspect.SOAP11}
		var err error
		if key.Operation, err = in.name(s.Operation); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		switch s.Message {
		case "request":
		case "response":
			key.Response = true
		case "fault":
			key.Response, key.Fault = true, s.Fault
		default:
			return nil, fmt.Errorf("%s: message is none of request, response, fault", where)
		}
		if (s.Message == "fault") != (s.Fault != "") {
			return nil, fmt.Errorf("%s: a fault, and nothing else, has the key fault", where)
		}
		switch s.SOAP {
		case "", "1.1":
		case "1.2":
			key.Version = inspect.SOAP12
		default:
			return nil, fmt.Errorf("%s: soap is neither 1.1 nor 1.2", where)
		}
		if seen[key] {
			return nil, fmt.Errorf("%s is there twice", where)
		}
		seen[key] = true
		root := &inspect.Shape{Min: 1, Max: 1}
		if root.Parts, err = in.parts(s.Parts, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		c.Shapes = append(c.Shapes, inspect.ContractShape{ShapeKey: key, Seen: s.Seen, Shape: root})
	}
	return c, nil
}

func (in contractFile) name(s string) (inspect.Name, error) {
	prefix, local, ok := strings.Cut(s, ":")
	if !ok {
		return inspect.Name{Local: s}, nil
	}
	space := in.Namespaces[prefix]
	switch {
	case local == "" || strings.Contains(local, ":"):
		return inspect.Name{}, fmt.Errorf("%s is no name", quoteShort(s))
	case space == "":
		return inspect.Name{}, fmt.Errorf("the prefix of %s is not in namespaces", quoteShort(s))
	}
	return inspect.Name{Space: space, Local: local}, nil
}

func (in contractFile) parts(list []contractPart, path string) ([]*inspect.Shape, error) {
	var parts []*inspect.Shape
	type key struct {
		name inspect.Name
		attr bool
	}
	seen := map[key]bool{}
	for _, p := range list {
		s := &inspect.Shape{Attr: p.Attribute != "", AnyOrder: p.AnyOrder, Min: 1, Max: 1}
		at := path + "/" + p.Element + p.Attribute
		fail := func(format string, args ...any) error {
			return fmt.Errorf("%s: %s", quoteShort(strings.TrimPrefix(at, "/")), fmt.Sprintf(format, args...))
		}
		var err error
		switch {
		case (p.Element == "") == (p.Attribute == ""):
			return nil, fail("a part is either an element or an attribute")
		case s.Attr && (len(p.Parts) > 0 || p.AnyOrder):
			return nil, fail("an attribute has no parts")
		}
		if s.Name, err = in.name(p.Element + p.Attribute); err != nil {
			return nil, fail("%v", err)
		}
		if seen[key{s.Name, s.Attr}] {
			return nil, fail("it is there twice; give it occurs: 1..n")
		}
		seen[key{s.Name, s.Attr}] = true
		if s.Kinds, err = inspect.ParseKinds(p.Value); err != nil {
			return nil, fail("%v", err)
		}
		if p.Occurs != "" {
			if s.Min, s.Max, err = occurs(p.Occurs); err != nil {
				return nil, fail("%v", err)
			}
		}
		if s.Parts, err = in.parts(p.Parts, at); err != nil {
			return nil, err
		}
		parts = append(parts, s)
	}
	return parts, nil
}

// occurs reads 1, 0..1, 2..5, 0..n.
func occurs(s string) (least, most int, err error) {
	low, high, ranged := strings.Cut(s, "..")
	if !ranged {
		high = low
	}
	least, errLow := strconv.Atoi(low)
	most, errHigh := strconv.Atoi(high)
	if high == "n" {
		most, errHigh = inspect.Many, nil
		if !ranged {
			least, errLow = 0, nil
		}
	}
	if errLow != nil || errHigh != nil || least < 0 || most < least || most == 0 {
		return 0, 0, errors.New("occurs is written 1, 0..1, 2..5 or 0..n")
	}
	return least, most, nil
}

// contractError says on one line what is wrong with a contract's YAML, without the names
// of Go.
func contractError(err error) string {
	var list *yaml.TypeError
	if !errors.As(err, &list) || len(list.Errors) == 0 {
		return strings.Join(strings.Fields(strings.TrimPrefix(err.Error(), "yaml: ")), " ")
	}
	first, more := list.Errors[0], len(list.Errors)-1
	if m := unknownKey.FindStringSubmatch(first); m != nil {
		first = m[1] + fmt.Sprintf("%q is no key of a contract", m[2])
	}
	if m := wrongKind.FindStringSubmatch(first); m != nil {
		first = m[1] + "a value of another kind is expected"
	}
	if more > 0 {
		first += fmt.Sprintf(" (and %d more)", more)
	}
	return first
}

var (
	unknownKey = regexp.MustCompile(`^(line \d+: )field (.+) not found in type `)
	wrongKind  = regexp.MustCompile(`^(line \d+: )cannot unmarshal `)
)
