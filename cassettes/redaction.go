package cassettes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/umtape/umtape/inspect"
)

// Redaction says what of an exchange is not kept as it was, beside credentials, which
// never are. A cassette's header has them, so that a replay can apply them to what
// clients send. The zero value is
// none of that.
type Redaction struct {
	// Forms replaces by pseudonyms what names a person, a number or an internal
	// server by its form, wherever it stands: CallIds, addresses, SIDs, SIP URIs,
	// telephone numbers with a plus sign, the hosts of URLs, and the values of
	// Pseudonym and PseudonymHeaders where another text quotes them.
	Forms bool

	Pseudonym        []inspect.Selector // places whose text is replaced by a pseudonym
	PseudonymHeaders []string           // headers whose values are
	Remove           []inspect.Selector // places of which REDACTED is kept
	RemoveHeaders    []string           // headers of which that is
}

// Pseudonyms are the rules of a service: all that its profile calls sensitive.
func Pseudonyms(p inspect.Profile) Redaction {
	return Redaction{Forms: true, Pseudonym: slices.Clone(p.Sensitive), PseudonymHeaders: slices.Clone(p.SensitiveHeaders)}
}

// None reports whether there are no rules.
func (r Redaction) None() bool {
	return !r.Forms && len(r.Pseudonym) == 0 && len(r.PseudonymHeaders) == 0 && len(r.Remove) == 0 && len(r.RemoveHeaders) == 0
}

// Pseudonymous reports whether there may be pseudonyms.
func (r Redaction) Pseudonymous() bool {
	return r.Forms || len(r.Pseudonym) > 0 || len(r.PseudonymHeaders) > 0
}

// And returns both rules. A place that one removes is removed.
func (r Redaction) And(s Redaction) Redaction {
	return Redaction{
		Forms:     r.Forms || s.Forms,
		Pseudonym: slices.Concat(r.Pseudonym, s.Pseudonym), PseudonymHeaders: slices.Concat(r.PseudonymHeaders, s.PseudonymHeaders),
		Remove: slices.Concat(r.Remove, s.Remove), RemoveHeaders: slices.Concat(r.RemoveHeaders, s.RemoveHeaders),
	}
}

// ReadRedaction reads rules from a small YAML file with the keys remove and pseudonym.
// Each has a list of places, as [inspect.ParseSelector] reads them, and of headers,
// as "header X-Tenant".
//
//	pseudonym:
//	  - Subscriber/Name
//	  - header X-Tenant
//	remove:
//	  - Note
func ReadRedaction(text []byte) (r Redaction, err error) {
	var file struct {
		Remove    []string `yaml:"remove"`
		Pseudonym []string `yaml:"pseudonym"`
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	switch err := d.Decode(&file); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return Redaction{}, errors.New("it is not YAML with the lists remove and pseudonym, of places such as Subscriber/Name and header X-Tenant") // yaml's own words can quote the file
	}
	for _, s := range file.Remove {
		if err := r.add("remove", s); err != nil {
			return Redaction{}, err
		}
	}
	for _, s := range file.Pseudonym {
		if err := r.add("pseudonym", s); err != nil {
			return Redaction{}, err
		}
	}
	if r.None() {
		return Redaction{}, errors.New("it has no rules: it takes the lists remove and pseudonym, of places such as Subscriber/Name and header X-Tenant")
	}
	return r, nil
}

func (r *Redaction) add(what, s string) error {
	places, headers := &r.Pseudonym, &r.PseudonymHeaders
	if what == "remove" {
		places, headers = &r.Remove, &r.RemoveHeaders
	}
	s = strings.TrimSpace(s)
	if name, ok := strings.CutPrefix(s+" ", "header "); ok {
		name = strings.TrimSpace(name)
		if name == "" || strings.ContainsAny(name, " \t:") {
			return fmt.Errorf("%s: %q does not name a header, as header X-Tenant does", what, inspect.Shorten(s, 80))
		}
		*headers = append(*headers, name)
		return nil
	}
	place, err := inspect.ParseSelector(s)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	*places = append(*places, place)
	return nil
}

// redactPseudonyms is the name of Redaction.Forms in a header.
const redactPseudonyms = "pseudonyms"

// Names are the rules as a cassette's header has them, credentials included.
func (r Redaction) Names() []string {
	list := []string{RedactCredentials}
	if r.Forms {
		list = append(list, redactPseudonyms)
	}
	for _, s := range r.Pseudonym {
		list = append(list, "pseudonym "+s.String())
	}
	for _, name := range r.PseudonymHeaders {
		list = append(list, "pseudonym header "+name)
	}
	for _, s := range r.Remove {
		list = append(list, "remove "+s.String())
	}
	for _, name := range r.RemoveHeaders {
		list = append(list, "remove header "+name)
	}
	return list
}

// RedactionOf reads the rules that a cassette's header has. What a later version may have
// put there is passed over.
func RedactionOf(h HeaderMeta) (r Redaction) {
	for _, name := range h.Redact {
		if name == redactPseudonyms {
			r.Forms = true
			continue
		}
		if what, s, ok := strings.Cut(name, " "); ok && (what == "remove" || what == "pseudonym") {
			_ = r.add(what, s)
		}
	}
	return r
}

// SameAs reports whether both say the same, in whatever order.
func (r Redaction) SameAs(s Redaction) bool {
	sorted := func(r Redaction) []string {
		list := r.Names()
		slices.Sort(list)
		return slices.Compact(list)
	}
	return slices.Equal(sorted(r), sorted(s))
}

func hasHeader(list []string, canonical string) bool {
	return slices.ContainsFunc(list, func(name string) bool { return http.CanonicalHeaderKey(name) == canonical })
}

func selects(list []inspect.Selector, path []string, attr string) bool {
	return slices.ContainsFunc(list, func(s inspect.Selector) bool { return s.Selects(path, attr) })
}
