package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What export --go-test writes compiles, and passes with its cassette.
func TestExportedGoTestRuns(t *testing.T) {
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace.txt")
	const envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`
	request := envelope + "<Disconnect xmlns=\"http://schemas.microsoft.com/exchange/services/2006/messages\"><CallId>`it's`</CallId></Disconnect></s:Body></s:Envelope>"
	response := envelope + `<DisconnectResponse xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/></s:Body></s:Envelope>`
	text := "POST https://um.example.com/a HTTP/1.1\r\nHost: um.example.com\r\nContent-Type: text/xml\r\nContent-Length: " + itoa(len(request)) + "\r\n\r\n" + request +
		"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: " + itoa(len(response)) + "\r\n\r\n" + response
	if err := os.WriteFile(trace, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tape, file := filepath.Join(dir, "calls.yaml"), filepath.Join(dir, "exported_test.go")
	for _, args := range [][]string{{"import", trace, "-o", tape}, {"export", "--go-test", "-o", file, tape}} {
		var out, errOut bytes.Buffer
		if code := run(context.Background(), args, nil, &out, &errOut); code != 0 {
			t.Fatalf("%v: exit %d: %s", args, code, &errOut)
		}
	}
	where, err := filepath.Abs("exported/exported_test.go") // a folder that is not there
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{where: file}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "exported.test")
	if out, err := exec.Command("go", "test", "-overlay", list, "-vet=off", "-c", "-o", binary, "./exported").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(binary, "-test.v")
	cmd.Dir = dir // where go test runs the tests of a folder
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestDisconnect_0")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}
