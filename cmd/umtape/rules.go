package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/wsdl"
)

// allRules are the rules of validate: those of the file, of SOAP, of the protocol and
// of contracts.
func allRules() []inspect.Rule {
	return slices.Concat(cassettes.Rules(), um.Rules(), inspect.ShapeRules(), wsdl.Rules(), inspect.LiveRules())
}

func ruleIDs() []string {
	var ids []string
	for _, r := range allRules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// ruleOff is what a rule is set to that is not to be reported.
const ruleOff = "off"

// ruleSettings is --rule: rules set to another severity, or off, by id.
type ruleSettings map[string]string

func (s ruleSettings) String() string { return "" }
func (s ruleSettings) Type() string   { return "ID=SEVERITY" }

// Set takes one setting, or some with commas between them, or @FILE with one on
// each line. Of two for one rule the later counts.
func (s ruleSettings) Set(text string) error {
	if file, ok := strings.CutPrefix(text, "@"); ok {
		return s.readFile(file)
	}
	for _, one := range strings.Split(text, ",") {
		id, to, ok := strings.Cut(strings.TrimSpace(one), "=")
		if !ok {
			return fmt.Errorf("%q sets nothing: write it as UM012=off, note, warning or error", id)
		}
		id, to = strings.ToUpper(strings.TrimSpace(id)), strings.ToLower(strings.TrimSpace(to))
		if ids := ruleIDs(); !slices.Contains(ids, id) {
			return fmt.Errorf("there is no rule %q; the nearest is %s, and `umtape validate --rules` lists all", id, nearest(id, ids))
		}
		if _, err := inspect.ParseSeverity(to); err != nil && to != ruleOff {
			return fmt.Errorf("%q is not a severity: off, note, warning or error", to)
		}
		s[id] = to
	}
	return nil
}

// readFile takes the settings of a file: one on a line, what follows # left out.
func (s ruleSettings) readFile(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if strings.HasPrefix(line, "@") {
			return fmt.Errorf("%s:%d: a file of rules names no other", path, n)
		}
		if err := s.Set(line); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	return nil
}

// ruleFlag is --rule, with the files that it names.
type ruleFlag struct {
	ruleSettings
	files []string
}

// Set is that of ruleSettings.
func (s *ruleFlag) Set(text string) error {
	if file, ok := strings.CutPrefix(text, "@"); ok {
		s.files = append(s.files, file)
	}
	return s.ruleSettings.Set(text)
}

// off are the rules that are not to be reported.
func (s ruleSettings) off() map[string]bool {
	off := map[string]bool{}
	for id, to := range s {
		off[id] = to == ruleOff
	}
	return off
}

// apply returns a rule as it is set; ok is false if it is off.
func (s ruleSettings) apply(r inspect.Rule) (set inspect.Rule, ok bool) {
	switch to := s[r.ID]; to {
	case "":
	case ruleOff:
		return r, false
	default:
		r.Severity, _ = inspect.ParseSeverity(to) // Set has looked
	}
	return r, true
}

// complete is the shell's completion of --rule.
func (s ruleSettings) complete(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	if strings.HasPrefix(typed, "@") {
		return nil, cobra.ShellCompDirectiveDefault // a file
	}
	before, one := "", typed
	if at := strings.LastIndexByte(typed, ','); at >= 0 {
		before, one = typed[:at+1], typed[at+1:]
	}
	var list []string
	if id, _, ok := strings.Cut(one, "="); ok {
		for _, to := range []string{ruleOff, "note", "warning", "error"} {
			list = append(list, before+id+"="+to)
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	for _, r := range allRules() {
		list = append(list, cobra.CompletionWithDesc(before+r.ID+"=", r.Summary))
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

func (a *app) listRules(settings ruleSettings, asJSON bool) error {
	var list []inspect.Rule
	for _, r := range allRules() {
		if set, ok := settings.apply(r); ok {
			list = append(list, set)
		}
	}
	if asJSON {
		return report.RulesJSON(a.stdout, list)
	}
	return report.Rules(a.stdout, list)
}

// nearest is the word of a list that takes the fewest changes of a letter.
func nearest(word string, list []string) string {
	return slices.MinFunc(list, func(a, b string) int { return distance(word, a) - distance(word, b) })
}

// distance is how many letters have to be put in, taken out or changed (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
