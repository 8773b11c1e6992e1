package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	// The call is gone the second time; and one that leads elsewhere, with a header that is no Go.
	text += strings.ReplaceAll(text, "200 OK", "500 Internal Server Error") +
		"GET https://um.example.com/\"b HTTP/1.1\r\nHost: um.example.com\r\nX-A: `\"+x(\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 0\r\n\r\n"
	if err := os.WriteFile(trace, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tape, file := filepath.Join(dir, "calls.yaml"), filepath.Join(dir, "exported_test.go")
	for _, args := range [][]string{{"import", "--all", trace, "-o", tape}, {"export", "--go-test", "-o", file, tape}} {
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
	out, err := cmd.CombinedOutput()
	for _, name := range []string{"TestDisconnect_0", "TestDisconnect_1", "TestRequest_2"} {
		if err != nil || !bytes.Contains(out, []byte("--- PASS: "+name)) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	// They do find out what changes.
	data, err := os.ReadFile(tape)
	if err == nil {
		err = os.WriteFile(tape, bytes.ReplaceAll(data, []byte("code: 500"), []byte("code: 501")), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(binary, "-test.v")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("status 501, want 500")) || !bytes.Contains(out, []byte("--- PASS: TestDisconnect_0")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}
