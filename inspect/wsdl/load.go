package wsdl

import (
	"errors"
	"fmt"
	"io"
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
// link that leads there, and URLs are not read. Warnings tell what cannot be checked.
// Errors name the file.
func Load(file, root string) (s *Service, warnings []string, err error) {
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
	l.service = &Service{schemas: l.schemas, messages: map[inspect.Name]*inspect.Element{}, portTypes: map[inspect.Name]*inspect.Element{}, spaces: map[string]bool{}}
	if err := l.definitions(filepath.ToSlash(name)); err != nil {
		return nil, nil, err
	}
	if err := l.schemas.resolve(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := l.service.bind(l.bindings); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	warnings = append(l.warnings, l.schemas.warnings...)
	slices.Sort(warnings)
	return l.service, slices.Compact(warnings), nil
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
	bindings []*inspect.Element
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
	if len(l.read) == maxFiles {
		return nil, fail(fmt.Errorf("more than %d files are imported", maxFiles))
	}
	f, err := l.dir.Open(filepath.FromSlash(file))
	if err != nil {
		return nil, fail(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fail(errors.New("it is no file"))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fail(err)
	}
	if l.size += int64(len(text)); len(text) > maxFile || l.size > maxAllFiles {
		return nil, fail(fmt.Errorf("longer than the %d MiB that a file may have, or than %d MiB with all that was read", maxFile>>20, maxAllFiles>>20))
	}
	d, err := inspect.Limits{Depth: maxDepth}.ParseDocument(text)
	if err != nil {
		return nil, fail(err)
	}
	l.read[file] = d
	return d, nil
}

// beside is the file that a location in another names; ok is false for one that is
// not read.
func (l *loader) beside(file, location string) (name string, ok bool) {
	if location == "" {
		return "", false
	}
	if strings.Contains(location, "://") || strings.HasPrefix(location, "/") || strings.ContainsRune(location, '\\') || strings.HasPrefix(location, "urn:") {
		l.warn("%s: %s is not read, since only relative names are; put the file beside it, and its name there", l.name(file), shorten(location))
		return "", false
	}
	return path.Join(path.Dir(file), location), true
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
	for _, e := range root.Children {
		switch {
		case e.Name.Space == wsdlNS && e.Name.Local == "import":
			location, _ := e.Attr("location")
			name, ok := l.beside(file, location)
			if !ok {
				continue
			}
			if d, err := l.document(name); err != nil {
				return err
			} else if d.Root.Name.Space == xsdNS {
				err = l.schema(name, d, d.Root, "")
				if err != nil {
					return err
				}
				continue
			}
			if err := l.definitions(name); err != nil {
				return err
			}
		case e.Name.Space == wsdlNS && e.Name.Local == "types":
			for _, c := range e.Children {
				if c.Name == (inspect.Name{Space: xsdNS, Local: "schema"}) {
					if err := l.schema(file, d, c, ""); err != nil {
						return err
					}
				}
			}
		case e.Name.Space == wsdlNS:
			name := inspect.Name{Space: target}
			name.Local, _ = e.Attr("name")
			switch e.Name.Local {
			case "message":
				l.service.messages[name] = e
			case "portType":
				l.service.portTypes[name] = e
			case "binding":
				l.bindings = append(l.bindings, e)
			case "service":
				l.service.addresses(e)
			}
		}
	}
	return nil
}

// schema takes in a schema document; into is the namespace of one that includes it.
func (l *loader) schema(file string, d *inspect.Document, root *inspect.Element, into string) error {
	c := &context{file: l.name(file), doc: d}
	c.target, _ = root.Attr("targetNamespace")
	if c.target == "" && into != "" {
		c.target, c.chameleon = into, true
	}
	form, _ := root.Attr("elementFormDefault")
	c.qualified = form == "qualified"
	form, _ = root.Attr("attributeFormDefault")
	c.attrsQualified = form == "qualified"
	l.service.spaces[c.target] = true
	for _, e := range root.Children {
		if e.Name.Space != xsdNS {
			continue
		}
		switch e.Name.Local {
		case "redefine":
			l.warn("%s: xs:redefine is read as xs:include: what it changes is not", c.file)
			fallthrough
		case "import", "include":
			location, _ := e.Attr("schemaLocation")
			name, ok := l.beside(file, location)
			if !ok {
				continue
			}
			included, err := l.document(name)
			if err != nil {
				return err
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
