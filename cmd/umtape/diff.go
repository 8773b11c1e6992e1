package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
)

func (a *app) diffCommand() *cobra.Command {
	var asJSON, quiet bool
	var options cassettes.DiffOptions
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Compare two cassettes by what was said",
		Long: `diff pairs the interactions of two cassettes, or of two folders of them, and
tells which were added, removed and changed, and where: elements by their path,
status, the shape of the answer, headers. Prefixes, indentation, the order of
attributes and how the file is written do not count, and neither does a secret.

Interactions that ask for the same, as replay would tell, are a pair; of what is
left, the nearest of the same operation. Another order alone is no difference,
but is told. Headers that differ each time, such as Date and X-DiagInfo, are
left out unless --headers asks for them. No text of an element is printed.

It ends with 0 when both say the same, 1 when they differ, 2 when the command
line is wrong or a cassette cannot be read.`,
		Example: `  umtape diff before.yaml after.yaml
  umtape diff --ignore CallId --json before.yaml after.yaml
  umtape diff recorded/ fresh/`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("diff compares two cassettes, such as `%s before.yaml after.yaml`; %d named", cmd.CommandPath(), len(args))
			}
			return cassetteArgs(true)(cmd, args)
		},
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			for _, place := range options.Ignore {
				if _, err := inspect.ParseSelector(place); err != nil {
					return misuse("--ignore: %w", err)
				}
			}
			return trouble(a.diff(args[0], args[1], options, asJSON, quiet))
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing; the exit code tells")
	cmd.Flags().BoolVar(&options.Headers, "headers", false, "compare headers and SOAP headers that differ each time, too")
	cmd.Flags().StringSliceVar(&options.Ignore, "ignore", nil, "`PLACES` in the Body that may differ, with what is in them, such as CallId,Disconnect/CallId or PhoneCallId/@Id")
	return cmd
}

func (a *app) diff(before, after string, options cassettes.DiffOptions, asJSON, quiet bool) error {
	x, err := a.loadAll([]string{before})
	if err != nil {
		return err
	}
	y, err := a.loadAll([]string{after})
	if err != nil {
		return err
	}
	c := cassettes.Diff(x, y, options)
	switch {
	case quiet:
	case asJSON:
		err = report.JSON(a.stdout, diffToJSON(before, after, c))
	default:
		err = writeDiff(a.stdout, c)
	}
	if err == nil && len(c.Changes) > 0 {
		err = errFound
	}
	return err
}

func writeDiff(w io.Writer, c *cassettes.Comparison) error {
	var b strings.Builder
	line := func(mark byte, s *cassettes.Side) {
		fmt.Fprintf(&b, "%c %s %s: %s\n", mark, report.Printable(s.Name), report.Printable(inspect.Shorten(s.Operation, 80)), report.Printable(s.Answer))
	}
	for _, d := range c.Changes {
		switch {
		case d.After == nil:
			line('-', d.Before)
		case d.Before == nil:
			line('+', d.After)
		default:
			fmt.Fprintf(&b, "! %s, %s %s\n", report.Printable(d.Before.Name), report.Printable(d.After.Name), report.Printable(inspect.Shorten(d.After.Operation, 80)))
			for _, f := range d.Differences {
				fmt.Fprintf(&b, "    %s %s: %s\n", f.Part, report.Printable(f.Path), report.Printable(f.What))
			}
			if d.Cut {
				b.WriteString("    and more\n")
			}
		}
	}
	changed, removed, added := c.Counts()
	fmt.Fprintf(&b, "%s the same, %d changed, %d removed, %d added", count(c.Same, "interaction"), changed, removed, added)
	if c.Moved > 0 {
		fmt.Fprintf(&b, "; %d in another order", c.Moved)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// diffJSON is a comparison in JSON: fields may be added, never renamed.
type diffJSON struct {
	Before  string       `json:"before"`
	After   string       `json:"after"`
	Same    int          `json:"same"`
	Changed int          `json:"changed"`
	Removed int          `json:"removed"`
	Added   int          `json:"added"`
	Moved   int          `json:"moved"`
	Changes []changeJSON `json:"changes"`
	Left    int          `json:"left_off,omitempty"` // changes that are not listed
}

type changeJSON struct {
	Kind        string                     `json:"kind"` // "changed", "removed" or "added"
	Before      *diffSideJSON              `json:"before,omitempty"`
	After       *diffSideJSON              `json:"after,omitempty"`
	Differences []cassettes.SideDifference `json:"differences,omitempty"`
	Cut         bool                       `json:"cut,omitempty"` // there are more differences
}

type diffSideJSON struct {
	Interaction string `json:"interaction"`
	ID          int    `json:"id"`
	Line        int    `json:"line,omitempty"`
	Operation   string `json:"operation"`
	Status      int    `json:"status"`
	Answer      string `json:"answer"`
}

func diffToJSON(before, after string, c *cassettes.Comparison) diffJSON {
	j := diffJSON{Before: before, After: after, Same: c.Same, Moved: c.Moved, Changes: []changeJSON{}}
	j.Changed, j.Removed, j.Added = c.Counts()
	side := func(s *cassettes.Side) *diffSideJSON {
		if s == nil {
			return nil
		}
		return &diffSideJSON{s.Name, s.ID, s.Line, s.Operation, s.Response.Code, s.Answer}
	}
	for _, d := range c.Changes {
		kind := "changed"
		switch {
		case d.After == nil:
			kind = "removed"
		case d.Before == nil:
			kind = "added"
		}
		j.Changes = append(j.Changes, changeJSON{kind, side(d.Before), side(d.After), d.Differences, d.Cut})
	}
	return j
}
