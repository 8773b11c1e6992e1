package main

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestHelp: every command says what it does, ends with something to paste, and
// is in the README; every flag has a description.
func TestHelp(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s says not what it does", c.CommandPath())
		}
		if c.Runnable() && !c.HasSubCommands() && c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			if strings.HasPrefix(line, "  umtape") && !strings.HasPrefix(strings.TrimSpace(line), c.CommandPath()) && c.HasParent() {
				t.Errorf("%s has an example of something else: %s", c.CommandPath(), line)
			}
		}
		if c.HasParent() && c.Parent() == c.Root() && !strings.Contains(string(readme), "`"+c.CommandPath()) {
			t.Errorf("%s is not in the README", c.CommandPath())
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s has no description", c.CommandPath(), f.Name)
			}
		})
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(a.root())
}

// TestTopics: every page has a heading to be listed by and fits a terminal; one that is
// called as a command is tells how to see the command's help, which it hides.
func TestTopics(t *testing.T) {
	root := (&app{}).root()
	for _, topic := range topics() {
		if found, _, err := root.Find([]string{topic.name}); err == nil && found != root {
			if !strings.Contains(topic.text, "`umtape "+topic.name+" --help`") {
				t.Errorf("%s is a command as well, and the page does not say where its help is", topic.name)
			}
		}
		if !strings.HasPrefix(topic.text, "# "+topic.title+"\n") || topic.title == "" || len(topic.title) > 66 {
			t.Errorf("%s.md begins with %.80q", topic.name, topic.text)
		}
		text, ok := pageOf(topic.name)
		if !ok {
			t.Errorf("umtape help %s shows nothing", topic.name)
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s: %d columns: %s", topic.name, n, line)
			}
		}
	}
}

// TestPlainMarkdown: what a page becomes in a terminal.
func TestPlainMarkdown(t *testing.T) {
	page := "# T: a\n\n<!-- $ hidden -->\n\nSee [the page](page.md), **now**.\n\n" +
		"```console\n$ a | b [x](y)\n\n<!-- kept -->\n```\n\n" +
		"| name | |\n|---|---|\n| `a\\|b` | one |\n| c | " + strings.Repeat("long ", 20) + "|\n\nend\n\n| | |\n|---|---|\n| [l](l.md) | last |\n"
	want := "# T: a\n\nSee the page, now.\n\n" +
		"  $ a | b [x](y)\n\n  <!-- kept -->\n\n" +
		"name\n`a|b`  one\nc      " + strings.TrimSpace(strings.Repeat("long ", 14)) + "\n       " + strings.TrimSpace(strings.Repeat("long ", 6)) + "\n\nend\n\nl  last\n"
	if got := plainMarkdown(page); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
