package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is this program's, as kept in cassettes. A release sets it with
// -ldflags "-X main.version=...".
var version = "0.1.0-dev"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, commit and Go version",
		Example: "  umtape version",
		Args:    noArgs,
		RunE: a.begin(func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.stdout, "umtape %s%s (%s %s/%s)\n", version, commit(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}),
	}
}

// commit is the revision that the Go tool noted when it built this program, in
// parentheses, or "".
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			revision = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ", modified"
		}
	}
	if revision == "" {
		return ""
	}
	return " (" + revision + dirty + ")"
}
