package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Hidden: true, // it is for who packages umtape
		Short:  "Write the manual pages, one for each command",
		Long: `man writes umtape.1 and a page for each command, such as umtape-ca-trust.1, into a
folder. They say what --help says. Their date is that of the commit, or
SOURCE_DATE_EPOCH, or today's.`,
		Example: "  umtape man ~/.local/share/man/man1",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return fmt.Errorf("name the folder for the pages, such as `%s ~/.local/share/man/man1`", cmd.CommandPath())
			}
			return nil
		},
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			date, err := manDate()
			if err != nil {
				return err
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			n := 0
			for _, c := range shownCommands(cmd.Root()) {
				if err := os.WriteFile(filepath.Join(args[0], manName(c)+".1"), []byte(manPage(c, date)), 0o644); err != nil {
					return err
				}
				n++
			}
			_, err = fmt.Fprintf(a.stdout, "%s in %s\n", count(n, "page"), args[0])
			return err
		}),
	}
}

// manDate is the date that pages bear.
func manDate() (time.Time, error) {
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		if !build.date.IsZero() {
			return build.date, nil
		}
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH %q is not a number of seconds", epoch)
	}
	return time.Unix(seconds, 0), nil
}

// shownCommands is a command and all below it, but for those that are hidden.
func shownCommands(c *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			list = append(list, shownCommands(sub)...)
		}
	}
	return list
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is a command's page in the man macros that groff and mandoc have in common.
// It is written here rather than by cobra/doc, which takes help for Markdown: ours is
// laid out for a terminal, and would lose its columns, its asterisks and what flags
// call their values.
func manPage(c *cobra.Command, date time.Time) string {
	var p roff
	c.InitDefaultHelpFlag()
	p.macro("TH", roffText(strings.ToUpper(manName(c))), "1", date.UTC().Format("2006-01-02"), roffText("umtape "+version), "umtape manual")
	p.macro("SH", "NAME")
	p.line(roffText(manName(c)) + ` \- ` + roffText(strings.ToLower(c.Short[:1])+c.Short[1:]))
	p.macro("SH", "SYNOPSIS")
	p.line(synopsis(c))
	p.macro("SH", "DESCRIPTION")
	p.help(c.Long, c.Short)
	if subs := shownCommands(c)[1:]; len(subs) > 0 {
		p.macro("SH", "COMMANDS")
		for _, sub := range subs {
			if sub.Parent() == c {
				p.macro("TP")
				p.line(manReference(sub))
				p.line(roffText(sub.Short))
			}
		}
	}
	p.macro("SH", "OPTIONS")
	c.LocalFlags().VisitAll(p.option)
	if !c.HasParent() {
		for _, section := range manSections {
			p.macro("SH", section.name)
			p.help(section.text, "")
		}
	}
	if c.Example != "" {
		p.macro("SH", "EXAMPLES")
		p.verbatim(strings.Split(c.Example, "\n"))
	}
	p.macro("SH", "SEE ALSO")
	var also []string
	if c.HasParent() {
		for _, near := range append([]*cobra.Command{c.Parent()}, c.Parent().Commands()...) {
			if near != c && !near.Hidden {
				also = append(also, manReference(near))
			}
		}
	}
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			also = append(also, manReference(sub))
		}
	}
	p.line(strings.Join(also, ",\n"))
	return p.String()
}

// manSections stand in the page of umtape itself.
var manSections = []struct{ name, text string }{
	{"EXIT STATUS", `  0   done
  1   something failed, or was found
  2   the command line makes no sense

umtape exec has the exit code of the command that it runs, umtape diff those of
diff(1).`},
	{"ENVIRONMENT", `  UMTAPE_CLIENT_CERT_PASSWORD   opens the file of --client-cert
  UMTAPE_UPSTREAM_PROXY_AUTH    user:password for --upstream-proxy
  UMTAPE_P12_PASSWORD           protects what ca export --format p12 writes
  UMTAPE_STOREPASS              opens the Java keystore of ca trust
  NO_COLOR, CLICOLOR_FORCE      no colours; colours in a pipe too
  COLUMNS                       how wide lists are
  XDG_CONFIG_HOME               where the certificate authority is
  XDG_CACHE_HOME                where what is known of long cassettes is`},
	{"FILES", `  ~/.config/umtape/ca.pem       the certificate authority, which clients trust
  ~/.config/umtape/ca-key.pem   its key, which never leaves this machine
  ~/.cache/umtape/marks         what is known of long cassettes; may be deleted

umtape help lists pages about topics; umtape help TOPIC shows one.`},
}

func manReference(c *cobra.Command) string { return `\fB` + roffText(manName(c)) + `\fR(1)` }

// synopsis is the usage line, what is to be typed as it is in bold and the rest in
// italics.
func synopsis(c *cobra.Command) string {
	words := strings.Fields(c.UseLine())
	if !c.Runnable() {
		words = []string{c.CommandPath(), "COMMAND"}
	}
	for i, w := range words {
		font := `\fI`
		if w == strings.ToLower(w) {
			font = `\fB`
		}
		words[i] = font + roffText(w) + `\fR`
	}
	return strings.Join(words, " ")
}

// roff is a page as it grows.
type roff struct{ strings.Builder }

func (p *roff) line(text string) { p.WriteString(text + "\n") }

func (p *roff) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, arg := range args {
		p.WriteString(` "` + arg + `"`)
	}
	p.WriteString("\n")
}

// help is a text as help has it: lines that are indented keep their layout, others
// are filled.
func (p *roff) help(text, otherwise string) {
	if text == "" {
		text = otherwise
	}
	var block []string
	first, gap := true, false
	flush := func() {
		if len(block) > 0 {
			if !first {
				p.macro("sp")
			}
			p.verbatim(block)
			block, first, gap = nil, false, true
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "  ") {
			block = append(block, line)
			continue
		}
		flush()
		if line == "" {
			gap = true
			continue
		}
		if gap && !first {
			p.macro("PP")
		}
		first, gap = false, false
		p.line(backquoted.ReplaceAllStringFunc(roffText(line), func(code string) string {
			return `\fB` + strings.TrimSuffix(strings.TrimPrefix(code, `\(ga`), `\(ga`) + `\fR`
		}))
	}
	flush()
}

var backquoted = regexp.MustCompile(`\\\(ga.*?\\\(ga`)

func (p *roff) verbatim(lines []string) {
	p.macro("RS", "2")
	p.macro("nf")
	for _, line := range lines {
		p.line(roffText(strings.TrimPrefix(line, "  ")))
	}
	p.macro("fi")
	p.macro("RE")
}

func (p *roff) option(f *pflag.Flag) {
	if f.Hidden {
		return
	}
	name, usage := pflag.UnquoteUsage(f)
	head := `\fB` + roffText("--"+f.Name) + `\fR`
	if f.Shorthand != "" {
		head = `\fB` + roffText("-"+f.Shorthand) + `\fR, ` + head
	}
	if name != "" {
		head += ` \fI` + roffText(name) + `\fR`
	}
	p.macro("TP")
	p.line(head)
	if d := f.DefValue; f.NoOptDefVal == "" && d != "" && d != "[]" && d != "0" && d != "0s" {
		usage += " (default " + d + ")"
	}
	p.line(roffText(usage))
}

// roffText escapes what roff would read as its own, and what it would make prettier
// than a terminal takes it back.
func roffText(text string) string {
	text = roffEscapes.Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	var b strings.Builder
	for _, r := range text {
		if r > 126 {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

var roffEscapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)
