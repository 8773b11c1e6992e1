package main

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"runtime"

	"github.com/umtape/umtape/cassettes"
)

// The modes of recording, as they are known from VCR.
const (
	modeOnce        = "once"         // recorded if there is no cassette, else replayed
	modeNewEpisodes = "new-episodes" // replayed, and what is new recorded
	modeAll         = "all"          // recorded anew
	modeNone        = "none"         // replayed
)

// decide makes of --mode what is to be done: the flags of a replay, or nil if it is
// to be recorded as the flags then say.
func (f *recordFlags) decide(path string) (replay *replayFlags, err error) {
	if f.mode == "" {
		return nil, nil
	}
	if f.appendTo || f.force {
		return nil, misuse("--mode says what is done with a cassette that is there, and so do --append and --force: give one of them")
	}
	switch f.mode {
	case modeOnce:
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return f.asReplay()
	case modeNone:
		return f.asReplay()
	case modeAll:
		f.force = true
		return nil, nil
	case modeNewEpisodes:
		f.appendTo = true
		f.play, err = f.asReplay()
		return nil, err
	}
	return nil, misuse("--mode %q is none of once, new-episodes, all, none", f.mode)
}

// asReplay is the flags by which the cassette is replayed to the same clients.
func (f *recordFlags) asReplay() (*replayFlags, error) {
	u, err := reverseURL(f.reverse)
	if err != nil {
		return nil, err
	}
	r := &replayFlags{listen: f.listen, caDir: f.caDir, maxBody: f.maxBody, metrics: f.metrics, ui: f.ui, access: f.access, log: f.log}
	if u != nil {
		r.base = u.Path
	}
	return r, nil
}

// recordMisses is the flags by which a replay records what it misses.
func (f *replayFlags) recordMisses() recordFlags {
	return recordFlags{
		listen: f.listen, caDir: f.caDir, reverse: f.reverse, appendTo: true, all: f.all, maxBody: f.maxBody, sync: "interval",
		metrics: f.metrics, ui: f.ui, access: f.access, ports: webPorts(), upstreamFlags: f.upstreamFlags, log: f.log, play: f,
	}
}

// openPlayer opens the cassette that is about to be recorded to, to answer from it
// what it can. There may be none yet.
func (s *recording) openPlayer(p *recordPlan) error {
	var reels []*cassettes.Reel
	if _, err := os.Stat(s.path); !errors.Is(err, fs.ErrNotExist) {
		shelf := s.app.newShelf(nil, *p.play)
		room := int64(holdBytes)
		if runtime.GOOS == "windows" {
			room = math.MaxInt64 // a file that is open cannot be replaced there
		}
		reel, err := shelf.openOne(s.path, "", room)
		if err != nil {
			return err
		}
		reels = append(reels, reel)
		if err := s.app.checkAge(reels, *p.play); err != nil {
			return err
		}
	}
	options, err := p.play.playOptions()
	if err != nil {
		return err
	}
	options.OnExchange, options.Logger, options.KeepMissed = note, p.watch.log, p.watch.page != nil
	s.player = cassettes.PlayReels(options, reels...)
	return nil
}
