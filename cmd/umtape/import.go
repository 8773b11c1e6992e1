package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/cassettes/captures"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
)

type importFlags struct {
	from     string
	scheme   string
	all      bool
	appendTo bool
	unpacked size
	outputFlags
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE... -o CASSETTE",
		Short: "Make a cassette of what other tools have captured",
		Long: `import makes a cassette of HTTP traffic that something else has captured. What a
file is shows by its content; --from overrides it:

  har        HAR 1.2, as browsers, proxies and umtape export write it
  mitmproxy  flow files of mitmproxy and mitmdump -w
  saz        archives of Fiddler, without a password
  raw        HTTP/1 messages as they are on the wire: a request, its response, the
             next request ... URLs that name no scheme are --scheme's
  go-vcr     cassettes of go-vcr v1 to v4

Credentials are redacted and bodies unpacked before anything is written, as record
does it. Only SOAP is taken in, unless --all; what is left out is counted. HTTP/2 and
HTTP/3 are told as HTTP/1.1. Interactions keep the order of the files; umtape sort
puts them in the order of time.

What is taken in is held in memory, unpacked: a small file can become a very large one.
--max-unpacked says how much of that there may be.`,
		Example: `  umtape import -o calls.yaml session.har
  umtape import -o calls.yaml session.har trace.txt
  umtape import --append --all -o calls.yaml trace.txt --scheme https`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("name a file, such as `umtape import session.har -o calls.yaml`")
			}
			return nil
		},
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			switch {
			case f.output == "":
				return misuse("import writes a cassette; name it with --output")
			case f.from != "" && !slices.Contains(captures.Formats, captures.Format(f.from)):
				return misuse("--from %q is none of har, mitmproxy, saz, raw, go-vcr", f.from)
			case f.scheme != "http" && f.scheme != "https":
				return misuse("--scheme %q is neither http nor https", f.scheme)
			case f.appendTo && f.force:
				return misuse("--append keeps what is in the cassette and --force replaces it: give one of them")
			}
			return a.importAll(args, f)
		}),
	}
	fs := cmd.Flags()
	fs.StringVarP(&f.output, "output", "o", "", "the `CASSETTE` to write")
	fs.StringVar(&f.from, "from", "", "the `FORMAT` of the files: har, mitmproxy, saz, raw or go-vcr")
	fs.StringVar(&f.scheme, "scheme", "http", "the `SCHEME` of URLs that name none, http or https")
	f.unpacked = 256 << 20
	fs.Var(&f.unpacked, "max-unpacked", "how much the files may unpack to in all")
	fs.BoolVar(&f.all, "all", false, "take in everything, SOAP or not")
	fs.BoolVar(&f.appendTo, "append", false, "add to the cassette if it exists")
	fs.BoolVar(&f.force, "force", false, "replace the cassette if it exists")
	f.registerJSON(cmd)
	return cmd
}

// imported is what came of files.
type imported struct {
	list       []*cassettes.Interaction
	notSOAP    int
	unanswered int
	unread     int
	left       int64 // how many more bytes there may be
}

func (a *app) importAll(paths []string, f importFlags) (err error) {
	_, statErr := os.Lstat(f.output)
	exists := statErr == nil
	if exists && !f.force && !f.appendTo {
		return hint(fmt.Errorf("%s: there is a file already", f.output), "--append adds to it, --force replaces it")
	}
	options := cassettes.RecordOptions{All: f.all, Profile: um.Profile()}
	got := imported{left: int64(f.unpacked)}
	for _, path := range paths {
		if oneFile(path, f.output) {
			return misuse("%s is both what is imported and what is written", path)
		}
		if err := got.file(a, path, f, options); errors.Is(err, captures.ErrUnpacked) {
			return hint(fmt.Errorf("%s: %w: %s", path, err, f.unpacked.String()), "if it is meant to be so large, --max-unpacked %s allows twice as much", twice(f.unpacked))
		} else if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if len(got.list) == 0 {
		from := count(len(paths), "file")
		if len(paths) == 1 {
			from = paths[0]
		}
		err := fmt.Errorf("%s: nothing to import: %s", from, got.leftOut())
		if got.notSOAP > 0 {
			return hint(err, "--all takes in what is not SOAP")
		}
		return err
	}
	if exists && f.appendTo {
		if err := a.addTo(f.output, got.list); err != nil {
			return err
		}
	} else {
		h := cassettes.HeaderMeta{RecordedBy: "umtape " + version, Profile: options.Profile.Name, Redact: []string{cassettes.RedactCredentials}, Kept: "soap"}
		if f.all {
			h.Kept = "all"
		}
		e := cassettes.NewEdit(h)
		e.Add(got.list...)
		if err := e.SaveAs(f.output, f.force); err != nil {
			return err
		}
	}
	if f.asJSON {
		return report.JSON(a.stdout, importedJSON{Written: f.output, Interactions: len(got.list), NotSOAP: got.notSOAP, Unanswered: got.unanswered, Unread: got.unread})
	}
	said := fmt.Sprintf("%s: %s from %s", f.output, count(len(got.list), "interaction"), count(len(paths), "file"))
	if got.notSOAP+got.unanswered+got.unread > 0 {
		said += "; " + got.leftOut()
	}
	_, err = fmt.Fprintln(a.stdout, said)
	return err
}

// twice is a size that is twice as large, for a person to write.
func twice(s size) string { s *= 2; return s.String() }

// addTo adds interactions to a cassette.
func (a *app) addTo(path string, list []*cassettes.Interaction) (err error) {
	e, err := cassettes.OpenEdit(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	a.sayOf(e, true)
	rules := cassettes.RedactionOf(e.Header.Umtape)
	if rules.Pseudonymous() {
		return hint(fmt.Errorf("%s: holds pseudonyms, and the key that they were made with was not kept, so that nothing can be added that fits them", path),
			"import to a file beside it, and umtape scrub --pseudonyms that; umtape replay takes several")
	}
	e.Add(list...)
	if _, err := e.Hide(rules); err != nil { // what it hides of others it hides of these
		return err
	}
	_, err = e.Save()
	return err
}

// leftOut tells what was not taken in.
func (g *imported) leftOut() string {
	var said []string
	if g.notSOAP > 0 {
		said = append(said, count(g.notSOAP, "exchange")+" left out that "+isAre(g.notSOAP)+" not SOAP")
	}
	if g.unanswered > 0 {
		said = append(said, count(g.unanswered, "exchange")+" left out that got no answer")
	}
	if g.unread > 0 {
		said = append(said, count(g.unread, "exchange")+" left out that cannot be read")
	}
	if len(said) == 0 {
		return "there is no exchange in it"
	}
	return strings.Join(said, ", ")
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// maxImport is how long a file may be, in bytes: it is read into memory.
const maxImport = 512 << 20

// maxUnread is of how many exchanges that cannot be read it is told why.
const maxUnread = 10

func (g *imported) file(a *app, path string, f importFlags, options cassettes.RecordOptions) error {
	data, err := readImport(path)
	if err != nil {
		return err
	}
	format := captures.Format(f.from)
	if format == "" {
		format = captures.Detect(data)
	}
	keep := func(x *captures.Exchange, err error) error {
		if err != nil {
			if g.unread++; g.unread <= maxUnread {
				a.say("warning: %s: %v; it is left out", path, err)
			}
			return nil
		}
		if x.Response == nil {
			g.unanswered++
			return nil
		}
		i, wanted := cassettes.Import(x, options)
		if !wanted {
			g.notSOAP++
			return nil
		}
		if g.left -= int64(len(i.Request.Body) + len(i.Response.Body)); g.left < 0 {
			return captures.ErrUnpacked
		}
		g.list = append(g.list, i)
		return nil
	}
	switch format {
	case captures.HAR:
		return captures.ReadHAR(data, keep)
	case captures.Mitmproxy:
		return captures.ReadMitmproxy(data, keep)
	case captures.SAZ:
		return captures.ReadSAZ(data, int64(f.unpacked), keep)
	case captures.Raw:
		return captures.ReadRaw(data, f.scheme, keep)
	case captures.Cassette:
		e, err := cassettes.OpenUpgrade(path, false)
		if err != nil {
			return errors.New(strings.TrimPrefix(err.Error(), path+": "))
		}
		if !cassettes.RedactionOf(e.Header.Umtape).None() {
			return hint(errors.New("holds pseudonyms, or less than was said, by rules that are for it alone"), "it is a cassette of umtape's: use it as it is")
		}
		e.Upgrade(options.Profile)
		for _, r := range e.Records {
			if !f.all && !cassettes.IsSOAP(r.Interaction) {
				g.notSOAP++
				continue
			}
			i := *r.Interaction
			g.list = append(g.list, &i)
		}
		return nil
	}
	return hint(errors.New("this is no kind of file that can be imported"), "har, mitmproxy, saz, raw and go-vcr can; --from says which one it is")
}

// readImport reads a file, of a length that memory takes.
func readImport(path string) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, plainPathError(err)
	}
	defer in.Close()
	var b bytes.Buffer
	if n, err := io.Copy(&b, io.LimitReader(in, maxImport+1)); err != nil {
		return nil, plainPathError(err)
	} else if n > maxImport {
		return nil, errors.New("longer than 512 MiB; export it in parts")
	}
	if b.Len() == 0 {
		return nil, errors.New("the file is empty; export it again")
	}
	return b.Bytes(), nil
}

// plainPathError is an error without the path, which the caller names.
func plainPathError(err error) error {
	switch p := (*os.PathError)(nil); {
	case errors.Is(err, syscall.EISDIR):
		return hint(syscall.EISDIR, "name the files in it that are to be imported")
	case errors.Is(err, fs.ErrNotExist):
		return hint(errors.New("no such file or directory"), "name a file that another tool has written")
	case errors.As(err, &p):
		return p.Err
	}
	return err
}
