//go:build unix

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestDocMessages: a message that stands alone on a page, in a block of text, is one
// that the program has. "..." stands for what varies; each line is one string.
func TestDocMessages(t *testing.T) {
	pages, err := docPages()
	if err != nil {
		t.Fatal(err)
	}
	messages := literals(t)
	seen := 0
	for _, page := range pages {
		for _, b := range page.blocks {
			if b.kind != "text" {
				continue
			}
			for line := range strings.Lines(b.text) {
				seen++
				pattern := regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(line)), `\.\.\.`, ".*"))
				found := false
				for _, m := range messages {
					found = found || pattern.MatchString(m)
				}
				if !found {
					t.Errorf("%s:%d: umtape does not say %q", page.name, b.line, strings.TrimSpace(line))
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no page has a message")
	}
}

// literals are the strings of the program.
func literals(t *testing.T) []string {
	var list []string
	for _, root := range []string{"../../cmd", "../../proxy", "../../cassettes", "../../inspect"} {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					if s, err := strconv.Unquote(l.Value); err == nil {
						list = append(list, s)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

var (
	docSpan = regexp.MustCompile("`([^`\n]+)`")
	docFlag = regexp.MustCompile(`(?:^|[ (])--([a-z][a-z0-9-]*)`)
	docLink = regexp.MustCompile(`\]\(([^)]+)\)`)
)

// othersFlags are flags on pages that are not umtape's.
var othersFlags = map[string]string{
	"http2-prior-knowledge": "curl",
}

// TestDocWords: commands and flags that pages name within text are there, and so are
// the files that they link to.
func TestDocWords(t *testing.T) {
	pages, err := docPages()
	if err != nil {
		t.Fatal(err)
	}
	root := (&app{}).root()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	flags := map[string]bool{"help": true}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { flags[f.Name] = true })
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	block := regexp.MustCompile("(?ms)^```.*?^```$")
	for _, page := range pages {
		text := block.ReplaceAllString(page.text, "")
		for _, m := range docLink.FindAllStringSubmatch(text, -1) {
			to, _, _ := strings.Cut(m[1], "#")
			if to == "" || strings.Contains(to, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page.path), to)); err != nil {
				t.Errorf("%s: links to %s, which is not there", page.name, to)
			}
		}
		text = strings.Join(strings.Fields(text), " ")
		for _, m := range docSpan.FindAllStringSubmatch(text, -1) {
			for _, f := range docFlag.FindAllStringSubmatch(m[1], -1) {
				if !flags[f[1]] && othersFlags[f[1]] == "" {
					t.Errorf("%s: `%s` has the flag --%s, which no command has", page.name, m[1], f[1])
				}
			}
			words, ok := strings.CutPrefix(strings.ReplaceAll(m[1], `\|`, "|"), "umtape ")
			if !ok {
				continue
			}
			at, rest, err := root.Find(strings.Fields(words))
			if err != nil || at == root {
				if strings.Fields(words)[0] != "COMMAND" {
					t.Errorf("%s: `%s` is no command", page.name, m[1])
				}
				continue
			}
			for k, word := range rest { // until the command that exec runs
				name, isFlag := strings.CutPrefix(word, "--")
				name, _, _ = strings.Cut(strings.Trim(name, "[],;"), "=")
				if !isFlag || name == "" {
					if k > 0 && word == "--" {
						break
					}
					continue
				}
				for name := range strings.SplitSeq(name, "|") {
					if name = strings.TrimPrefix(name, "--"); name != "help" && at.Flags().Lookup(name) == nil && !at.HasAvailableSubCommands() {
						t.Errorf("%s: `%s`: %s has no flag --%s", page.name, m[1], at.CommandPath(), name)
					}
				}
			}
		}
	}
}

// TestDocNotRun: what is not run is there.
func TestDocNotRun(t *testing.T) {
	pages, err := docPages()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notRun {
		found := false
		for _, page := range pages {
			found = found || strings.Contains(page.text, n.begins)
		}
		if !found {
			t.Errorf("no page has %q", n.begins)
		}
	}
}
