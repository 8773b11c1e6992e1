package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
)

func (a *app) auditCommand() *cobra.Command {
	var asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "audit CASSETTE...",
		Short: "Search cassettes for credentials",
		Long: `audit searches cassettes, whoever wrote them, for what umtape redacts when it
records: authorization and cookies, passwords, PINs, tokens and keys by their
names, in headers, URLs, forms, XML and JSON, packed or in base64; and wherever
they stand NTLM messages, JSON Web Tokens, Basic and bearer credentials, private
keys and user information in URLs. Comments of the file and keys that nobody
reads count too. What stands in for a secret, such as [FILTERED] or ***, is
none.

Each place is told by file, line, interaction and header or element, and never
what is there. CallIds and headers that name internal servers are told as notes.

It ends with 0 when nothing is found, 1 when something is or a cassette cannot
be read, 2 when the command line is wrong. umtape scrub takes out what audit
finds.`,
		Example: `  umtape audit calls.yaml
  umtape audit --json testdata/cassettes/`,
		Args: cassetteArgs(true),
		RunE: a.begin(func(_ *cobra.Command, args []string) error {
			return a.audit(args, asJSON, quiet)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "leave notes out")
	return cmd
}

// secretJSON is a credential in JSON: fields may be added, never renamed.
type secretJSON struct {
	File        string `json:"file"`
	Line        int    `json:"line,omitempty"`
	Interaction *int   `json:"interaction,omitempty"`
	Part        string `json:"part,omitempty"`
	Place       string `json:"place"`
	Kind        string `json:"kind"`
}

func secretToJSON(file string, s cassettes.Secret) secretJSON {
	j := secretJSON{File: file, Line: s.Line, Part: s.Part, Place: s.Place, Kind: s.Kind}
	if id := s.Interaction; id >= 0 {
		j.Interaction = &id
	}
	return j
}

type noteJSON struct {
	File        string `json:"file"`
	Line        int    `json:"line,omitempty"`
	Interaction *int   `json:"interaction,omitempty"`
	Message     string `json:"message"`
}

// audited is what an audit of several cassettes has found.
type audited struct {
	files, interactions int
	secrets             []secretJSON
	notes               []noteJSON
	unread              []report.Unread
	err                 error // of the last of unread
}

func (a *app) audit(args []string, asJSON, quiet bool) error {
	paths, err := tapesIn(args)
	if err != nil {
		return err
	}
	found := audited{secrets: []secretJSON{}, notes: []noteJSON{}}
	for _, path := range paths {
		tape, notes, err := a.auditFile(path)
		if err != nil {
			found.unread = append(found.unread, report.Unread{File: path, Error: oneLine(err)})
			found.err = loadHint(err, path)
			continue
		}
		found.files++
		found.interactions += tape.Searched
		for _, s := range tape.Secrets {
			found.secrets = append(found.secrets, secretToJSON(path, s))
		}
		if !quiet {
			found.notes = append(found.notes, notes...)
		}
	}
	if err := a.writeAudited(paths, found, asJSON); err != nil {
		return err
	}
	if n := len(found.unread); n > 0 {
		for _, u := range found.unread[:n-1] {
			a.say("error: %s", u.Error)
		}
		return found.err // the last one is run's to print
	}
	if len(found.secrets) > 0 {
		return errFound
	}
	return nil
}

func (a *app) writeAudited(paths []string, found audited, asJSON bool) error {
	if asJSON {
		return report.JSON(a.stdout, struct {
			Interactions int             `json:"interactions"`
			Secrets      []secretJSON    `json:"secrets"`
			Notes        []noteJSON      `json:"notes"`
			Unread       []report.Unread `json:"unread,omitempty"`
		}{found.interactions, found.secrets, found.notes, found.unread})
	}
	var b strings.Builder
	for _, s := range found.secrets {
		b.WriteString(secretLine(s) + "\n")
	}
	for _, n := range found.notes {
		b.WriteString(place(n.File, n.Line) + ": note: " + report.Printable(n.Message) + "\n")
	}
	if found.files > 0 {
		name := paths[0]
		if len(paths) > 1 {
			name = count(found.files, "cassette")
		}
		fmt.Fprintf(&b, "%s: %s searched, %s found\n", name, count(found.interactions, "interaction"), count(len(found.secrets), "credential"))
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

func place(file string, line int) string {
	if line > 0 {
		return fmt.Sprintf("%s:%d", report.Printable(file), line)
	}
	return report.Printable(file)
}

// secretLine tells a place as FILE:LINE, so that editors find it.
func secretLine(s secretJSON) string {
	where := ""
	if s.Interaction != nil {
		where = strings.TrimSuffix(fmt.Sprintf("interaction %d %s", *s.Interaction, s.Part), " ") + ", "
	}
	return fmt.Sprintf("%s: %s%s: %s", place(s.File, s.Line), where, report.Printable(inspect.Shorten(s.Place, 300)), s.Kind)
}

// serverHeaders name internal servers (PROTOCOL.md, section 4.6).
var serverHeaders = []string{"X-Feserver", "X-Beserver", "X-Targetbeserver", "X-Calculatedbetarget", "X-Diaginfo"}

// naming says whether an interaction names internal servers.
type naming struct {
	server string // of its CallId, in lower case; "" for none
	header bool
}

func namingOf(path string, i *cassettes.Interaction) (n naming) {
	e := entry(path, i)
	if c, ok := inspect.DecodeCallID(e.Call); ok {
		n.server = strings.ToLower(c.Server)
	}
	n.header = slices.ContainsFunc(serverHeaders, func(name string) bool { return e.ResponseHeader.Get(name) != "" })
	return n
}

// auditFile searches a cassette. The notes tell of what is no credential and yet not for
// everybody.
func (a *app) auditFile(path string) (tape *cassettes.Audited, notes []noteJSON, err error) {
	told := a.progress("searching "+report.Printable(path), false)
	defer told.done()
	calls, headers := 0, 0
	servers := map[string]bool{}
	tape, err = cassettes.AuditEach(path, func(i *cassettes.Interaction) naming { return namingOf(path, i) }, func(first int, made []naming) {
		if first == 0 {
			calls, headers = 0, 0
			clear(servers)
		}
		for _, n := range made {
			if n.server != "" {
				calls++
				servers[n.server] = true
			}
			if n.header {
				headers++
			}
		}
	}, told.step)
	if err != nil {
		return nil, nil, err
	}
	return tape, notesOf(tape, calls, headers, len(servers)), nil
}

// notesOf tells of a cassette of which so many interactions have a CallId, and so many a
// header, that names one of so many servers.
func notesOf(tape *cassettes.Audited, calls, headers, servers int) []noteJSON {
	var notes []noteJSON
	if calls > 0 {
		notes = append(notes, noteJSON{File: tape.Path, Message: fmt.Sprintf("CallIds in %s name %s", count(calls, "interaction"), count(servers, "internal server"))})
	}
	if headers > 0 {
		notes = append(notes, noteJSON{File: tape.Path, Message: "headers such as X-FEServer and X-DiagInfo name internal servers in " + count(headers, "interaction")})
	}
	for _, u := range tape.Unread {
		id := u.Interaction
		notes = append(notes, noteJSON{tape.Path, u.Line, &id, fmt.Sprintf("interaction %d %s, %s: %s; it was searched as it is", id, u.Part, u.Place, u.Kind)})
	}
	if t := tape.Torn; t != nil {
		notes = append(notes, noteJSON{File: tape.Path, Line: t.Line, Message: fmt.Sprintf("the last interaction was not written to its end (%s); it was searched as text", t.Why)})
	}
	return notes
}
