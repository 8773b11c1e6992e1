package wsdl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/umtape/umtape/inspect"
)

// What a WSDL may be, with all that it imports.
const (
	maxFile     = 8 << 20
	maxAllFiles = 32 << 20
	maxFiles    = 256
	maxDepth    = 128
)

const (
	wsdlNS   = "http://schemas.xmlsoap.org/wsdl/"
	soap11NS = "http://schemas.xmlsoap.org/wsdl/soap/"
	soap12NS = "http://schemas.xmlsoap.org/wsdl/soap12/"
	xsdNS    = "http://www.w3.org/2001/XMLSchema"
	xsiNS    = "http://www.w3.org/2001/XMLSchema-instance"
	xmlNS    = "http://www.w3.org/XML/1998/namespace"
)

// Load reads a WSDL and the files that it imports and includes, by relative names,
// from root and the folders in it: that of the WSDL if root is "". A place outside, a
// link that leads there, and URLs are not read. Warnings tell what cannot be checked,
// and come with an error too.
// Errors name the file and the place in it; that of a file that is not there, the WSDL
// or an import of its, wraps [fs.ErrNotExist].
func Load(file, root string) (s *Service, warnings []string, err error) {
	return load(file, root, maxNames)
}

func load(file, root string, names budget) (s *Service, warnings []string, err error) {
	name := filepath.Base(file)
	if root == "" {
		root = filepath.Dir(file)
	} else if name, err = relative(root, file); err != nil {
		return nil, nil, err
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, nil, err
	}
	defer dir.Close()
	l := &loader{dir: dir, shown: filepath.Dir(file), read: map[string]*inspect.Document{}, taken: map[string]bool{}, schemas: newSchemas()}
	if root != filepath.Dir(file) {
		l.shown = root
	}
	l.schemas.budget = names
	l.service = &Service{schemas: l.schemas, messages: map[inspect.Name]source{}, portTypes: map[inspect.Name]source{}, spaces: map[string]bool{}}
	if err = l.definitions(filepath.ToSlash(name)); err == nil {
		if err = l.schemas.resolve(); err == nil {
			err = l.service.bind(l.bindings)
		}
		var has *placed
		if err != nil && !errors.As(err, &has) {
			err = fmt.Errorf("%s: %w", file, err)
		}
	}
	warnings = append(l.warnings, l.schemas.warnings...)
	slices.Sort(warnings)
	if warnings = slices.Compact(warnings); err != nil {
		return nil, warnings, err
	}
	return l.service, warnings, nil
}

func relative(root, file string) (string, error) {
	a, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	b, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	name, err := filepath.Rel(a, b)
	if err != nil || !filepath.IsLocal(name) {
		return "", fmt.Errorf("%s is not in the folder %s", file, root)
	}
	return name, nil
}

type loader struct {
	dir      *os.Root
	shown    string // the folder, for errors
	size     int64
	read     map[string]*inspect.Document
	taken    map[string]bool // schema documents, by file and the namespace they were included into
	schemas  *schemas
	service  *Service
	bindings []source
	warnings []string
}

func (l *loader) warn(format string, args ...any) {
	if len(l.warnings) < 100 {
		l.warnings = append(l.warnings, fmt.Sprintf(format, args...))
	}
}

func (l *loader) name(file string) string { return filepath.Join(l.shown, filepath.FromSlash(file)) }

func (l *loader) document(file string) (*inspect.Document, error) {
	if d := l.read[file]; d != nil {
		return d, nil
	}
	fail := func(err error) error {
		var inner *os.PathError
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return fmt.Errorf("%s: %w", l.name(file), err)
	}
	failAt := func(err error) error {
		var bad *inspect.SyntaxError
		if !errors.As(err, &bad) {
			return fail(err)
		}
		what := bad.Reason
		switch {
		case errors.Is(err, inspect.ErrDoctype):
			what = "it has a DOCTYPE, which is not read: take it out"
		case errors.Is(err, inspect.ErrEmpty):
			return fail(errors.New("it is empty"))
		case errors.Is(err, inspect.ErrNotXML):
			what = strings.TrimSuffix("it is not well-formed XML: "+what, ": ")
		}
		if bad.Line == 0 {
			return fail(errors.New(what))
		}
		return fmt.Errorf("%s:%d:%d: %s", l.name(file), bad.Line, bad.Column, what)
	}
	if len(l.read) == maxFiles {
		return nil, fail(fmt.Errorf("more than %d files are imported", maxFiles))
	}
	if info, err := l.dir.Stat(filepath.FromSlash(file)); err == nil && !info.Mode().IsRegular() { // to open a pipe is to wait for who writes to it
		return nil, fail(errors.New("it is no file"))
	}
	f, err := l.dir.Open(filepath.FromSlash(file))
	if err != nil {
		return nil, fail(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fail(err)
	}
	if l.size += int64(len(text)); len(text) > maxFile || l.size > maxAllFiles {
		return nil, fail(fmt.Errorf("longer than the %d MiB that a file may have, or than %d MiB with all that was read", maxFile>>20, maxAllFiles>>20))
	}
	d, err := inspect.Limits{Depth: maxDepth}.ParseDocument(text)
	if err != nil {
		return nil, failAt(err)
	}
	l.read[file] = d
	return d, nil
}

// imported reads the file that an attribute of e, an element of file, names; its
// document is nil if there is none, or it is somewhere that is not read.
func (l *loader) imported(file string, in *inspect.Document, e *inspect.Element, attr string) (name string, d *inspect.Document, err error) {
	location, _ := e.Attr(attr)
	if location = strings.TrimSpace(location); location == "" {
		return "", nil, nil
	}
	line, column := in.Place(e)
	if isURL(location) {
		l.warn("%s:%d:%d: %s is not read, since only relative names are; put the file beside it, and its name there", l.name(file), line, column, shorten(location))
		return "", nil, nil
	}
	name = path.Join(path.Dir(file), location)
	if plain, err := url.PathUnescape(location); err == nil && plain != location && l.try(name) != nil {
		name = path.Join(path.Dir(file), plain)
	}
	if err := l.try(name); err != nil {
		why := ErrOutside
		if errors.Is(err, fs.ErrNotExist) {
			why = fs.ErrNotExist
		}
		return "", nil, fmt.Errorf("%s:%d:%d: what it imports, %s: %w", l.name(file), line, column, shorten(location), why)
	}
	d, err = l.document(name)
	return name, d, err
}

// ErrOutside is wrapped by the error of [Load] for a file that is not in the folder
// that files are read from.
var ErrOutside = errors.New("it is not in the folder that files may come from")

// isURL reports whether a location is no relative name: a URL, or a path from the root
// of a host or a disk.
func isURL(location string) bool {
	if strings.HasPrefix(location, "/") || strings.ContainsRune(location, '\\') {
		return true
	}
	before, _, scheme := strings.Cut(location, ":")
	return scheme && !strings.Contains(before, "/")
}

// try reports whether there is a file, or something that is none, in the folder.
func (l *loader) try(name string) error {
	if l.read[name] != nil {
		return nil
	}
	_, err := l.dir.Stat(filepath.FromSlash(name))
	return err
}

func (l *loader) definitions(file string) error {
	d, err := l.document(file)
	if err != nil {
		return err
	}
	if l.taken["wsdl "+file] {
		return nil
	}
	l.taken["wsdl "+file] = true
	root := d.Root
	if root.Name != (inspect.Name{Space: wsdlNS, Local: "definitions"}) {
		if root.Name.Space == "http://www.w3.org/ns/wsdl" {
			return fmt.Errorf("%s: it is a WSDL 2.0; WSDL 1.1 is read", l.name(file))
		}
		return fmt.Errorf("%s: it is no WSDL: the root element is not definitions of %s", l.name(file), wsdlNS)
	}
	target, _ := root.Attr("targetNamespace")
	l.service.spaces[target] = true
	c := &schemaDoc{file: l.name(file), doc: d, target: target}
	for _, e := range root.Children {
		switch {
		case e.Name.Space == wsdlNS && e.Name.Local == "import":
			name, imported, err := l.imported(file, d, e, "location")
			switch {
			case err != nil:
				return err
			case imported == nil:
			case imported.Root.Name.Space == xsdNS:
				err = l.schema(name, imported, imported.Root, "")
			default:
				err = l.definitions(name)
			}
			if err != nil {
				return err
			}
		case e.Name.Space == wsdlNS && e.Name.Local == "types":
			for _, root := range e.Children {
				if root.Name == (inspect.Name{Space: xsdNS, Local: "schema"}) {
					if err := l.schema(file, d, root, ""); err != nil {
						return err
					}
				}
			}
		case e.Name.Space == wsdlNS:
			name := inspect.Name{Space: target}
			name.Local, _ = e.Attr("name")
			switch e.Name.Local {
			case "message":
				l.service.messages[name] = source{e, c}
			case "portType":
				l.service.portTypes[name] = source{e, c}
			case "binding":
				l.bindings = append(l.bindings, source{e, c})
			case "service":
				l.service.addresses(e)
			}
		}
	}
	return nil
}

// schema takes in a schema document; into is the namespace of one that includes it.
func (l *loader) schema(file string, d *inspect.Document, root *inspect.Element, into string) error {
	c := &schemaDoc{file: l.name(file), doc: d}
	c.target, _ = root.Attr("targetNamespace")
	if c.target == "" && into != "" {
		c.target, c.chameleon = into, true
	}
	form, _ := root.Attr("elementFormDefault")
	c.qualified = form == "qualified"
	form, _ = root.Attr("attributeFormDefault")
	c.attrsQualified = form == "qualified"
	l.service.spaces[c.target], l.schemas.spaces[c.target] = true, true
	for _, e := range root.Children {
		if e.Name.Space != xsdNS {
			continue
		}
		switch e.Name.Local {
		case "redefine":
			l.warn("%s: xs:redefine is read as xs:include: what it changes is not", c.file)
			fallthrough
		case "import", "include":
			name, included, err := l.imported(file, d, e, "schemaLocation")
			if err != nil {
				return err
			}
			if included == nil {
				space, _ := e.Attr("namespace")
				l.schemas.missing[space] = true
				continue
			}
			if included.Root.Name != (inspect.Name{Space: xsdNS, Local: "schema"}) {
				return fmt.Errorf("%s: it is no XML Schema", l.name(name))
			}
			space := ""
			if e.Name.Local != "import" {
				space = c.target
			}
			if key := "xsd " + space + " " + name; !l.taken[key] {
				l.taken[key] = true
				if err := l.schema(name, included, included.Root, space); err != nil {
					return err
				}
			}
		default:
			if err := l.schemas.declare(e, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func shorten(s string) string { return inspect.Shorten(s, 120) }
