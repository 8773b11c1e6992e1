package main

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"path"
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

// about is the title without the name, for lists that show that too.
func (t topic) about() string {
	name, about, ok := strings.Cut(t.title, ": ")
	if !ok || !strings.EqualFold(name, t.name) {
		return t.title
	}
	return strings.ToUpper(about[:1]) + about[1:]
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
		fmt.Fprintf(&b, "  %-*s %s\n", max(wide, 11), t.name, t.about()) // as wide as cobra's list of commands
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
			if len(args) == 1 {
				if text, ok := topicPage(args[0]); ok {
					_, err := io.WriteString(a.stdout, text)
					return err
				}
			}
			if found, rest, err := root.Find(args); err == nil && len(rest) == 0 {
				found.InitDefaultHelpFlag() // or it would not be in the list of flags
				return found.Help()
			}
			name := strings.Join(args, " ")
			text, ok := pageOf(name)
			if !ok {
				err := misuse("there is no command, topic or rule %q", name)
				const lists = "`umtape help` lists commands and topics, `umtape validate --rules` the rules"
				if near := suggestions(root, name); len(near) > 0 {
					return hint(err, "did you mean %s? %s", strings.Join(near, " or "), lists)
				}
				return hint(err, lists)
			}
			_, err := io.WriteString(a.stdout, text)
			return err
		}),
	}
}

// topicPage is the page of a topic. Of a command that is called the same, here it
// is the page that counts, which tells of --help.
func topicPage(name string) (text string, ok bool) {
	for _, t := range topics() {
		if strings.EqualFold(t.name, name) {
			return plainMarkdown(t.text), true
		}
	}
	return "", false
}

// pageOf is what there is to read about a topic or a rule.
func pageOf(name string) (text string, ok bool) {
	if text, ok := topicPage(name); ok {
		return text, true
	}
	for _, t := range topics() {
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

// suggestions are the topics and commands that somebody who typed name may have meant.
func suggestions(root *cobra.Command, name string) []string {
	root.SuggestionsMinimumDistance = 2
	near := root.SuggestionsFor(name)
	for _, t := range topics() {
		typo := cobra.Command{Use: "typo"} // it has the way of comparing, and compares commands
		typo.SuggestionsMinimumDistance = 2
		typo.AddCommand(&cobra.Command{Use: t.name, Run: func(*cobra.Command, []string) {}})
		if len(typo.SuggestionsFor(name)) > 0 && !slices.Contains(near, t.name) {
			near = append(near, t.name)
		}
	}
	slices.Sort(near)
	return near
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
			list = slices.DeleteFunc(list, func(c string) bool { return strings.HasPrefix(c, t.name+"\t") }) // the page counts
			list = append(list, cobra.CompletionWithDesc(t.name, t.about()))
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
