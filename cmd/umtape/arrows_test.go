package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/umtape/umtape/"

// arrows lists which of our packages each may import. Nothing points up.
var arrows = map[string][]string{
	"cmd/umtape":         {"proxy", "proxy/clientenv", "cassettes/captures", "cassettes", "inspect", "inspect/um", "inspect/um/umserver", "inspect/report", "inspect/web"},
	"proxy":              {},
	"proxy/clientenv":    {"proxy"},
	"cassettes/captures": {},
	"cassettes":          {"cassettes/captures", "inspect"},
	// What a command is to people, this is to the tests of others: it puts tape and
	// wire together, which know nothing of each other. Nothing of ours imports it.
	"cassettes/tapetest":  {"cassettes", "proxy", "proxy/clientenv", "inspect", "inspect/um"},
	"inspect":             {},
	"inspect/um":          {"inspect"},
	"inspect/um/umserver": {"inspect", "inspect/um"},
	"inspect/report":      {"inspect"},
	"inspect/web":         {"inspect", "inspect/um", "inspect/report"},
}

// owners says which package alone imports a third-party module.
var owners = map[string]string{
	"github.com/elazarl/goproxy":            "proxy",
	"github.com/hashicorp/golang-lru":       "proxy",
	"golang.org/x/crypto":                   "proxy",
	"golang.org/x/sync":                     "proxy",
	"golang.org/x/net/idna":                 "proxy",
	"software.sslmate.com/src/go-pkcs12":    "proxy",
	"gopkg.in/dnaeon/go-vcr.v3":             "cassettes",
	"gopkg.in/dnaeon/go-vcr.v4":             "", // tests only, as is its YAML
	"go.yaml.in/yaml/v4":                    "",
	"gopkg.in/yaml.v3":                      "cassettes",
	"github.com/gofrs/flock":                "cassettes",
	"github.com/andybalholm/brotli":         "cassettes",
	"golang.org/x/sys":                      "cassettes",
	"github.com/beevik/etree":               "inspect",
	"golang.org/x/text":                     "inspect",
	"golang.org/x/net/html/charset":         "inspect",
	"github.com/spf13/cobra":                "cmd/umtape",
	"github.com/spf13/pflag":                "cmd/umtape",
	"golang.org/x/term":                     "cmd/umtape",
	"golang.org/x/mod":                      "cmd/umtape",
	"github.com/rivo/uniseg":                "inspect/report",
	"github.com/prometheus/client_golang":   "cmd/umtape",
	"github.com/schollz/progressbar/v3":     "cmd/umtape",
	"github.com/Azure/go-ntlmssp":           "cmd/umtape",
	"github.com/chromedp":                   "", // tests only: a browser
	"github.com/rogpeppe/go-internal":       "",
	"go.uber.org/goleak":                    "",
	"pgregory.net/rapid":                    "",
	"github.com/santhosh-tekuri/jsonschema": "",
	"honnef.co/go/tools":                    "",
	"github.com/inconshreveable/mousetrap":  "",
}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], module)
		allowed, known := arrows[pkg]
		if !known {
			t.Errorf("%s is not in the table of arrows", pkg)
			continue
		}
		seen++
		for _, imported := range fields[1:] {
			if ours, ok := strings.CutPrefix(imported, module); ok {
				if !slices.Contains(allowed, ours) {
					t.Errorf("%s imports %s", pkg, ours)
				}
				continue
			}
			if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
				continue // the standard library
			}
			owner, ok := ownerOf(imported)
			if !ok {
				t.Errorf("%s imports %s, which is not in the table of owners", pkg, imported)
			} else if owner != pkg {
				t.Errorf("%s imports %s, which belongs behind %q", pkg, imported, owner)
			}
		}
	}
	if seen != len(arrows) {
		t.Errorf("%d packages listed, %d in the table", seen, len(arrows))
	}
}

func ownerOf(imported string) (owner string, ok bool) {
	best := ""
	for prefix := range owners {
		if (imported == prefix || strings.HasPrefix(imported, prefix+"/")) && len(prefix) > len(best) {
			best = prefix
		}
	}
	owner, ok = owners[best]
	return owner, ok
}
