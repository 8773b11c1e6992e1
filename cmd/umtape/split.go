package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
)

// splitFlags are those of umtape split.
type splitFlags struct {
	by    string
	every age
	into  string
	force bool
	json  bool
}

func (a *app) splitCommand() *cobra.Command {
	f := splitFlags{every: age(time.Hour)}
	cmd := &cobra.Command{
		Use:   "split --by WHAT CASSETTE",
		Short: "Make several cassettes of one",
		Long: `split writes the interactions of a cassette to several, one for each

  call        by the GUID of the CallId, or a number where it has none
  operation   Disconnect, PlayOnPhone ...
  host        the server that was asked
  time        spans of --every, by when the request arrived, in UTC

named after the cassette and what they hold, calls-Disconnect.yaml, beside it or
in the folder that --output names. Interactions keep their order, and get ids
from 0 on. What belongs to none is in calls-other.yaml. The cassette itself
stays as it is. If one of them cannot be written, those made before it go again.`,
		Example: `  umtape split --by call calls.yaml
  umtape split --by operation -o operations calls.yaml
  umtape split --by time --every 24h calls.yaml`,
		Args: cassetteArgs(false),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			switch {
			case !slices.Contains([]string{"call", "operation", "host", "time"}, f.by):
				return misuse("--by %q is none of call, operation, host, time", f.by)
			case f.by != "time" && cmd.Flags().Changed("every"):
				return misuse("--every goes with --by time")
			}
			return a.split(args[0], f)
		}),
	}
	cmd.Flags().StringVar(&f.by, "by", "", "`WHAT` the interactions of one cassette have in common: call, operation, host or time")
	cmd.Flags().Var(&f.every, "every", "with --by time, how `LONG` a span is, such as 10m, 24h, 1d, 1w")
	cmd.Flags().StringVarP(&f.into, "output", "o", "", "`FOLDER` to write to (default: the cassette's own)")
	cmd.Flags().BoolVar(&f.force, "force", false, "replace files that exist")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (a *app) split(path string, f splitFlags) error {
	e, err := cassettes.ReadEdit(path)
	if err != nil {
		return loadHint(err, path)
	}
	parts := partsOf(e, f)
	into := f.into
	if into == "" {
		into = filepath.Dir(path)
	}
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	for _, p := range parts {
		p.path = filepath.Join(into, base+"-"+p.name+".yaml")
		if _, err := os.Lstat(p.path); err == nil && !f.force { // before any is written
			return fmt.Errorf("%s: there is a file already; --force replaces it", p.path)
		}
		if oneFile(p.path, path) {
			return misuse("%s is the cassette that is split; write to another folder with --output", p.path)
		}
		if info, err := os.Stat(p.path); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s: not a regular file; move it away, or write to another folder with --output", p.path)
		}
	}
	_, errInto := os.Stat(into)
	if err := os.MkdirAll(into, 0o700); err != nil {
		return fmt.Errorf("the folder cannot be made: %w", err)
	}
	a.sayOf(e, false)
	var made []string
	for _, p := range parts {
		out := cassettes.Derived(e)
		out.Records = p.records
		out.Renumber()
		_, errBefore := os.Lstat(p.path)
		if err := out.SaveAs(p.path, f.force); err != nil {
			for _, path := range made {
				os.Remove(path)
			}
			if errInto != nil {
				os.Remove(into)
			}
			return hint(err, "what was made before it was taken away again: make room for all of it, or write to another folder with --output")
		}
		if errBefore != nil {
			made = append(made, p.path)
		}
	}
	if f.json {
		j := splitJSON{File: path, Interactions: len(e.Records), Written: []partJSON{}}
		for _, p := range parts {
			j.Written = append(j.Written, partJSON{p.path, len(p.records)})
		}
		return report.JSON(a.stdout, j)
	}
	for _, p := range parts {
		if _, err := fmt.Fprintf(a.stdout, "%s: %s\n", p.path, count(len(p.records), "interaction")); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s in %s\n", path, count(len(e.Records), "interaction"), count(len(parts), "cassette"))
	return err
}

// part is what goes to one of the cassettes.
type part struct {
	key, name, path string
	records         []cassettes.Record
}

// partsOf sorts the interactions of a cassette into parts, in the order in which each
// first comes.
func partsOf(e *cassettes.Edit, f splitFlags) []*part {
	var parts []*part
	byKey := map[string]*part{}
	names := map[string]bool{otherPart: true}
	for _, r := range e.Records {
		key, name := partOf(e.Path, r, f)
		p := byKey[key]
		if p == nil {
			p = &part{key: key, name: fileName(name, len(parts)+1)}
			for n := 2; key != otherPart && names[strings.ToLower(p.name)]; n++ { // a file system may not tell cases apart
				p.name = fmt.Sprintf("%s-%d", fileName(name, len(parts)+1), n)
			}
			names[strings.ToLower(p.name)] = true
			byKey[key], parts = p, append(parts, p)
		}
		p.records = append(p.records, r)
	}
	return parts
}

// otherPart is the name of the cassette for what belongs to none.
const otherPart = "other"

// partOf says which part an interaction belongs to: what tells it from others, and
// what to call it.
func partOf(path string, r cassettes.Record, f splitFlags) (key, name string) {
	switch f.by {
	case "operation":
		if op := entry(path, r.Interaction).Operation; op != "" {
			return "=" + op, op
		}
	case "call":
		id := entry(path, r.Interaction).Call
		if c, ok := inspect.DecodeCallID(id); ok {
			return "=" + id, c.GUID // not the server, which is an internal name
		}
		if id != "" {
			return "=" + id, ""
		}
	case "host":
		if u, err := url.Parse(r.Request.URL); err == nil && u.Host != "" {
			return "=" + strings.ToLower(u.Host), strings.ToLower(u.Host)
		}
		if host := r.Request.Host; host != "" {
			return "=" + strings.ToLower(host), strings.ToLower(host)
		}
	case "time":
		if t := r.Recorded(); !t.IsZero() {
			t = t.Truncate(time.Duration(f.every))
			return "=" + t.String(), t.Format("20060102T150405Z")
		}
	}
	return otherPart, otherPart
}

// fileName makes a file's name of what came from the wire; of what has none, its number.
func fileName(name string, number int) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, inspect.Shorten(name, 80))
	name = strings.Trim(name, ".")
	if name == "" {
		return fmt.Sprint(number)
	}
	return name
}
