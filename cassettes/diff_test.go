package cassettes

import (
	"fmt"
	"strings"
	"testing"
)

// poll is a GetCallInfo of one call, and its answer.
func poll(call, state string) *Interaction {
	i := tiny(0)
	i.Request.Headers.Set("Content-Type", "text/xml")
	i.Response.Headers.Set("Content-Type", "text/xml")
	const envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>`
	i.Request.Body = fmt.Sprintf(envelope, `<GetCallInfo xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallId>`+call+`</CallId></GetCallInfo>`)
	i.Response.Body = fmt.Sprintf(envelope, `<GetCallInfoResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"><CallState>`+state+`</CallState></GetCallInfoResponse>`)
	return i
}

func cassetteOf(path string, list ...*Interaction) []*Cassette {
	for n, i := range list {
		i.ID = n
	}
	return []*Cassette{{Path: path, Interactions: list}}
}

// told is a comparison on one line.
func told(c *Comparison) string {
	var parts []string
	for _, d := range c.Changes {
		switch {
		case d.After == nil:
			parts = append(parts, "-"+d.Before.Name)
		case d.Before == nil:
			parts = append(parts, "+"+d.After.Name)
		default:
			p := d.Before.Name + "!" + d.After.Name
			for _, f := range d.Differences {
				p += " " + f.Part + " " + f.String()
			}
			parts = append(parts, p)
		}
	}
	return fmt.Sprintf("same %d moved %d; %s", c.Same, c.Moved, strings.Join(parts, "; "))
}

func TestDiff(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after []*Interaction
		want          string
	}{
		{"a poll more, in the middle",
			[]*Interaction{poll("1", "Connecting"), poll("1", "Connected"), poll("1", "Disconnected")},
			[]*Interaction{poll("1", "Connecting"), poll("1", "Connecting"), poll("1", "Connected"), poll("1", "Disconnected")},
			"same 3 moved 0; +b#1"},
		{"a poll less, at the start",
			[]*Interaction{poll("1", "Connecting"), poll("1", "Connected"), poll("1", "Disconnected")},
			[]*Interaction{poll("1", "Connected"), poll("1", "Disconnected")},
			"same 2 moved 0; -a#0"},
		{"another call: the nearest of the operation",
			[]*Interaction{poll("1", "Connecting"), poll("2", "Disconnected")},
			[]*Interaction{poll("9", "Disconnected"), poll("1", "Connecting")},
			"same 1 moved 1; a#1!b#0 request Body/GetCallInfo/CallId: text differs"},
		{"the nearest, not the first",
			[]*Interaction{poll("7", "Disconnected")},
			[]*Interaction{poll("8", "Connecting"), poll("9", "Disconnected")},
			"same 0 moved 0; +b#0; a#0!b#1 request Body/GetCallInfo/CallId: text differs"},
		{"nothing on one side", nil, []*Interaction{poll("1", "Connecting")}, "same 0 moved 0; +b#0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := told(Diff(cassetteOf("a", tt.before...), cassetteOf("b", tt.after...), DiffOptions{})); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestDiffSecrets: a secret is no difference, and neither it nor the text of an
// element is told.
func TestDiffSecrets(t *testing.T) {
	a, b := poll("SECRET-1", "Connected"), poll("SECRET-2", "Disconnected")
	a.Request.Headers.Set("X-Api-Key", "SECRET-3")
	b.Request.Headers.Set("X-Api-Key", "SECRET-4")
	a.Request.URL, b.Request.URL = "https://a.test/?token=SECRET-5", "https://u:SECRET-6@a.test/?token=SECRET-7&x=SECRET-8"
	a.Response.Headers.Set("X-Other", "SECRET-9")
	got := told(Diff(cassetteOf("a", a), cassetteOf("b", b), DiffOptions{Headers: true}))
	want := "same 0 moved 0; a#0!b#0 request query: differs request Body/GetCallInfo/CallId: text differs response header X-Other: removed response Body/GetCallInfoResponse/CallState: text differs"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestIgnoredPlaces(t *testing.T) {
	const path = "Body/Find[2]/Item/@Id"
	for place, want := range map[string]bool{
		"Id": true, "@Id": true, "Item/@Id": true, "Find/Item/@Id": true, "Body/Find/Item/@Id": true, "/Body/Find/Item/@Id": true, "//Item/@Id": true, "Find/*/@Id": true,
		"Item": true, "Find": true, "Body/Find": true, // what is inside them, too
		"Find/@Id": false, "Body/Item": false, "Ite": false, "Find/Id": false, "Other/Item": false, "Item/Id": false,
	} {
		d := differ{options: DiffOptions{Ignore: []string{"Nothing", place}}}
		if got := d.ignored(path); got != want {
			t.Errorf("--ignore %s leaves %s out: %v", place, path, got)
		}
	}
}
