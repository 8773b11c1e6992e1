//go:build unix

package main

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestDocCI runs the shell lines of the examples for CI systems, as TestDocs does
// those of pages.
func TestDocCI(t *testing.T) {
	pages, err := docPages()
	if err != nil {
		t.Fatal(err)
	}
	var log docLog
	t.Cleanup(func() { log.report(t) })
	world := newDocWorld(t)
	seen := 0
	for _, page := range pages {
		for _, b := range page.blocks {
			lines, isCI := ciLines(t, b)
			if !isCI {
				continue
			}
			seen++
			t.Run(b.name, func(t *testing.T) {
				s := newDocSession(t, world, &log)
				before := docPage{name: page.name}
				for _, hidden := range page.blocks {
					if hidden.kind == "hidden" {
						before.blocks = append(before.blocks, hidden)
					}
				}
				s.play(before)
				if len(lines) < 3 {
					t.Fatalf("%s has %d lines of shell", b.name, len(lines))
				}
				for _, line := range lines {
					s.do(page.name+", "+b.name, false, docCommand{line: b.line, shell: line})
				}
			})
		}
	}
	if seen != 2 {
		t.Errorf("%d examples were found", seen)
	}
}

// ciLines are the shell lines of a configuration of GitHub Actions or GitLab.
func ciLines(t *testing.T, b docBlock) (lines []string, is bool) {
	switch {
	case strings.HasPrefix(b.name, ".github/workflows/"):
		var workflow struct {
			On   []string `yaml:"on"`
			Jobs map[string]struct {
				RunsOn string `yaml:"runs-on"`
				Steps  []struct{ Name, Uses, Run string }
			}
		}
		if err := yaml.Unmarshal([]byte(b.text), &workflow); err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		if len(workflow.On) == 0 {
			t.Errorf("%s is never run", b.name)
		}
		for name, job := range workflow.Jobs {
			if job.RunsOn == "" {
				t.Errorf("%s: job %s runs nowhere", b.name, name)
			}
			for _, step := range job.Steps {
				if (step.Run == "") == (step.Uses == "") {
					t.Errorf("%s: step %+v either runs or uses something", b.name, step)
				}
				lines = append(lines, strings.FieldsFunc(step.Run, func(r rune) bool { return r == '\n' })...)
			}
		}
		return lines, true
	case b.name == ".gitlab-ci.yml":
		var jobs map[string]struct {
			Image  string
			Script []string
		}
		if err := yaml.Unmarshal([]byte(b.text), &jobs); err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		for _, job := range jobs {
			lines = append(lines, job.Script...)
		}
		return lines, true
	}
	return nil, false
}
