package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/web"
)

// inspection is what `umtape inspect` was asked for.
type inspection struct {
	*app
	filter
	lookFlags
	look report.Look

	id              int
	asJSON, raw     bool
	calls, timeline bool

	shapes, shapeDiff bool
	output            string
	force             bool

	watch bool

	html          string
	showSensitive bool
	maxReport     int // of html, in bytes
}

func (a *app) inspectCommand() *cobra.Command {
	i := &inspection{app: a, maxReport: web.MaxReport}
	cmd := &cobra.Command{
		Use:   "inspect CASSETTE...",
		Short: "Show what was said",
		Long: `inspect lists the interactions of a cassette: time (UTC), operation, the CallId
decoded to its GUID and server where it has that form, HTTP status, how long the
server took, and the shape of the response. With --id it shows one interaction
in full, its messages indented for reading.

With --calls it shows the life of every call, across all cassettes named: what
started it, the states that polls showed and how long after the start, the polls
and the mean time between them, what ended it, and what is odd: no known start,
left open, used after its end, refused. --timeline draws the same.

With --shapes it shows the structure of requests, responses and faults of every
operation, whatever the service: elements and attributes, how often they occur,
what kind of value they hold, and which interactions differ from most and where.
--shape-diff OLD NEW shows what changed, as after a server's upgrade, and ends
with 1 if something did. --output writes the shapes down, as a contract that
` + "`umtape validate --shapes`" + ` holds cassettes to.

With --html FILE it writes the page of umtape ui as one file, to attach to a
ticket: exchanges, each in full, calls, shapes, findings and traffic. It needs no
umtape and no network, and is 32 MiB long at most; - is standard output. What
names a person, a number or an internal server is not in it unless you say
--show-sensitive.

With --watch it lists what is there and then each interaction as it is recorded,
until the recording ends or Ctrl-C.

A list keeps to the width of the terminal and says so when it cuts something;
in a pipe it is whole and plain.`,
		Example: `  umtape inspect calls.yaml
  umtape inspect --id 2 calls.yaml
  umtape inspect --faults --operation Disconnect calls.yaml
  umtape inspect --calls monday.yaml tuesday.yaml
  umtape inspect --timeline --call 3f0c6b52 calls.yaml
  umtape inspect --shapes calls.yaml
  umtape inspect --shape-diff before.yaml after.yaml
  umtape inspect --shapes --output shapes.yaml calls.yaml
  umtape inspect --html report.html calls.yaml
  umtape inspect --watch --faults calls.yaml
  umtape inspect --json calls.yaml`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			typed, named := args, tapesIn
			if i.shapeDiff {
				named = namedTapes // one cassette may be both
			}
			args, err := named(args)
			if err != nil {
				return err
			}
			if i.look, err = i.lookFlags.look(a, cmd); err != nil {
				return err
			}
			if err := i.check(cmd, args); err != nil {
				return err
			}
			switch {
			case cmd.Flags().Changed("id"):
				return i.one(args[0])
			case i.calls, i.timeline:
				return i.showCalls(args)
			case i.watch:
				return i.watchCassette(cmd.Context(), args[0])
			case i.html != "":
				return i.writeHTML(cmd.Context(), typed, args)
			case i.shapes:
				return i.showShapes(args)
			case i.shapeDiff:
				return i.showShapeDiff(args[0], args[1])
			}
			return i.list(args)
		}),
	}
	cmd.Flags().IntVar(&i.id, "id", 0, "show the interaction with this `ID` in full")
	cmd.Flags().BoolVar(&i.asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&i.raw, "raw", false, "with --id, print bodies as they are kept, not indented")
	cmd.Flags().BoolVar(&i.calls, "calls", false, "show the life of every call, one a line")
	cmd.Flags().BoolVar(&i.timeline, "timeline", false, "draw the life of every call, with each of its interactions")
	cmd.Flags().BoolVar(&i.shapes, "shapes", false, "show the structure of every kind of message, and which interactions differ in it")
	cmd.Flags().BoolVar(&i.shapeDiff, "shape-diff", false, "of two cassettes, show what changed in the structure of messages; exit 1 if something did")
	cmd.Flags().StringVar(&i.output, "output", "", "with --shapes, write them to `FILE` as a contract for umtape validate --shapes")
	cmd.Flags().BoolVar(&i.force, "force", false, "with --output and --html, replace a file that is there")
	cmd.Flags().BoolVar(&i.watch, "watch", false, "go on listing as the cassette grows, until its recording ends; with --json, an object a line")
	cmd.Flags().StringVar(&i.html, "html", "", "write `FILE`, a page that shows all of it and needs nothing else; - is standard output")
	cmd.Flags().BoolVar(&i.showSensitive, "show-sensitive", false, "with --html, show what names a person, a number or an internal server")
	i.filter.register(cmd)
	i.lookFlags.register(cmd)
	cmd.MarkFlagsMutuallyExclusive("id", "calls", "timeline", "shapes", "shape-diff", "watch", "html")
	cmd.MarkFlagsMutuallyExclusive("html", "json")
	return cmd
}

// check says what makes no sense together.
func (i *inspection) check(cmd *cobra.Command, args []string) error {
	one := cmd.Flags().Changed("id")
	calls := i.calls || i.timeline
	switch {
	case one && len(args) > 1:
		return misuse("--id shows an interaction of one cassette; %d were named", len(args))
	case one && i.filter.on():
		return misuse("--id shows one interaction; --operation, --call and --faults choose among many")
	case i.shapeDiff && len(args) != 2:
		return misuse("--shape-diff compares two cassettes, the old one and the new one; %d named", len(args))
	case i.watch && len(args) > 1:
		return misuse("--watch follows one cassette; %d were named", len(args))
	case i.output != "" && !i.shapes:
		return misuse("--output goes with --shapes")
	case i.output != "" && i.asJSON:
		return misuse("--output writes a contract, which is YAML: leave --json out")
	case i.force && i.output == "" && i.html == "":
		return misuse("--force goes with --output and --html")
	case cmd.Flags().Changed("html") && i.html == "":
		return misuse("--html takes the name of a file, or - for standard output")
	case i.showSensitive && i.html == "":
		return misuse("--show-sensitive goes with --html")
	case i.asJSON && i.timeline:
		return misuse("--timeline draws the life of calls; --calls --json has all that it shows")
	case i.raw && !one:
		return misuse("--raw goes with --id")
	case calls && (len(i.operations) > 0 || i.faults):
		return misuse("the life of a call is all of its interactions: choose calls with --call, or leave --calls out")
	}
	if err := spare("output", i.output, args); err != nil {
		return err
	}
	return i.filter.check()
}

// list shows the interactions.
func (i *inspection) list(paths []string) error {
	var out *report.ListJSON
	if i.asJSON {
		if err := readable(paths); err != nil {
			return err
		}
		out = report.NewListJSON(i.stdout)
	}
	whole := true
	for _, path := range paths {
		list, shown := report.NewList(), 0
		tape, total, err := i.each(path, func(e report.Entry) error {
			if !i.shows(e) {
				return nil
			}
			shown++
			if out != nil {
				return out.Add(e)
			}
			list.Add(e)
			return nil
		})
		if err != nil {
			return err
		}
		if out != nil {
			continue
		}
		all, err := i.writeList(tape, list, shown, total)
		if err != nil {
			return err
		}
		whole = whole && all
	}
	if out != nil {
		return out.Close()
	}
	return i.footer(i.look, whole, ", --id ID one interaction in full")
}

// readable looks at all cassettes, for what is written while they are read: a damaged
// one is to write nothing. A pipe can be read once only, and its cassette is read
// whole before anything is made of it.
func readable(paths []string) error {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			continue
		}
		if _, err := cassettes.Each(path, func(*cassettes.Interaction) error { return nil }, nil); err != nil {
			return loadHint(err, path)
		}
	}
	return nil
}

func (i *inspection) writeList(tape *cassettes.Cassette, list *report.List, shown, total int) (whole bool, err error) {
	if _, err := fmt.Fprintln(i.stdout, i.look.Wrap(i.title(tape, shown, total))); err != nil {
		return true, err
	}
	if shown == 0 {
		return true, nil
	}
	return list.Write(i.stdout, i.look)
}

// title is the line above a list of a cassette's interactions.
func (i *inspection) title(tape *cassettes.Cassette, shown, total int) string {
	n := count(total, "interaction")
	if i.filter.on() {
		n = fmt.Sprintf("%d of %s", shown, n)
	}
	return fmt.Sprintf("%s: %s, recorded by %s", report.Printable(tape.Path), n, recordedBy(tape))
}

func recordedBy(tape *cassettes.Cassette) string {
	if by := tape.Header.Umtape.RecordedBy; by != "" {
		return report.Printable(by)
	}
	return "something other than umtape"
}

// each reads every interaction of a cassette, in its order, one at a time, and
// returns the cassette without them and how many there were.
func (i *inspection) each(path string, f func(report.Entry) error) (tape *cassettes.Cassette, total int, err error) {
	told := i.progress("reading "+report.Printable(path), i.asJSON && isTerminal(i.stdout))
	defer told.done()
	tape, err = cassettes.EachOf(path, func(x *cassettes.Interaction) report.Entry { return entry(path, x) }, func(e report.Entry) error {
		total++
		return f(e)
	}, told.step)
	told.done()
	if err != nil {
		return nil, 0, loadHint(err, path)
	}
	i.warnTorn(path, tape.Torn)
	return tape, total, nil
}

// one shows one interaction in full.
func (i *inspection) one(path string) error {
	var found report.Entry
	ids := []int{}
	_, _, err := i.each(path, func(e report.Entry) error {
		if e.ID == i.id && found.Reading == nil {
			found = e
		}
		if ids = append(ids, e.ID); len(ids) > 2 {
			ids = append(ids[:1], e.ID) // the first and the last are told
		}
		return nil
	})
	switch n := len(ids); {
	case err != nil:
		return err
	case found.Reading != nil && i.asJSON:
		return report.FullJSON(i.stdout, found)
	case found.Reading != nil:
		return report.Full(i.stdout, found, i.raw, i.look)
	case n > 0:
		return hint(fmt.Errorf("%s has no interaction %d", path, i.id), "its ids go from %d to %d; `umtape inspect %s` lists them", ids[0], ids[n-1], path)
	}
	return fmt.Errorf("%s has no interactions", path)
}

// showCalls shows the calls of all cassettes together.
func (i *inspection) showCalls(paths []string) error {
	var moments []inspect.Moment
	for _, path := range paths {
		if _, _, err := i.each(path, func(e report.Entry) error {
			if m, ok := moment(e); ok {
				moments = append(moments, m)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	calls := inspect.CallsOf(moments)
	if i.call != "" {
		var chosen []inspect.Call
		for _, c := range calls {
			if isCall(c.ID, i.call) {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == 0 {
			return hint(fmt.Errorf("no call is %s", report.Printable(i.call)), "`umtape inspect --calls` without --call lists them")
		}
		calls = chosen
	}
	switch {
	case i.asJSON:
		return report.CallsJSON(i.stdout, calls)
	case len(calls) == 0:
		_, err := fmt.Fprintln(i.stdout, "no calls")
		return err
	}
	show := report.Calls
	if i.timeline {
		show = report.Timeline
	}
	whole, err := show(i.stdout, calls, i.look)
	if err != nil {
		return err
	}
	return i.footer(i.look, whole, "")
}
