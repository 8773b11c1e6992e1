package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/umtape/umtape/inspect/report"
)

// lookFlags say how text for people is laid out.
type lookFlags struct {
	colorFlag
	width int
	wide  bool

	fitted bool // the width is that of the terminal, which may change
}

func (f *lookFlags) register(cmd *cobra.Command) {
	f.colorFlag.register(cmd)
	cmd.Flags().IntVar(&f.width, "width", 0, "keep to `N` columns (default: COLUMNS, or those of the terminal; in a pipe as many as it takes)")
	cmd.Flags().BoolVar(&f.wide, "wide", false, "show everything, however many columns it takes")
	cmd.MarkFlagsMutuallyExclusive("width", "wide")
}

// colorFlag says whether text for people has colours.
type colorFlag struct{ when string }

func (f *colorFlag) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.when, "color", "auto", "`WHEN` to use colours: auto (on a terminal, or where CLICOLOR_FORCE is set, unless NO_COLOR is), always or never")
}

// on reports whether stdout has them.
func (f *colorFlag) on(a *app) (bool, error) {
	switch f.when {
	case "always":
		return true, nil
	case "auto":
		return wantsColor(isTerminal(a.stdout)), nil
	case "never":
		return false, nil
	}
	return false, misuse("--color %q is none of auto, always and never", f.when)
}

// look is the layout for stdout.
func (f *lookFlags) look(a *app, cmd *cobra.Command) (report.Look, error) {
	var look report.Look
	var err error
	if look.Color, err = f.on(a); err != nil {
		return look, err
	}
	switch {
	case cmd.Flags().Changed("width"):
		if f.width < minWidth {
			return look, misuse("--width %d is too narrow to read; it starts at %d, and --wide shows everything", f.width, minWidth)
		}
		look.Width = f.width
	case !f.wide:
		f.fitted = true
		look.Width = terminalWidth(a.stdout)
	}
	return look, nil
}

// wantsColor reports whether there are to be colours if nobody says so on the command
// line: no-color.org and bixense.com/clicolors.
func wantsColor(terminal bool) bool {
	force := os.Getenv("CLICOLOR_FORCE")
	switch {
	case os.Getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	}
	return terminal && os.Getenv("TERM") != "dumb"
}

// minWidth is the narrowest layout; a terminal that is narrower wraps its lines.
const minWidth = 40

// terminalWidth is the number of columns to keep to, 0 if there is no reason to keep
// to any.
func terminalWidth(w any) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return max(n, minWidth)
	}
	if !isTerminal(w) {
		return 0
	}
	if n, _, err := term.GetSize(int(w.(*os.File).Fd())); err == nil && n > 0 {
		return max(n, minWidth)
	}
	return 0
}

// footer tells how to see what was cut.
func (a *app) footer(look report.Look, whole bool, more string) error {
	if whole {
		return nil
	}
	_, err := fmt.Fprintf(a.stdout, "\n%s\n", look.Wrap(fmt.Sprintf("cut to %d columns: --wide shows everything%s", look.Width, more)))
	return err
}
