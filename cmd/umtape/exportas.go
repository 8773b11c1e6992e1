package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/cassettes/captures"
	"github.com/umtape/umtape/inspect/report"
)

type exportAsFlags struct {
	har, curl, http, goTest bool
	ids                     []int
	operations              []string
	outputFlags
}

func (a *app) exportCommand() *cobra.Command {
	var f exportAsFlags
	cmd := &cobra.Command{
		Use:   "export --har|--curl|--http|--go-test CASSETTE...",
		Short: "Write interactions as HAR, or as something to run",
		Long: `export writes the interactions of cassettes, to standard output or to a file, as

  --har      HAR 1.2, for the network panel of browsers and for other tools
  --curl     a script for sh that sends the requests with curl
  --http     a .http file, which Visual Studio Code (REST Client) and JetBrains run
  --go-test  tests in Go that send the requests, answered from the cassette

What was redacted stays redacted, and is told in a comment: where a server wants to
know who asks, put the credentials in. A script sends what it says: one made of a
Disconnect ends a call, and a PlayOnPhone makes a telephone ring.

What a format cannot hold is left out, with a warning that says why; an interaction
that --id names has to fit.`,
		Example: `  umtape export --har -o calls.har calls.yaml
  umtape export --curl --id 0 calls.yaml
  umtape export --http --operation Disconnect -o calls.http calls.yaml
  umtape export --go-test -o calls_test.go calls.yaml`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			n := 0
			for _, on := range []bool{f.har, f.curl, f.http, f.goTest} {
				if on {
					n++
				}
			}
			switch {
			case n != 1:
				return misuse("say what to make: one of --har, --curl, --http, --go-test")
			case f.force && f.output == "":
				return misuse("--force goes with --output")
			case slices.Contains(f.operations, ""):
				return misuse("--operation has an empty name")
			}
			return a.exportAs(args, f)
		}),
	}
	fs := cmd.Flags()
	fs.BoolVar(&f.har, "har", false, "write HAR 1.2")
	fs.BoolVar(&f.curl, "curl", false, "write a shell script that uses curl")
	fs.BoolVar(&f.http, "http", false, "write a .http file")
	fs.BoolVar(&f.goTest, "go-test", false, "write tests in Go")
	fs.IntSliceVar(&f.ids, "id", nil, "export only the interactions with these `IDS`, such as 0,3")
	fs.StringSliceVar(&f.operations, "operation", nil, "export only these operations, such as `Disconnect,PlayOnPhone`")
	fs.StringVarP(&f.output, "output", "o", "", "`FILE` to write (default: standard output)")
	fs.BoolVar(&f.force, "force", false, "replace that file if it exists")
	return cmd
}

func (a *app) exportAs(args []string, f exportAsFlags) error {
	if _, err := os.Lstat(f.output); f.output != "" && err == nil && !f.force {
		return fmt.Errorf("%s: there is a file already; --force replaces it", f.output)
	}
	tapes, err := a.loadAll(args)
	if err != nil {
		return err
	}
	for _, tape := range tapes {
		if oneFile(tape.Path, f.output) {
			return misuse("%s is the cassette that is exported; write to another file", f.output)
		}
	}
	var made bytes.Buffer
	n, left, err := f.write(&made, tapes)
	if err != nil {
		return err
	}
	for k, why := range left {
		if k == maxUnread {
			a.say("warning: %s more cannot be written, for such reasons", count(len(left)-k, "interaction"))
			break
		}
		a.say("warning: %v; it is left out", why)
	}
	if n == 0 && len(left) > 0 {
		return errors.New("nothing is left to export")
	}
	if n == 0 {
		return hint(errors.New("there is no such interaction to export"), "`umtape inspect %s` lists what there is", args[0])
	}
	if f.output == "" {
		_, err = a.stdout.Write(made.Bytes())
		return err
	}
	if err := cassettes.WriteFile(f.output, made.Bytes(), f.force); err != nil {
		return err
	}
	said := fmt.Sprintf("%s: %s", f.output, count(n, "interaction"))
	if len(left) > 0 {
		said += fmt.Sprintf("; %d left out", len(left))
	}
	_, err = fmt.Fprintln(a.stdout, said)
	return err
}

// write writes the interactions that are asked for, n of them; left is why others
// could not be.
func (f *exportAsFlags) write(to io.Writer, tapes []*cassettes.Cassette) (n int, left []error, err error) {
	w := bufio.NewWriter(to)
	var har *captures.HARWriter
	switch {
	case f.har:
		if har, err = captures.NewHARWriter(w, version); err != nil {
			return 0, nil, err
		}
	case f.curl:
		fmt.Fprint(w, "#!/bin/sh\n# Made by umtape export --curl. Each command sends a request to the server it names.\n")
	case f.goTest:
		fmt.Fprint(w, captures.GoTestFile)
	}
	names := map[string]bool{}
	for _, tape := range tapes {
		var turns []int
		if f.goTest {
			turns = tape.Turns()
		}
		for k, i := range tape.Interactions {
			e := entry(tape.Path, i)
			if len(f.ids) > 0 && !slices.Contains(f.ids, i.ID) || len(f.operations) > 0 && !slices.Contains(f.operations, e.Operation) {
				continue
			}
			turn := 1
			if f.goTest {
				turn = turns[k]
			}
			if err := f.writeOne(w, har, tape, i, e, names, turn); err != nil {
				err = fmt.Errorf("%s: interaction %d: %w", tape.Path, i.ID, err)
				if slices.Contains(f.ids, i.ID) {
					return n, nil, err
				}
				left = append(left, err)
				continue
			}
			n++
		}
	}
	if har != nil {
		if err := har.Close(); err != nil {
			return n, left, err
		}
	}
	return n, left, w.Flush()
}

func (f *exportAsFlags) writeOne(w *bufio.Writer, har *captures.HARWriter, tape *cassettes.Cassette, i *cassettes.Interaction, e report.Entry, names map[string]bool, turn int) error {
	x, err := i.Capture()
	if err != nil {
		return err
	}
	title := strings.TrimSpace(report.Printable(tape.Name(i) + " " + e.Operation))
	said := remarks(i)
	if har != nil {
		return har.Add(x, strings.Join(append([]string{title}, said...), "; "))
	}
	comment := "# "
	if f.goTest {
		comment = "// "
	}
	var text string
	switch {
	case f.curl:
		text, err = captures.Curl(x)
		text = "\n# " + title + "\n" + lines(comment, said) + text
	case f.http:
		// A comment goes between the separator and the request.
		if text, err = captures.HTTPFile(x, title); err == nil {
			first, rest, _ := strings.Cut(text, "\n")
			text = first + "\n" + lines(comment, said) + rest + "\n"
		}
	case f.goTest && turn == 0:
		text = "\n// " + title + " is no answer that a replay gives.\n"
	case f.goTest:
		name := testName(e.Operation, i.ID, names)
		text, err = captures.GoTest(x, name, f.fromTest(tape.Path), answerName(e), turn)
		if err == nil {
			head, rest, _ := strings.Cut(text, "func ")
			text = head + lines(comment, append([]string{"Test" + name + " sends what is " + title + "."}, said...)) + "func " + rest
		}
	}
	if err != nil {
		return err
	}
	_, err = w.WriteString(text)
	return err
}

func lines(prefix string, said []string) string {
	var b strings.Builder
	for _, s := range said {
		b.WriteString(prefix + s + "\n")
	}
	return b.String()
}

// remarks is what to mind of an interaction that is sent again.
func remarks(i *cassettes.Interaction) []string {
	var said []string
	if places := i.Redacted(); len(places) > 0 {
		for n, p := range places {
			places[n] = report.Printable(p)
		}
		said = append(said, "redacted: "+strings.Join(places, ", "))
	}
	if t := i.Umtape.Truncated; t != "" {
		said = append(said, "not whole: "+report.Printable(t))
	}
	return said
}

// answerName is the name of what the answer's Body holds.
func answerName(e report.Entry) string {
	if e.Response == nil || e.Response.Fault != nil || e.Response.Payload == nil {
		return ""
	}
	return e.Response.Payload.Name.Local
}

// testName is the end of a test's name, of letters and digits, and no other test's.
func testName(operation string, id int, taken map[string]bool) string {
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, operation)
	if name == "" {
		name = "Request"
	}
	name = fmt.Sprintf("%s_%d", strings.ToUpper(name[:1])+name[1:], id)
	for base, n := name, 2; taken[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	taken[name] = true
	return name
}

// fromTest is the path of a cassette from the folder of the test that is written.
func (f *exportAsFlags) fromTest(path string) string {
	here, err1 := filepath.Abs(filepath.Dir(f.output))
	there, err2 := filepath.Abs(path)
	if err1 == nil && err2 == nil {
		if rel, err := filepath.Rel(here, there); err == nil {
			return filepath.ToSlash(rel)
		}
	}
	return path
}
