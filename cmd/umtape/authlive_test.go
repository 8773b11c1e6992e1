package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/umtape/umtape/inspect/um"
)

// liveCassette asks a UM server whether a user is enabled, which is safe to ask again.
func liveCassette(t *testing.T) (path string) {
	t.Helper()
	text, err := os.ReadFile(ruleFile(t, "UM042", "pass"))
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "calls.yaml")
	text = bytes.ReplaceAll(text, []byte("https://um.example.com"+um.Path2007), []byte("https://um.example.com"+um.Path2007+"?live"))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// validateLive runs umtape validate --live.
func validateLive(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	code = run(t.Context(), append([]string{"validate"}, args...), strings.NewReader(""), &out, &out)
	return code, out.String()
}

// TestAuthLiveNTLM has validate --live log in to a real server with NTLM: as whom it is
// told, once for all that it sends; and only once with a password that is wrong, since
// more of them would lock the account.
func TestAuthLiveNTLM(t *testing.T) {
	path := liveCassette(t)
	for _, s := range realServers(t) {
		if s.kerberos() {
			continue // validate --live speaks NTLM
		}
		handshakes := func() int { // that clients have ended
			log, err := os.ReadFile(s.all.Tokens)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Count(string(log), "TlRMTVNTUAAD") // the last message of one, [MS-NLMP] 2.2.1.3
		}
		before, want := handshakes(), 0
		for _, url := range []string{s.Plain, s.Secure} {
			for _, u := range s.Users {
				t.Setenv(envLivePassword, u.Password)
				code, said := validateLive(t, "--live", url, "--live-user", u.Name, "--upstream-ca", s.all.CA, path)
				if code != exitDone || !strings.Contains(said, "2 requests sent for 1 interaction") || !strings.Contains(said, "0 errors, 0 warnings") {
					t.Errorf("%s at %s: exit code %d: %s", u.Name, url, code, said)
				}
				want++
			}
			for _, u := range []authUser{{Name: `VOICE\alice`, Password: "not-the-password"}, {Name: `NOWHERE\alice`, Password: s.Users[0].Password}} {
				t.Setenv(envLivePassword, u.Password)
				code, said := validateLive(t, "--live", url, "--live-user", u.Name, "--upstream-ca", s.all.CA, path)
				if code != exitFailed || !strings.Contains(said, "the server refuses who asks (401)") || !strings.Contains(said, "is the password right? Nothing more was sent.") || strings.Contains(said, u.Password) {
					t.Errorf("%s with a wrong password: exit code %d: %s", u.Name, code, said)
				}
				want++
			}
			t.Setenv(envLivePassword, "")
			if code, said := validateLive(t, "--live", url, "--upstream-ca", s.all.CA, path); code != exitFailed || !strings.Contains(said, "hint: name a user: --live-user") {
				t.Errorf("nobody: exit code %d: %s", code, said)
			}
		}
		// Apache logs a request when it has been answered.
		n := 0
		for until := time.Now().Add(30 * time.Second); n < want && time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
			n = handshakes() - before
		}
		if n != want {
			t.Errorf("%d handshakes, want %d", n, want)
		}
	}
}

// TestAuthLiveCertificate has it show a certificate to a real server that wants one.
func TestAuthLiveCertificate(t *testing.T) {
	path := liveCassette(t)
	all := realServers(t)[0].all
	code, said := validateLive(t, "--live", all.Certificate.URL, "--client-cert", all.Certificate.File, "--upstream-ca", all.CA, path)
	if code != exitDone || !strings.Contains(said, "2 requests sent for 1 interaction") || !strings.Contains(said, "0 errors, 0 warnings") {
		t.Errorf("exit code %d: %s", code, said)
	}
	code, said = validateLive(t, "--live", all.Certificate.URL, "--client-cert", "localhost="+all.Certificate.File, "--upstream-ca", all.CA, path)
	if code != exitDone {
		t.Errorf("for that host: exit code %d: %s", code, said)
	}
	for _, args := range [][]string{nil, {"--client-cert", "elsewhere.test=" + all.Certificate.File}} {
		code, said := validateLive(t, append(args, "--live", all.Certificate.URL, "--upstream-ca", all.CA, path)...)
		if code != exitFailed || !strings.Contains(said, "wants a client certificate: give it one with --client-cert FILE") {
			t.Errorf("without a certificate: exit code %d: %s", code, said)
		}
	}
}
