package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect/report"
)

// playedJSON is the report of a replay, which prune reads: fields may be added, never
// renamed.
type playedJSON struct {
	Cassettes []playedTape `json:"cassettes"`
	Answered  int          `json:"answered"` // requests
	Missing   int          `json:"unanswered"`
	Used      []playedUse  `json:"used"`
	Repeated  []playedUse  `json:"repeated"` // those of used that have answered more than once
	Unused    []playedUse  `json:"unused"`
	Missed    []playedMiss `json:"missed"`
	Others    int          `json:"other_misses,omitempty"` // too many kinds to list
}

type playedTape struct {
	File         string `json:"file"` // as it was named
	Interactions int    `json:"interactions"`
}

type playedUse struct {
	Interaction string `json:"interaction"` // FILE#ID as answers carry it
	File        string `json:"file"`
	ID          int    `json:"id"`
	Operation   string `json:"operation"`
	Times       int    `json:"times"`
	Fingerprint string `json:"fingerprint"`
}

type playedMiss struct {
	cassettes.Miss
	Times int `json:"times"`
}

func playedToJSON(reels []*cassettes.Reel, played cassettes.Played, u cassettes.Uses) playedJSON {
	j := playedJSON{
		Cassettes: []playedTape{}, Answered: played.Answered, Missing: played.Missed,
		Used: []playedUse{}, Repeated: []playedUse{}, Unused: []playedUse{}, Missed: []playedMiss{}, Others: u.Others,
	}
	for _, r := range reels {
		j.Cassettes = append(j.Cassettes, playedTape{r.Path(), r.Len()})
	}
	use := func(u cassettes.Use) playedUse {
		return playedUse{u.Name, u.Path, u.ID, u.Operation, u.Times, u.Fingerprint}
	}
	for _, x := range u.Used {
		j.Used = append(j.Used, use(x))
		if x.Times > 1 {
			j.Repeated = append(j.Repeated, use(x))
		}
	}
	for _, x := range u.Unused {
		j.Unused = append(j.Unused, use(x))
	}
	for _, m := range u.Missed {
		j.Missed = append(j.Missed, playedMiss{m.Miss, m.Times})
	}
	return j
}

// reportable says before a replay begins that its report could not be written.
func reportable(path string) error {
	if path == "" {
		return nil
	}
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return misuse("--report %s is a folder; name a file", path)
	case err == nil:
		return nil
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return misuse("--report %s: there is no folder %s", path, filepath.Dir(path))
	}
	return nil
}

// writeReport writes the report of a replay, in place of an older one, whole or not
// at all.
func writeReport(path string, j playedJSON) (err error) {
	var out io.WriteCloser
	temp := ""
	if info, errStat := os.Stat(path); errStat == nil && !info.Mode().IsRegular() { // a pipe, /dev/stderr
		out, err = os.OpenFile(path, os.O_WRONLY, 0)
	} else {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		var f *os.File
		if f, err = os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*"); err == nil { // mode 0600
			out, temp = f, f.Name()
		}
	}
	if err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	err = errors.Join(report.JSON(out, j), out.Close())
	if temp != "" {
		if err == nil {
			err = os.Rename(temp, path)
		}
		if err != nil {
			os.Remove(temp)
		}
	}
	if err != nil {
		return fmt.Errorf("the report cannot be written: %w", err)
	}
	return nil
}

// readReport reads what writeReport wrote.
func readReport(path string) (j playedJSON, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		var inner *fs.PathError
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return j, hint(fmt.Errorf("%s: %w", path, err), "`umtape replay --report FILE CASSETTE` writes one")
	}
	if err := json.Unmarshal(data, &j); err != nil || j.Cassettes == nil || j.Unused == nil {
		return j, hint(fmt.Errorf("%s is no report of a replay", path), "`umtape replay --report FILE CASSETTE` writes one")
	}
	return j, nil
}
