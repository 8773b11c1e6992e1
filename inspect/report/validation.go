package report

import (
	"cmp"
	"path/filepath"
	"slices"

	"github.com/umtape/umtape/inspect"
)

// Validation is one run of a check over cassettes, for the reports that other
// programs read.
type Validation struct {
	Version   string            // of this program
	Rules     []inspect.Rule    // every rule that could be found
	Settings  map[string]string // rules set to another severity, or to "off", by id
	Cassettes []CheckedCassette // in the order in which they were named
	FailOn    inspect.Severity  // the lowest severity that is a failure
	Dir       string            // what relative paths start from: the working directory, absolute
	Root      string            // of the checkout, absolute: what paths in SARIF and annotations are relative to; Dir if it is ""
}

// inRoot is a file's path relative to the root, with slashes, if it is below it, else
// as an absolute path of the system's.
func (v Validation) inRoot(file string) (path string, below bool) {
	full := file
	if !filepath.IsAbs(full) {
		full = filepath.Join(v.Dir, full)
	}
	if rel, err := filepath.Rel(cmp.Or(v.Root, v.Dir), full); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel), true
	}
	return full, false
}

// CheckedCassette is a cassette with what was found in it, or why it could not be
// read.
type CheckedCassette struct {
	File         string // as the user named it
	Unread       string // why it could not be read; "" if it was
	Interactions []Checked
	Found        []Located // about the file and no interaction
}

// Checked is an interaction that was checked, with what was found.
type Checked struct {
	ID        int
	Operation string
	Line      int
	Found     []Located
}

// All lists what was found in the cassette, its interactions first.
func (c CheckedCassette) All() []Located {
	var all []Located
	for _, i := range c.Interactions {
		all = append(all, i.Found...)
	}
	return append(all, c.Found...)
}

// All lists what was found in every cassette.
func (v Validation) All() []Located {
	var all []Located
	for _, c := range v.Cassettes {
		all = append(all, c.All()...)
	}
	return all
}

// Failed reports whether a finding is a failure.
func (v Validation) Failed() bool { return len(v.failing(v.All())) > 0 }

// Checked is how many interactions were checked.
func (v Validation) Checked() int {
	n := 0
	for _, c := range v.Cassettes {
		n += len(c.Interactions)
	}
	return n
}

// Unread lists the cassettes that could not be read.
func (v Validation) Unread() []Unread {
	var list []Unread
	for _, c := range v.Cassettes {
		if c.Unread != "" {
			list = append(list, Unread{c.File, c.Unread})
		}
	}
	return list
}

// failing are the findings that are failures.
func (v Validation) failing(found []Located) []Located {
	return slices.DeleteFunc(slices.Clone(found), func(f Located) bool { return f.Rule.Severity < v.FailOn })
}

// passing are those that are not.
func (v Validation) passing(found []Located) []Located {
	return slices.DeleteFunc(slices.Clone(found), func(f Located) bool { return f.Rule.Severity >= v.FailOn })
}
