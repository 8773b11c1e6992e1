package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

// tapesIn returns the cassettes that arguments name, as namedTapes does, each once:
// under the first of its names if it has several, as the links in a folder have.
func tapesIn(args []string) ([]string, error) {
	paths, err := namedTapes(args)
	if err != nil || len(paths) < 2 {
		return paths, err
	}
	had := map[string]bool{}
	return slices.DeleteFunc(paths, func(path string) bool {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			real, err = filepath.Abs(real)
		}
		if err != nil {
			return false // whoever reads it says what is wrong
		}
		again := had[real]
		had[real] = true
		return again
	}), nil
}

// namedTapes returns the cassettes that arguments name: files as they are, of a folder
// each *.yaml and *.yml in it, sorted; not those of folders in it, nor what is no
// regular file, and no hidden ones, which are half-written.
func namedTapes(args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			paths = append(paths, arg) // whoever reads it says what is wrong
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, err
		}
		found := len(paths)
		for _, e := range entries { // sorted
			ext := strings.ToLower(filepath.Ext(e.Name()))
			if ext != ".yaml" && ext != ".yml" || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			path := filepath.Join(arg, e.Name())
			if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
				continue // a folder, or what may never end, such as a pipe
			}
			paths = append(paths, path)
		}
		if len(paths) == found {
			return nil, hint(fmt.Errorf("%s: there is no cassette in this folder", arg), "a folder stands for each *.yaml and *.yml in it, not for those of folders in it")
		}
	}
	return paths, nil
}

// loadAll reads the cassettes that arguments name.
func (a *app) loadAll(args []string) ([]*cassettes.Cassette, error) {
	paths, err := tapesIn(args)
	if err != nil {
		return nil, err
	}
	var tapes []*cassettes.Cassette
	for _, path := range paths {
		tape, err := a.load(path)
		if err != nil {
			return nil, err
		}
		tapes = append(tapes, tape)
	}
	return tapes, nil
}

// load reads a cassette and warns of a torn tail.
func (a *app) load(path string) (*cassettes.Cassette, error) {
	loaded := a.waiting("loading " + report.Printable(path))
	tape, err := cassettes.Load(path)
	loaded()
	if err != nil {
		return nil, loadHint(err, path)
	}
	a.warnTorn(path, tape.Torn)
	return tape, nil
}

// warnTorn warns of a torn tail; t is nil if there is none.
func (a *app) warnTorn(path string, t *cassettes.Torn) {
	if t == nil {
		return
	}
	a.say("warning: %s: line %d: the last interaction was not written to its end (%s) and is left out; `umtape recover %s` cuts it off", path, t.Line, t.Why, path)
}

// loadHint adds to an error of Load what the error cannot know.
func loadHint(err error, path string) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return hint(err, "umtape runs as a user who may not read it: see ls -l %s", shellQuote(report.Printable(path)))
	case errors.Is(err, os.ErrNotExist):
		return hint(err, "name a cassette that is there, or make this one: umtape record %s", shellQuote(report.Printable(path)))
	}
	return err
}
