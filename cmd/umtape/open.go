package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

// holdBytes is how much of the cassettes of a replay is held in memory, in all: short
// ones, which people edit while they are replayed.
const holdBytes = 16 << 20

// shelf is the cassettes that the arguments of a replay name, as they were when they
// were opened.
type shelf struct {
	app     *app
	args    []string
	flags   replayFlags
	options cassettes.OpenOptions
	reels   []*cassettes.Reel
	states  map[string]string // by path: of the file when it was opened
}

// newShelf is a shelf on which nothing is yet.
func (a *app) newShelf(args []string, f replayFlags) *shelf {
	s := &shelf{app: a, args: args, flags: f, options: cassettes.OpenOptions{Match: f.matching()}}
	if dir, err := os.UserCacheDir(); err == nil && !f.noCache {
		s.options.CacheDir = filepath.Join(dir, "umtape", "marks")
	}
	return s
}

// openShelf opens the cassettes that arguments name.
func (a *app) openShelf(args []string, f replayFlags) (*shelf, error) {
	s := a.newShelf(args, f)
	paths, err := tapesIn(args)
	if err == nil {
		err = s.open(paths, states(paths))
	}
	return s, err
}

// open opens what was changed since it was opened last, given what state the files
// are in. It warns of what is older than it may be, or refuses it. After an error
// everything is as it was.
func (s *shelf) open(paths []string, now map[string]string) error {
	had, names := map[string]*cassettes.Reel{}, map[string]string{}
	for n, name := range cassettes.Names(paths) {
		names[paths[n]] = name
	}
	room := int64(holdBytes)
	for _, r := range s.reels {
		if now[r.Path()] == s.states[r.Path()] && names[r.Path()] == r.Name() {
			had[r.Path()] = r
			room -= r.HeldBytes()
		}
	}
	var reels, opened []*cassettes.Reel
	undo := func(err error) error {
		for _, r := range opened {
			r.Close()
		}
		return err
	}
	for _, path := range paths {
		r := had[path]
		if r == nil {
			var err error
			if r, err = s.openOne(path, names[path], room); err != nil {
				return undo(err)
			}
			opened = append(opened, r)
			room -= r.HeldBytes()
		}
		reels = append(reels, r)
	}
	if err := s.app.checkAge(opened, s.flags); err != nil {
		return undo(err)
	}
	s.reels, s.states = reels, now
	return nil
}

func (s *shelf) openOne(path, name string, room int64) (*cassettes.Reel, error) {
	options := s.options
	options.Name, options.HoldBytes = name, room
	if s.flags.maxAge > 0 {
		options.Before = time.Now().Add(-time.Duration(s.flags.maxAge))
	}
	opening := s.app.progress("opening "+report.Printable(path), false)
	options.OnProgress = opening.step
	r, err := cassettes.Open(path, options)
	opening.done()
	if err != nil {
		return nil, loadHint(err, path)
	}
	s.app.warnTorn(path, r.Torn())
	return r, nil
}

// paths returns where the cassettes are.
func (s *shelf) paths() (paths []string) {
	for _, r := range s.reels {
		paths = append(paths, r.Path())
	}
	return paths
}

// interactions returns how many there are.
func (s *shelf) interactions() (n int) {
	for _, r := range s.reels {
		n += r.Len()
	}
	return n
}

// lookEvery is how often a replay looks whether its cassettes were changed. They are
// opened again when they have been left alone for as long.
const lookEvery = 500 * time.Millisecond

// following is follow in the background, until what it returns is called.
func (s *shelf) following(player *cassettes.Player) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var background sync.WaitGroup
	background.Go(func() { s.follow(ctx, player) })
	return func() {
		cancel()
		background.Wait()
	}
}

// follow has a player replay what was changed, until ctx ends. What cannot be opened
// is told, and what was there before goes on being replayed.
func (s *shelf) follow(ctx context.Context, player *cassettes.Player) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	seen, tried := s.states, s.states
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		paths, err := tapesIn(s.args)
		now := states(paths)
		still := maps.Equal(now, seen)
		seen = now
		if !still || maps.Equal(now, s.states) || maps.Equal(now, tried) {
			continue
		}
		tried = now
		if err == nil {
			err = s.open(paths, now)
		}
		if err != nil {
			s.app.say("warning: what is replayed was changed and cannot be opened, so that what was there before is still replayed: %s", oneLine(err))
			continue
		}
		player.Replace(s.reels...)
		s.app.say("the cassettes were changed; now replaying %s from %s", count(s.interactions(), "interaction"), strings.Join(s.args, ", "))
	}
}

// states returns, by path, what tells whether a file was changed.
func states(paths []string) map[string]string {
	m := map[string]string{}
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil {
			m[path] = "missing"
		} else {
			m[path] = fmt.Sprint(info.Size(), info.ModTime().UnixNano(), info.Mode())
		}
	}
	return m
}
