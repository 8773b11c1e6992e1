package main

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

//go:generate go test -run TestRulesPage -update

// helpPages are the topics of `umtape help`: a file TOPIC.md in the folder help is
// one, told in lists by its first heading.
//
//go:embed help/*.md
var helpPages embed.FS

// topic is a page of help that is about no command.
type topic struct {
	name  string
	title string
	text  string // Markdown
}

// topics lists the pages by name.
func topics() []topic {
	files, err := helpPages.ReadDir("help")
	if err != nil {
		panic(err) // it is part of the program
	}
	var list []topic
	for _, f := range files {
		text, err := helpPages.ReadFile(path.Join("help", f.Name()))
		if err != nil {
			panic(err)
		}
		heading, _, _ := strings.Cut(string(text), "\n")
		list = append(list, topic{strings.TrimSuffix(f.Name(), ".md"), strings.TrimPrefix(heading, "# "), string(text)})
	}
	return list
}

// topicList is what lists show: a line for each topic.
func topicList() string {
	list := topics()
	wide := 0
	for _, t := range list {
		wide = max(wide, len(t.name))
	}
	var b strings.Builder
	for _, t := range list {
		fmt.Fprintf(&b, "  %-*s %s\n", max(wide, 11), t.name, t.title) // as wide as cobra's list of commands
	}
	return b.String()
}

func (a *app) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND | TOPIC | RULE]",
		Short: "Help about a command, a topic or a rule",
		Long: `help shows what --help of a command shows, a page about a topic, or what is to be
said of one rule of validate. Without an argument it lists commands and topics.`,
		Example: `  umtape help validate
  umtape help rules
  umtape help UM020`,
		ValidArgsFunction: completeHelp,
		RunE: a.begin(func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			if found, rest, err := root.Find(args); err == nil && len(rest) == 0 {
				found.InitDefaultHelpFlag() // or it would not be in the list of flags
				return found.Help()
			}
			text, ok := pageOf(strings.Join(args, " "))
			if !ok {
				var names []string
				for _, t := range topics() {
					names = append(names, t.name)
				}
				return hint(misuse("there is no command, topic or rule %q", strings.Join(args, " ")),
					"topics are %s; `umtape help` lists them and the commands, `umtape validate --rules` the rules", strings.Join(names, ", "))
			}
			_, err := io.WriteString(a.stdout, text)
			return err
		}),
	}
}

// pageOf is what there is to read about a topic or a rule.
func pageOf(name string) (text string, ok bool) {
	for _, t := range topics() {
		if t.name == name {
			return plainMarkdown(t.text), true
		}
		if section, ok := ruleSection(t, strings.ToUpper(name)); ok {
			return plainMarkdown(section), true
		}
	}
	return "", false
}

// ruleSection is the part of the page of rules that is about one of them.
func ruleSection(t topic, id string) (string, bool) {
	if t.name != "rules" || id == "" {
		return "", false
	}
	_, rest, ok := strings.Cut(t.text, "\n### "+id+"\n")
	if !ok {
		return "", false
	}
	section, _, _ := strings.Cut(rest, "\n##")
	return id + "\n" + strings.TrimRight(section, "\n") + "\n", true
}

var markdownLink = regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)

// plainMarkdown leaves out of Markdown what helps nobody in a terminal: where links
// go, and asterisks.
func plainMarkdown(text string) string {
	return strings.ReplaceAll(markdownLink.ReplaceAllString(text, "$1"), "**", "")
}

func completeHelp(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	var list []string
	at, _, err := cmd.Root().Find(args)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, c := range at.Commands() {
		if c.IsAvailableCommand() {
			list = append(list, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
	}
	if len(args) == 0 {
		for _, t := range topics() {
			list = append(list, cobra.CompletionWithDesc(t.name, t.title))
		}
		if typed != "" { // or they would hide the rest
			for _, r := range allRules() {
				if !strings.HasPrefix(r.ID, strings.ToUpper(typed)) {
					continue
				}
				list = append(list, cobra.CompletionWithDesc(r.ID, r.Summary))
			}
		}
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(a, b) })
	return list, cobra.ShellCompDirectiveNoFileComp
}
