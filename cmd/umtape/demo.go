package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/um/umserver"
	"github.com/umtape/umtape/proxy"
)

func (a *app) demoCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Tell the whole story in one command, with the built-in UM server",
		Long: `demo starts the built-in UM server with TLS, records a call through the proxy,
stops the server, replays the cassette and compares the answers, validates and
inspects it, and leaves the cassette for you to open. It uses loopback only and
touches nothing outside its folder.`,
		Example: "  umtape demo\n  umtape demo --dir /tmp/umtape",
		Args:    noArgs,
		RunE: a.begin(func(cmd *cobra.Command, _ []string) error {
			d, err := a.newDemo(dir)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
			defer cancel()
			return d.run(ctx)
		}),
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`FOLDER` for the cassette (default: a new one under the system's temporary folder)")
	return cmd
}

// demo is the story of one call, told on stdout.
type demo struct {
	*app
	dir      string
	cassette string
	ca       *proxy.CA // the user's own, that the client trusts
	serverCA *proxy.CA // the one that signed the UM server's certificate
}

func (a *app) newDemo(dir string) (*demo, error) {
	var err error
	if dir == "" {
		dir, err = os.MkdirTemp("", "umtape-demo-")
	} else {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, hint(fmt.Errorf("the demo needs a folder: %w", err), "name one that can be written: umtape demo --dir FOLDER")
	}
	d := &demo{app: a, dir: dir, cassette: filepath.Join(dir, "calls.yaml")}
	if _, err := os.Lstat(d.cassette); err == nil {
		return nil, hint(fmt.Errorf("%s is there already", d.cassette), "name another folder: umtape demo --dir FOLDER")
	}
	if d.ca, _, err = proxy.LoadOrCreateCA(filepath.Join(dir, "ca")); err != nil {
		return nil, err
	}
	d.serverCA, _, err = proxy.LoadOrCreateCA(filepath.Join(dir, "server-ca"))
	return d, err
}

func (d *demo) run(ctx context.Context) error {
	recorded, target, err := d.record(ctx)
	if err != nil {
		return err
	}
	if err := d.replay(ctx, target, recorded); err != nil {
		return err
	}
	if err := d.read(); err != nil {
		return err
	}
	return d.say("\nThe cassette is %s. Open it: it is what you would review and commit.\n", d.cassette)
}

func (d *demo) say(format string, args ...any) error {
	_, err := fmt.Fprintf(d.stdout, format, args...)
	return err
}

// record makes a call through the recording proxy and returns what the client
// saw, and the server's URL.
func (d *demo) record(ctx context.Context) (seen []answer, target string, err error) {
	d.say("1. A UM server, over TLS, and a proxy that records what is said to it\n\n")
	server, err := startUM("127.0.0.1:0", d.serverCA, umserver.Options{}, nil)
	if err != nil {
		return nil, "", err
	}
	target = "https://" + server.addr() + um.Path2007
	d.say("   $ cd %s\n   $ umtape serve um --listen %s --ca-dir server-ca\n", d.dir, server.addr())
	tape, err := d.startTape()
	if err != nil {
		return nil, "", errors.Join(err, server.stop())
	}
	d.say("   $ umtape record --listen %s --ca-dir ca --upstream-ca server-ca/ca.pem calls.yaml\n\n", tape.addr())
	d.say("   A client makes a call, through the proxy, to %s\n\n", target)
	seen, err = d.call(ctx, tape.addr(), target, nil)
	err = errors.Join(err, server.stop())
	var summary strings.Builder
	if err = errors.Join(err, tape.stop(&summary)); err != nil {
		return nil, "", err
	}
	return seen, target, d.say("\n%s", indent(summary.String()))
}

func (d *demo) startTape() (*recording, error) {
	plan, err := d.planRecording(recordFlags{
		listen: "127.0.0.1:0", sync: "interval", maxBody: cassettes.DefaultMaxBody,
		upstreamFlags: upstreamFlags{upstreamCA: []string{d.serverCA.CertFile()}}, log: logFlags{format: "text", quiet: true},
	})
	if err != nil {
		return nil, err
	}
	return d.startRecording(d.cassette, d.ca, plan)
}

func (d *demo) replay(ctx context.Context, target string, recorded []answer) error {
	d.say("\n2. The server is gone. The cassette answers, offline\n\n")
	s, err := d.startReplay([]string{d.cassette}, d.ca, replayFlags{listen: "127.0.0.1:0", log: logFlags{format: "text", quiet: true}})
	if err != nil {
		return err
	}
	d.say("   $ umtape replay --listen %s --ca-dir ca calls.yaml\n\n", s.addr())
	replayed, err := d.call(ctx, s.addr(), target, recorded)
	var summary strings.Builder
	if err = errors.Join(err, s.stop(&summary)); err != nil {
		return err
	}
	for i := range recorded {
		if !replayed[i].equal(recorded[i]) {
			return fmt.Errorf("the replayed answer to the %s is not the recorded one", recorded[i].operation)
		}
	}
	return d.say("\n   All %d answers are the recorded ones, byte for byte.\n%s", len(recorded), indent(summary.String()))
}

func (d *demo) read() error {
	tape, err := cassettes.Load(d.cassette)
	if err != nil {
		return err
	}
	checked, err := checkOne(d.cassette, "calls.yaml") // the folder of the demo says nothing to anybody
	if err != nil {
		return err
	}
	d.say("\n3. The cassette, checked against the protocol\n\n   $ umtape validate calls.yaml\n")
	tape.Path = checked.File
	v := report.Validation{Cassettes: []report.CheckedCassette{checked}}
	var b strings.Builder
	shown := &app{stdout: &b, stderr: d.stderr}
	if err := shown.writeFindings(v, validateFlags{}); err != nil {
		return err
	}
	d.say("%s\n4. What was said\n\n   $ umtape inspect calls.yaml\n", indent(b.String()))
	b.Reset()
	list := report.NewList()
	for _, i := range tape.Interactions {
		list.Add(entry(tape.Path, i))
	}
	if _, err := list.Write(&b, report.Look{}); err != nil {
		return err
	}
	if err := d.say("%s", indent(b.String())); err != nil {
		return err
	}
	if n := report.CountOf(v.All()).Errors; n > 0 {
		return fmt.Errorf("the cassette has %d errors", n)
	}
	return nil
}

// answer is what a client saw of one response.
type answer struct {
	operation string
	status    int
	body      []byte
	shape     string
}

func (a answer) equal(b answer) bool { return a.status == b.status && bytes.Equal(a.body, b.body) }

// call makes the demo's call through a proxy: it rings, is answered, and is hung
// up, and somebody hangs up a call that is not there. before is what the same
// call was answered when it was recorded, or nil.
func (d *demo) call(ctx context.Context, proxyAddr, target string, before []answer) ([]answer, error) {
	roots := x509.NewCertPool()
	roots.AddCert(d.ca.Certificate())
	client := &http.Client{Transport: &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", Host: proxyAddr}),
		TLSClientConfig: &tls.Config{RootCAs: roots},
	}}
	defer client.CloseIdleConnections()

	const wrong = "MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwQHVtMDEudm9pY2UuZXhhbXBsZS5uZXQ="
	id := ""
	var seen []answer
	for _, step := range []struct{ operation, say string }{
		{"PlayOnPhone", "<entryId>AAAAAAswVXqfxOkOM1h9osfsETZbgKXK7xQ5XoOozfIXPGGGq9D1Gj9kia7T+B1CZ4yx1vsgRWqPtNn+I0htkrfcASZLcA==</entryId><DialString>5550142</DialString>"},
		{"GetCallInfo", "<CallId>%s</CallId>"},
		{"GetCallInfo", "<CallId>%s</CallId>"},
		{"Disconnect", "<CallId>%s</CallId>"},
		{"Disconnect", "<CallId>" + wrong + "</CallId>"},
	} {
		a, err := post(ctx, client, target, step.operation, strings.ReplaceAll(step.say, "%s", id))
		if err != nil {
			return seen, fmt.Errorf("%s: %w", step.operation, err)
		}
		if step.operation == "PlayOnPhone" {
			m, err := inspect.Parse(a.body)
			if err != nil {
				return seen, fmt.Errorf("the answer to PlayOnPhone: %w", err)
			}
			id = um.IDOf(m)
		}
		same := ""
		if before != nil && a.equal(before[len(seen)]) {
			same = "   as recorded"
		}
		seen = append(seen, a)
		d.say("   %-12s -> %d  %s%s\n", a.operation, a.status, a.shape, same)
	}
	return seen, nil
}

func post(ctx context.Context, client *http.Client, target, operation, children string) (answer, error) {
	body := `<?xml version="1.0" encoding="utf-8"?>` + "\n" +
		`<soap:Envelope xmlns:soap="` + inspect.SOAP11NS + `"><soap:Body><` + operation + ` xmlns="` + um.MessagesNS + `">` +
		children + `</` + operation + `></soap:Body></soap:Envelope>`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", inspect.SOAP11.ContentType())
	req.Header.Set("SOAPAction", `"`+um.MessagesNS+"/"+operation+`"`)
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{operation: operation, status: resp.StatusCode, shape: "(not SOAP)"}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return answer{}, err
	}
	m, err := inspect.Parse(a.body)
	if err != nil {
		return a, nil // shown as it is
	}
	a.shape = inspect.ShapeOf(m)
	if state := m.Payload.Child(m.Operation()).Child("CallState"); state != nil {
		a.shape = state.Value()
	}
	return a, nil
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString("   " + line)
	}
	return b.String()
}
