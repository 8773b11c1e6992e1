package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/web"
)

// writeHTML writes the page of cassettes as one file.
func (i *inspection) writeHTML(ctx context.Context, args, paths []string) error {
	if err := spare("html", i.html, paths); err != nil {
		return err
	}
	toFile := i.html != "-"
	if _, err := os.Lstat(i.html); toFile && err == nil && !i.force {
		return fmt.Errorf("%s: there is a file already; --force replaces it", i.html)
	}
	tapes, book := newPageTapes(), web.NewBook()
	s := newShelfPage(i.app, args, tapes, book)
	var about aboutTapes
	s.shows = func(e report.Entry) bool { return i.shows(e) && about.add(e) }
	for _, path := range paths {
		if err := s.begin(ctx, path); err != nil {
			return loadHint(err, path)
		}
	}
	if about.n == 0 {
		return hint(errors.New("there is no such interaction to report"), "`umtape inspect %s` lists what there is", args[0])
	}
	r := web.Report{
		Config: web.Config{Book: book, Tape: tapes, Check: um.Check, SomeOfCalls: len(i.operations) > 0 || i.faults, Title: titleOf(args), Version: version},
		Reveal: i.showSensitive, Made: time.Now(), MaxBytes: i.maxReport, Facts: about.facts(s.paths, i.filter),
	}
	r.Summary = about.summary(r.Found())
	var made bytes.Buffer
	switch err := r.Write(&made); {
	case errors.Is(err, web.ErrReportTooLong):
		return hint(fmt.Errorf("the report of %s would be longer than %d MiB, which browsers take long to open", count(about.n, "interaction"), i.maxReport>>20),
			"choose what it shows, with --operation, --call or --faults, or take the cassette apart: umtape split")
	case err != nil:
		return err
	}
	if !toFile {
		_, err := i.stdout.Write(made.Bytes())
		return err
	}
	if err := cassettes.WriteFile(i.html, made.Bytes(), i.force); err != nil {
		return err
	}
	_, err := fmt.Fprintf(i.stdout, "%s: %s\n", i.html, count(about.n, "interaction"))
	return err
}

// aboutTapes is what a report tells of cassettes above all else.
type aboutTapes struct {
	n, failed   int
	first, last time.Time
	operations  map[string]int
	calls       map[string]bool
}

// add returns true.
func (a *aboutTapes) add(e report.Entry) bool {
	if a.n++; a.operations == nil {
		a.operations, a.calls = map[string]int{}, map[string]bool{}
	}
	if failed(e) {
		a.failed++
	}
	if t := e.Started; !t.IsZero() {
		if a.first.IsZero() || t.Before(a.first) {
			a.first = t
		}
		if t.After(a.last) {
			a.last = t
		}
	}
	if e.Operation != "" {
		a.operations[e.Operation]++
	}
	if e.Call != "" {
		a.calls[e.Call] = true
	}
	return true
}

// summary has how many findings there are, too.
func (a *aboutTapes) summary(found map[inspect.Severity]int) string {
	said := []string{count(a.n, "interaction")}
	if len(a.calls) > 0 {
		said = append(said, count(len(a.calls), "call"))
	}
	if a.failed > 0 {
		said = append(said, fmt.Sprintf("%d failed", a.failed))
	}
	for _, s := range []inspect.Severity{inspect.Error, inspect.Warning, inspect.Note} {
		if n := found[s]; n > 0 {
			said = append(said, count(n, s.String()))
		}
	}
	return strings.Join(said, ", ")
}

// maxTold is how many operations, or cassettes, are told by name.
const maxTold = 20

func (a *aboutTapes) facts(paths []string, f filter) (list []web.Fact) {
	add := func(name, format string, args ...any) {
		list = append(list, web.Fact{Name: name, Text: fmt.Sprintf(format, args...)})
	}
	var names []string
	for _, path := range paths {
		names = append(names, report.Printable(path))
	}
	add("Cassettes", "%s", some(names))
	if f.on() {
		add("Chosen", "%s", report.Printable(f.String()))
	}
	if !a.first.IsZero() {
		add("Time", "%s to %s UTC", a.first.UTC().Format("2006-01-02 15:04:05"), a.last.UTC().Format("2006-01-02 15:04:05"))
	}
	var operations []string
	for _, name := range slices.SortedFunc(maps.Keys(a.operations), func(x, y string) int {
		if n := a.operations[y] - a.operations[x]; n != 0 {
			return n
		}
		return strings.Compare(x, y)
	}) {
		operations = append(operations, fmt.Sprintf("%s %d", report.Printable(name), a.operations[name]))
	}
	if len(operations) > 0 {
		add("Operations", "%s", some(operations))
	}
	return list
}

// some are the first of many, with commas between them.
func some(list []string) string {
	if more := len(list) - maxTold; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:maxTold], ", "), more)
	}
	return strings.Join(list, ", ")
}
