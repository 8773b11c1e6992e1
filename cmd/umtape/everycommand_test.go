package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	yaml4 "go.yaml.in/yaml/v4"
	"gopkg.in/dnaeon/go-vcr.v3/cassette"
	vcr4 "gopkg.in/dnaeon/go-vcr.v4/pkg/cassette"
)

// ordinary is the n-th exchange of a cassette that stock go-vcr writes.
func ordinary(n int) cassette.Interaction {
	body := fmt.Sprintf(`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><Disconnect xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>%d</CallId></Disconnect></s:Body></s:Envelope>`, n)
	answer := "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">\r\n\t<s:Body>  é \U0001F4DE</s:Body>\n</s:Envelope>\n"
	return cassette.Interaction{
		Request: cassette.Request{Method: "POST", URL: fmt.Sprintf("https://um%d.example.com/UnifiedMessaging/Service.asmx", n%2), Headers: http.Header{"Content-Type": {"text/xml"}}, Body: body, ContentLength: int64(len(body))},
		Response: cassette.Response{Code: 200, Status: "200 OK", Headers: http.Header{"Content-Type": {"text/xml"}}, Body: answer, ContentLength: int64(len(answer)),
			Duration: time.Duration(n) * time.Millisecond},
	}
}

// bodiesOf are the bodies of a cassette as go-vcr v3 and v4 load it, which have to be the
// same, in order.
func bodiesOf(t *testing.T, path string) (list []string) {
	t.Helper()
	name := strings.TrimSuffix(path, ".yaml")
	v3, err := cassette.Load(name)
	if err != nil {
		t.Fatalf("go-vcr v3: %v", err)
	}
	v4, err := vcr4.Load(name)
	if err != nil {
		t.Fatalf("go-vcr v4: %v", err)
	}
	if len(v3.Interactions) != len(v4.Interactions) {
		t.Fatalf("%s: %d interactions with v3, %d with v4", path, len(v3.Interactions), len(v4.Interactions))
	}
	for n, i := range v3.Interactions {
		if j := v4.Interactions[n]; i.Request.Body != j.Request.Body || i.Response.Body != j.Response.Body || i.Request.URL != j.Request.URL {
			t.Errorf("%s: interaction %d differs between v3 and v4", path, n)
		}
		list = append(list, i.Request.URL+i.Request.Body+i.Response.Body)
	}
	return list
}

// TestStockReadsWhatEveryCommandLeaves: cassettes of go-vcr v3 and v4 are taken by every
// command that writes some, and both read what it leaves, nothing lost or altered.
func TestStockReadsWhatEveryCommandLeaves(t *testing.T) {
	const n = 5
	write := map[string]func(name string) error{
		"v3": func(name string) error {
			c := cassette.New(name)
			for k := range n {
				i := ordinary(k)
				c.AddInteraction(&i)
			}
			return c.Save()
		},
		"v4": func(name string) error {
			c := vcr4.New(name)
			c.MarshalFunc = yaml4.Marshal // as its recorder does
			for k := range n {
				i := ordinary(k)
				c.AddInteraction(&vcr4.Interaction{Request: vcr4.Request(i.Request), Response: vcr4.Response(i.Response)})
			}
			return c.Save()
		},
	}
	for version, save := range write {
		t.Run(version, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			umtape := func(args ...string) {
				t.Helper()
				var out, errs bytes.Buffer
				if code := run(context.Background(), args, strings.NewReader(""), &out, &errs); code != 0 {
					t.Fatalf("umtape %s: %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
				}
			}
			fresh := func(path string) {
				t.Helper()
				if err := save(strings.TrimSuffix(path, ".yaml")); err != nil {
					t.Fatal(err)
				}
			}
			fresh("theirs.yaml")
			want := bodiesOf(t, "theirs.yaml")
			if len(want) != n {
				t.Fatalf("%d interactions", len(want))
			}
			same := func(path string, want []string) {
				t.Helper()
				if got := bodiesOf(t, path); !slices.Equal(got, want) {
					t.Errorf("%s: %d interactions, not those that were in it:\n%q\n%q", path, len(got), got, want)
				}
			}
			umtape("merge", "-o", "merged.yaml", "theirs.yaml")
			same("merged.yaml", want)
			umtape("merge", "--sort", "--force", "-o", "merged.yaml", "theirs.yaml", "merged.yaml")
			same("merged.yaml", append(slices.Clone(want), want...))
			umtape("import", "--all", "-o", "imported.yaml", "theirs.yaml")
			same("imported.yaml", want)
			umtape("import", "--all", "--append", "-o", "imported.yaml", "theirs.yaml")
			same("imported.yaml", append(slices.Clone(want), want...))
			for _, command := range [][]string{{"sort"}, {"upgrade"}, {"scrub"}, {"recover"}} {
				fresh("one.yaml")
				umtape(append(command, "one.yaml")...)
				same("one.yaml", want)
				umtape(append(command, "one.yaml")...)
				same("one.yaml", want)
			}
			umtape("split", "--by", "host", "one.yaml")
			same("one-um0.example.com.yaml", []string{want[0], want[2], want[4]})
			same("one-um1.example.com.yaml", []string{want[1], want[3]})

			// Torn, as a power loss leaves one that umtape has written, and mended.
			umtape("upgrade", "theirs.yaml")
			text, err := os.ReadFile("theirs.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile("torn.yaml", text[:len(text)-100], 0o600); err != nil {
				t.Fatal(err)
			}
			umtape("recover", "torn.yaml")
			same("torn.yaml", want[:n-1])

			// Pseudonyms are other texts; that it is read is what counts.
			umtape("scrub", "--pseudonyms", "-o", "hidden.yaml", "theirs.yaml")
			if got := bodiesOf(t, "hidden.yaml"); len(got) != n {
				t.Errorf("hidden.yaml: %d interactions", len(got))
			}
			if files, err := filepath.Glob("*umtape-tmp*"); err != nil || len(files) > 0 {
				t.Errorf("left behind: %v, %v", files, err)
			}
		})
	}
}
