package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// TestManPages: there is a page for each command, each of its flags is in it, and
// those who show pages find nothing wrong with them.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	root := (&app{}).root()
	pages := map[string]bool{}
	for _, c := range shownCommands(root) {
		page := manPage(c, time.Unix(0, 0))
		path := filepath.Join(dir, manName(c)+".1")
		if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		pages[path] = true
		for _, section := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SEE ALSO"} {
			if !strings.Contains(page, "\n.SH \""+section+"\"\n") {
				t.Errorf("%s has no section %s", path, section)
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(page, `\fB`+roffText("--"+f.Name)+`\fR`) {
				t.Errorf("%s does not have --%s", path, f.Name)
			}
		})
	}
	if len(pages) < 20 {
		t.Fatalf("there are %d pages", len(pages))
	}
	for _, tool := range [][]string{{"mandoc", "-T", "lint", "-W", "warning"}, {"groff", "-ww", "-z", "-man", "-T", "utf8"}} {
		t.Run(tool[0], func(t *testing.T) {
			path, err := exec.LookPath(tool[0])
			if err != nil {
				t.Skipf("%s is not here", tool[0])
			}
			for page := range pages {
				out, err := exec.Command(path, append(tool[1:], page)...).CombinedOutput()
				if err != nil || len(out) > 0 {
					t.Errorf("%s %s: %v\n%s", tool[0], filepath.Base(page), err, out)
				}
			}
		})
	}
	t.Run("shown", func(t *testing.T) {
		path, err := exec.LookPath("mandoc")
		if err != nil {
			t.Skip("mandoc is not here")
		}
		// What a reader sees is the help, down to characters that roff makes its own of.
		out, err := exec.Command(path, "-T", "ascii", filepath.Join(dir, "umtape-record.1")).Output()
		if err != nil {
			t.Fatal(err)
		}
		text := overstruck(string(out))
		for _, want := range []string{
			"umtape-record - record traffic", "--upstream-proxy-auth FILE", "-q, --quiet",
			"curl --proxy http://127.0.0.1:8088 --cacert ~/.config/umtape/ca.pem \\\n", "'Content-Type: text/xml; charset=utf-8'", "umtape-replay(1)",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the page of record does not show %q:\n%s", want, text)
			}
		}
	})
}

// overstruck takes bold and underlining out of what mandoc prints.
func overstruck(text string) string {
	var b bytes.Buffer
	for i := 0; i < len(text); i++ {
		if text[i] == '\b' {
			b.Truncate(b.Len() - 1)
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// TestRoff: nothing in help reads as a request to roff.
func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		".TH x":     `\&.TH x`,
		"'quoted'":  `\(aqquoted\(aq`,
		`a\nb --c`:  `a\enb \-\-c`,
		"~/x ^ é →": `\(ti/x \(ha \[u00E9] \[u2192]`,
	} {
		if got := roffText(text); got != want {
			t.Errorf("roffText(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestBuild: what a program was built of is known however it was built.
func TestBuild(t *testing.T) {
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "6e8b9b10f08e"}, {Key: "vcs.time", Value: "2026-11-24T20:28:00Z"}, {Key: "vcs.modified", Value: "true"}}
	for _, tt := range []struct {
		name, version string
		settings      []debug.BuildSetting
		want          string
	}{
		{"without version control", "(devel)", nil, "0.1.0-dev; unknown: it was built without version control"},
		{"a checkout", "v0.0.0-20261124202800-6e8b9b10f08e+dirty", vcs, "0.1.0-dev; 6e8b9b10f08e of 2026-11-24T20:28:00Z, and files changed since"},
		{"a tag", "v1.2.3", nil, "1.2.3; unknown: it was built without version control"},
		{"a tag and changes", "v1.2.3+dirty", vcs, "1.2.3; 6e8b9b10f08e of 2026-11-24T20:28:00Z, and files changed since"},
		{"a module without tags", "v0.0.0-20261124202800-6e8b9b10f08e", nil, "0.1.0-dev; 6e8b9b10f08e of 2026-11-24T20:28:00Z"},
	} {
		o := readBuild(&debug.BuildInfo{Main: debug.Module{Version: tt.version}, Settings: tt.settings}, true)
		if got := o.version + "; " + o.source(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if o := readBuild(nil, false); o.version != nextVersion {
		t.Errorf("without anything: %+v", o)
	}
	defer func(v, c, d, m string) { releaseVersion, releaseCommit, releaseDate, releaseDirty = v, c, d, m }(releaseVersion, releaseCommit, releaseDate, releaseDirty)
	releaseVersion, releaseCommit, releaseDate, releaseDirty = "2.0.0", "abc", "2026-11-24T20:28:00Z", "false"
	if o := readBuild(&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: vcs}, true); o.version+"; "+o.source() != "2.0.0; abc of 2026-11-24T20:28:00Z" {
		t.Errorf("a release: %+v", o)
	}
}
