package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"time"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

const (
	watchEvery = 200 * time.Millisecond
	watchTries = 10 // how often in a row a cassette may be unreadable, since it may be half written
)

// watchCassette lists the interactions of a cassette and goes on as it grows, until
// the recording ends or ctx does.
func (i *inspection) watchCassette(ctx context.Context, path string) error {
	w := watching{inspection: i, path: path, file: cassettes.Follow(path), shown: map[uint64]int{}, seed: maphash.MakeSeed()}
	recording := cassettes.Recording(path)
	if err := w.look(); err != nil {
		return loadHint(err, path)
	}
	wide := ""
	if i.look.Width > 0 && !i.asJSON {
		wide = "; lines are cut to the terminal, --wide shows everything"
	}
	if recording {
		i.say("watching %s until the recording ends, or Ctrl-C%s", path, wide)
	} else {
		i.say("watching %s until Ctrl-C; nobody records to it now%s", path, wide)
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	failed := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		// Asked before the look, so that nothing recorded in between is missed.
		still := cassettes.Recording(path)
		err := w.look()
		switch ended := recording && !still; {
		case errors.Is(err, os.ErrNotExist) && ended:
			i.say("the recording has ended; it captured nothing")
			return nil
		case errors.Is(err, errOutput):
			return errors.Unwrap(err)
		case errors.Is(err, os.ErrNotExist):
			if !w.gone {
				i.say("%s is gone; waiting for it", path)
			}
			w.gone = true
		case err != nil:
			if failed++; failed >= watchTries {
				return err
			}
			continue
		case ended:
			i.say("the recording has ended; %s has %s", path, count(w.total, "interaction"))
			return nil
		}
		failed, recording = 0, still
	}
}

// watching is a cassette that is being watched.
type watching struct {
	*inspection
	path  string
	file  *cassettes.Follower
	lines *report.Lines // nil before the heading is written
	gone  bool
	total int // interactions in the file

	// shown counts the interactions seen, by what they say, to know them again in a
	// file that was put in order or otherwise written anew.
	shown map[uint64]int
	seed  maphash.Seed
}

// errOutput is joined to an error of stdout, which ends a watch at once.
var errOutput = errors.New("output")

type outputError struct{ error }

func (e outputError) Is(target error) bool { return target == errOutput }
func (e outputError) Unwrap() error        { return e.error }

// look shows what is new.
func (w *watching) look() error {
	fresh, anew, err := w.file.Next()
	if err != nil {
		return err
	}
	if anew || w.gone {
		fresh = w.unseen(fresh)
	} else {
		for _, i := range fresh {
			w.shown[w.key(i)]++
		}
		w.total += len(fresh)
	}
	w.gone = false
	for _, i := range fresh {
		e := entry(w.path, i)
		if !w.shows(e) {
			continue
		}
		if err := w.write(e); err != nil {
			return outputError{err}
		}
	}
	return nil
}

func (w *watching) write(e report.Entry) error {
	if w.asJSON {
		return report.LineJSON(w.stdout, e)
	}
	text := ""
	if w.fitted {
		if now := terminalWidth(w.stdout); now != w.inspection.look.Width { // the window was made larger or smaller
			w.inspection.look.Width, w.lines = now, nil
		}
	}
	if w.lines == nil {
		text, w.lines = report.NewLines(w.inspection.look)
	}
	_, err := io.WriteString(w.stdout, text+w.lines.Of(e))
	return err
}

// unseen returns the interactions of a file written anew that were not seen before,
// and says what became of the others.
func (w *watching) unseen(all []*cassettes.Interaction) []*cassettes.Interaction {
	var fresh []*cassettes.Interaction
	before, again := w.total, 0
	now := map[uint64]int{}
	for _, i := range all {
		k := w.key(i)
		if now[k]++; now[k] > w.shown[k] {
			fresh = append(fresh, i)
		} else {
			again++
		}
	}
	w.shown, w.total = now, len(all)
	switch {
	case before > 0 && again == 0:
		w.say("%s is another recording now", w.path)
	case before > again:
		w.say("%s was written anew, without %d of the interactions above", w.path, before-again)
	case before > 0:
		w.say("%s was written anew; the interactions above may have other ids", w.path)
	}
	return fresh
}

// key is the same for an interaction that has moved in its file.
func (w *watching) key(i *cassettes.Interaction) uint64 {
	var h maphash.Hash
	h.SetSeed(w.seed)
	fmt.Fprintf(&h, "%d %s %d %d %d\n", i.Umtape.Arrived.UnixNano(), i.Request.Method, i.Response.Code, len(i.Request.Body), i.Response.Duration)
	h.WriteString(i.Request.URL)
	h.WriteByte(0)
	h.WriteString(i.Request.Body)
	h.WriteString(i.Response.Body)
	return h.Sum64()
}
