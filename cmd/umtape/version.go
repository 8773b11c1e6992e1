package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	gomodule "golang.org/x/mod/module"

	"github.com/umtape/umtape/inspect/report"
)

// What a release says of itself, by -ldflags "-X main.releaseVersion=1.2.3 ..."; see
// .ci/release. Other builds are known by what the Go tool notes in them.
var (
	releaseVersion string
	releaseCommit  string
	releaseDate    string // of the commit, RFC 3339
	releaseDirty   string // "true" if the files were not those of the commit
)

const nextVersion = "0.1.0-dev"

// version is this program's, as kept in cassettes.
var version = build.version

var build = readBuild(debug.ReadBuildInfo())

// origin is what a program was built of.
type origin struct {
	version string
	commit  string    // "" if not known
	date    time.Time // of the commit; zero if not known
	dirty   bool      // something was changed since
}

func readBuild(info *debug.BuildInfo, ok bool) origin {
	o := origin{version: nextVersion}
	if ok {
		o.read(info)
	}
	if releaseVersion != "" {
		o = origin{version: releaseVersion, commit: releaseCommit, dirty: releaseDirty == "true"}
		o.date, _ = time.Parse(time.RFC3339, releaseDate)
	}
	return o
}

// read takes what the Go tool knows: of a checkout its commit, of a module that go
// install has fetched the version, in which there may be a commit.
func (o *origin) read(info *debug.BuildInfo) {
	switch v := info.Main.Version; {
	case gomodule.IsPseudoVersion(v):
		o.commit, _ = gomodule.PseudoVersionRev(v)
		o.date, _ = gomodule.PseudoVersionTime(v)
	case strings.HasPrefix(v, "v"):
		v, _, o.dirty = strings.Cut(v, "+dirty")
		o.version = strings.TrimPrefix(v, "v")
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			o.commit = s.Value
		case "vcs.time":
			o.date, _ = time.Parse(time.RFC3339, s.Value)
		case "vcs.modified":
			o.dirty = s.Value == "true"
		}
	}
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, commit and Go version",
		Long: `version prints what this program was built of: its version, the commit and its
date, whether files had been changed since, and the version of Go.`,
		Example: "  umtape version\n  umtape version --json",
		Args:    noArgs,
		RunE: a.begin(func(*cobra.Command, []string) error {
			if asJSON {
				return report.JSON(a.stdout, build.toJSON())
			}
			_, err := fmt.Fprintf(a.stdout, "umtape %s\ncommit %s\n%s %s/%s\n", build.version, build.source(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// source is the commit for people.
func (o origin) source() string {
	if o.commit == "" {
		return "unknown: it was built without version control"
	}
	s := o.commit
	if !o.date.IsZero() {
		s += " of " + o.date.UTC().Format(time.RFC3339)
	}
	if o.dirty {
		s += ", and files changed since"
	}
	return s
}

// versionJSON is a promise: fields may be added, never renamed.
type versionJSON struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	System   string `json:"system"`
}

func (o origin) toJSON() versionJSON {
	j := versionJSON{Version: o.version, Commit: o.commit, Modified: o.dirty, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if !o.date.IsZero() {
		j.Date = o.date.UTC().Format(time.RFC3339)
	}
	return j
}
