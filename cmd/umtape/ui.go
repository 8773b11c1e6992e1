package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/web"
)

func (a *app) uiCommand() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "ui CASSETTE...",
		Short: "Show cassettes on a page in the browser",
		Long: `ui serves a page that shows what was said: all interactions, filtered as you
type, and each in full, its XML indented, with its call and what is wrong with
it; calls as lanes over time, the shapes of messages, and findings by rule.
It follows cassettes as they grow, and those that come to a folder.

The page is on loopback, for whoever has the link that is printed: it holds a
token, made anew each time. The page needs no network. What names a person, a
number or an internal server is hidden until "Show sensitive" is pressed: what
a recording with --pseudonyms hides. Ctrl-C ends it.

record, replay and exec have --ui ADDRESS, for a page of what is happening.`,
		Example: `  umtape ui calls.yaml
  umtape ui recorded/`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			return a.ui(cmd.Context(), args, addr)
		}),
	}
	listenFlag(cmd, &addr, "127.0.0.1:8091")
	return cmd
}

func (a *app) ui(ctx context.Context, args []string, addr string) error {
	paths, err := tapesIn(args)
	if err != nil {
		return err
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			_, err = cassettes.Load(path) // which words it
			return loadHint(err, path)
		}
		f.Close()
	}
	ln, err := listen(addr)
	if err != nil {
		return err
	}
	tapes, book := newPageTapes(), web.NewBook()
	tapes.maxKept = keptByPage
	server := web.Serve(ln, web.Config{Book: book, Tape: tapes, Check: um.Check, Title: titleOf(args), Version: version})
	defer server.Close()
	s := newShelfPage(a, args, tapes, book)
	s.begun = sync.OnceFunc(func() {
		a.say("the page is at %s", server.Link())
		a.say("Ctrl-C ends it")
	})
	book.Reading(true)
	for _, path := range paths {
		if err := s.begin(ctx, path); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return loadHint(err, path)
		}
	}
	book.Reading(false)
	s.begun()
	return s.follow(ctx)
}

// titleOf is what a page is about.
func titleOf(args []string) string {
	shown := make([]string, 0, len(args))
	for _, arg := range args {
		shown = append(shown, report.Printable(arg))
	}
	if len(shown) > 3 {
		shown = append(shown[:3], "...")
	}
	return strings.Join(shown, ", ")
}

// shelfPage fills a page from cassettes, and follows them.
type shelfPage struct {
	app     *app
	args    []string
	tapes   *pageTapes
	book    *web.Book
	paths   []string                // of those that were begun
	shows   func(report.Entry) bool // leaves out what it returns false for; nil for nothing
	atOnce  int                     // how many rows are put on the page at once while a cassette is read
	begun   func()                  // tells where the page is, once there is something on it
	failing map[string]int          // by path: how often it could not be read
	failed  map[string]string       // by path: what was told
	wrong   map[string]os.FileInfo  // newcomers that could not be read, as they were then
}

func newShelfPage(a *app, args []string, tapes *pageTapes, book *web.Book) *shelfPage {
	return &shelfPage{app: a, args: args, tapes: tapes, book: book, atOnce: 2000, begun: func() {}, failing: map[string]int{}, failed: map[string]string{}, wrong: map[string]os.FileInfo{}}
}

// begin reads a cassette for the first time.
func (s *shelfPage) begin(ctx context.Context, path string) error {
	var rows []web.Row
	added := false
	c, err := s.tapes.first(path, func(i *cassettes.Interaction) error {
		if s.shows != nil && !s.shows(entry(path, i)) {
			return ctx.Err()
		}
		if rows = append(rows, rowOf(path, i)); len(rows) == s.atOnce {
			s.book.Add(rows...)
			s.begun()
			rows, added = rows[:0], true
		}
		return ctx.Err()
	}, nil)
	if err != nil {
		if added {
			s.book.Replace(path, nil)
		}
		return err
	}
	s.book.Add(rows...)
	s.paths = append(s.paths, path)
	s.app.warnTorn(path, c.Torn)
	if c.Torn != nil {
		s.book.About(path, []inspect.Finding{c.Torn.Find()})
	}
	return nil
}

// rowOf is an interaction as the list shows it, without what is sensitive.
func rowOf(path string, i *cassettes.Interaction) web.Row {
	e := entry(path, i)
	r := web.RowOf(e, append(i.Check(), um.Check(e.Reading)...))
	for _, text := range []*string{&r.Client, &r.Shape, &r.Fault} {
		*text = veiled().VeiledText(*text)
	}
	return r
}

// follow puts on the page what is new, until ctx ends.
func (s *shelfPage) follow(ctx context.Context) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, path := range s.paths {
			s.look(path)
		}
		if n%5 == 0 {
			s.newcomers(ctx)
		}
	}
}

// look puts on the page what is new of a cassette. That it cannot be read is told once
// it has been so for a while, since it may be half written.
func (s *shelfPage) look(path string) {
	fresh, anew, err := s.tapes.next(path)
	if s.trouble(path, err) {
		return
	}
	rows := make([]web.Row, len(fresh))
	for n, i := range fresh {
		rows[n] = rowOf(path, i)
	}
	if len(rows) > 0 {
		s.book.About(path, nil) // what was torn goes on
	}
	if anew {
		s.book.Replace(path, rows)
	} else {
		s.book.Add(rows...)
	}
}

// trouble tells what is wrong with a cassette, once, here and on the page.
func (s *shelfPage) trouble(path string, err error) bool {
	if err == nil {
		if delete(s.failing, path); s.failed[path] != "" {
			delete(s.failed, path)
			s.book.Trouble(path, "")
		}
		return false
	}
	text := oneLine(err)
	if s.failing[path]++; s.failing[path] >= toldAfter && s.failed[path] != text {
		s.failed[path] = text
		s.book.Trouble(path, text+"; shown is what was there before")
		s.app.say("warning: %s; the page has what was there before", text)
	}
	return true
}

// toldAfter is how often a cassette cannot be read, watchEvery after watchEvery, before
// that is told.
const toldAfter = 3

// newcomers begins the cassettes that have come to a folder.
func (s *shelfPage) newcomers(ctx context.Context) {
	paths, err := tapesIn(s.args)
	if err != nil {
		return // told when it began, or the folder is empty now
	}
	for path := range s.wrong {
		if !slices.Contains(paths, path) { // it is gone
			delete(s.wrong, path)
			s.trouble(path, nil)
		}
	}
	for _, path := range paths {
		if slices.Contains(s.paths, path) {
			continue
		}
		info, err := os.Stat(path)
		if was := s.wrong[path]; err == nil && was != nil && was.Size() == info.Size() && was.ModTime().Equal(info.ModTime()) {
			if s.failing[path] >= toldAfter {
				continue // it is as it was when it could not be read
			}
		}
		err = s.begin(ctx, path)
		if errors.Is(err, cassettes.ErrEmpty) || ctx.Err() != nil {
			continue // it is being made
		}
		if delete(s.wrong, path); err != nil {
			s.wrong[path] = info
		}
		s.trouble(path, err)
	}
}
