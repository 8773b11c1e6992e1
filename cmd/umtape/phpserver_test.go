package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPHPServer records what PHP's SoapServer, which is made from a WSDL, and its
// SoapClient say to each other, rpc/literal and document/literal, SOAP 1.1 and 1.2:
// validate --wsdl finds nothing in it, and finds what is broken afterwards.
func TestPHPServer(t *testing.T) {
	if os.Getenv("UMTAPE_CLIENTS") == "" {
		t.Skip("needs PHP's SOAP, which this installs: bash .ci/clients")
	}
	if exec.Command("php", "-r", "exit(extension_loaded('soap') ? 0 : 1);").Run() != nil {
		t.Skip("PHP's SOAP is not here")
	}
	umtape, err := exec.LookPath("umtape")
	if err != nil {
		t.Fatal(err)
	}
	services, err := filepath.Abs("../../testdata/wsdl")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls.yaml")
	record := exec.Command(umtape, "exec", "record", calls, "--ca-dir", filepath.Join(dir, "ca"), "--", "php", filepath.Join(services, "php", "client.php"))
	record.Env = append(os.Environ(), "SOAP_URL="+startPHP(t, filepath.Join(services, "php", "server.php")), "NO_PROXY=", "no_proxy=")
	record.WaitDelay = 10 * time.Second
	out, err := record.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "captured 12 interactions") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("\n%s", out)
	text, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	validate := func(name, path string) string {
		out, _ := exec.Command(umtape, "validate", "--rule", "WSDL02=off", "--wsdl", filepath.Join(services, name, name+".wsdl"), path).CombinedOutput()
		return string(out)
	}
	for name, changes := range map[string][][3]string{
		"rates": {
			{"<limit>2</limit>", "<limits>2</limits>", "WSDL04: limit is missing before limits"},
			{"<value>0.86</value>", "<value>0,86</value>", "WSDL08: the value of value is no decimal"},
			{"ratesResponse", "ratesResult", "WSDL03: rates answers one ratesResponse"},
		},
		"calculator": {
			{"<ns1:SumResult>42<", "<ns1:SumResult>forty-two<", "WSDL08: the value of SumResult is no int"},
			{"ns1:right>", "ns1:wrong>", "WSDL04: right is missing before wrong"},
		},
		"countries": {
			{"<ns1:code>FR<", "<ns1:code>France<", "WSDL08: the value of code does not match the pattern"},
			{` level="full"`, "", "WSDL06: GetCountry has no attribute level"},
			{"ns1:NoSuchCountry>", "ns1:NoCountry>", "WSDL12: NoCountry is no fault that GetCountry declares"},
		},
	} {
		if said := validate(name, calls); !strings.Contains(said, "12 interactions checked, 0 errors, 0 warnings, 0 notes") {
			t.Errorf("%s: %s", name, said)
		}
		for n, c := range changes {
			broken := filepath.Join(dir, fmt.Sprintf("%s%d.yaml", name, n))
			if !bytes.Contains(text, []byte(c[0])) {
				t.Errorf("%s: nothing has %s:\n%s", name, c[0], text)
			}
			if err := os.WriteFile(broken, bytes.ReplaceAll(text, []byte(c[0]), []byte(c[1])), 0o600); err != nil {
				t.Fatal(err)
			}
			if said := validate(name, broken); !strings.Contains(said, c[2]) || strings.Contains(said, " 0 errors, 0 warnings, 0 notes") {
				t.Errorf("%s: with %s in place of %s: %s", name, c[1], c[0], said)
			}
		}
	}
}

// startPHP runs a script as PHP's own web server, and returns its address.
func startPHP(t *testing.T, script string) (url string) {
	t.Helper()
	cmd := exec.Command("php", "-S", "127.0.0.1:0", script)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			if m := regexp.MustCompile(`Server \((http://[^)]+)\) started`).FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1] + "/"
			}
		}
	}()
	t.Cleanup(func() { cmd.Process.Kill(); <-read; cmd.Wait() })
	select {
	case url := <-found:
		return url
	case <-time.After(30 * time.Second):
		t.Fatal("PHP's server does not say where it is")
		return ""
	}
}
