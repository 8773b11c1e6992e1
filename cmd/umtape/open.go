package main

import (
	"os"
	"path/filepath"

	"github.com/umtape/umtape/cassettes"
)

// openAll opens the cassettes that arguments name for replay.
func (a *app) openAll(args []string, f replayFlags) ([]*cassettes.Reel, error) {
	paths, err := tapesIn(args)
	if err != nil {
		return nil, err
	}
	options := cassettes.OpenOptions{MaxBody: int64(f.maxBody)}
	if dir, err := os.UserCacheDir(); err == nil && !f.noCache {
		options.CacheDir = filepath.Join(dir, "umtape", "marks")
	}
	var reels []*cassettes.Reel
	for _, path := range paths {
		bar := a.progress("opening " + path)
		options.OnProgress = bar.at
		r, err := cassettes.Open(path, options)
		bar.end()
		if err != nil {
			for _, r := range reels {
				r.Close()
			}
			return nil, loadHint(err, path)
		}
		reels = append(reels, r)
		if t := r.Torn(); t != nil {
			a.warnTorn(path, t)
		}
	}
	return reels, nil
}
