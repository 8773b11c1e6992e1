package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/umtape/umtape/proxy"
)

func testAuthority(t *testing.T) *proxy.CA {
	t.Helper()
	permits, err := proxy.ParsePermits([]string{".contoso.test"})
	if err != nil {
		t.Fatal(err)
	}
	ca, _, err := proxy.InitCA(filepath.Join(t.TempDir(), "ca"), permits)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// leafFiles writes a leaf of ca and what is between it and the root.
func leafFiles(t *testing.T, ca *proxy.CA, host string) (leaf, between string) {
	t.Helper()
	minted, err := ca.Leaf(host)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("leaf.pem", minted.Certificate[0]), write("between.pem", minted.Certificate[1])
}

// recorded is a machine that runs nothing, and a store in its memory.
type recorded struct {
	ran     []string
	trusted bool
	missing string // a program
	fails   string // the command that does, by its beginning
}

func (r *recorded) machine(system string, root bool, s store) machine {
	return machine{
		system: system, root: root,
		look: func(program string) (string, error) {
			if program == r.missing {
				return "", exec.ErrNotFound
			}
			return "/bin/" + program, nil
		},
		run: func(_ context.Context, c command) (string, error) {
			line := strings.Join(c, " ")
			step := func(o command) bool { return slices.Equal(o, c) }
			if r.fails != "" && strings.HasPrefix(line, r.fails) {
				return "it will not", errors.New("exit status 1")
			}
			switch {
			case step(s.install[0]):
				r.trusted = true
			case step(s.uninstall[0]):
				r.trusted = false
			case slices.ContainsFunc(slices.Concat(s.install, s.uninstall), step):
			case !r.trusted: // a look
				return "", &exec.ExitError{}
			default:
				return "SHA-1 hash: " + c[len(c)-1], nil
			}
			r.ran = append(r.ran, line)
			return "", nil
		},
	}
}

// The systems that are not at hand here: the commands that would be run there.
func TestTrustStepsOfOtherSystems(t *testing.T) {
	ca := testAuthority(t)
	target := newTarget(ca)
	const keychain = "/Library/Keychains/System.keychain"
	for _, tt := range []struct {
		store       store
		system      string
		want, wantX []string
	}{
		{target.macStore(), "darwin",
			[]string{"security add-trusted-cert -d -r trustRoot -k " + keychain + " " + target.file},
			[]string{"security remove-trusted-cert -d " + target.file, "security delete-certificate -Z " + target.sha1 + " " + keychain}},
		{target.windowsStore(), "windows",
			[]string{"certutil -user -addstore Root " + target.file}, []string{"certutil -user -delstore Root " + target.sha1}},
		{target.fedoraStore(), "linux",
			[]string{"install -m 644 " + target.file + " /etc/pki/ca-trust/source/anchors/" + target.name + ".pem", "update-ca-trust extract"},
			[]string{"rm -f /etc/pki/ca-trust/source/anchors/" + target.name + ".pem", "update-ca-trust extract"}},
	} {
		t.Run(tt.store.platform, func(t *testing.T) {
			r := &recorded{}
			s := tt.store
			s.has = func(ctx context.Context, m machine) (bool, error) {
				if s.platform == "windows" {
					return tt.store.has(ctx, m)
				}
				return r.trusted, nil
			}
			m := r.machine(tt.system, true, s)
			var out bytes.Buffer
			a := &app{stdout: &out, stderr: &out}
			do := func(f trustFlags, want []string, wantOut string) {
				t.Helper()
				r.ran = nil
				out.Reset()
				if err := a.change(t.Context(), s, f, m); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(r.ran, want) {
					t.Errorf("ran %q, want %q", r.ran, want)
				}
				if !strings.HasPrefix(out.String(), s.platform+": "+wantOut+" "+s.where+"\n") {
					t.Errorf("said %q, want %q", out.String(), wantOut)
				}
			}
			do(trustFlags{install: true}, tt.want, "trusted now in")
			do(trustFlags{install: true}, nil, "trusted already in")
			do(trustFlags{uninstall: true}, tt.wantX, "no longer trusted in")
			do(trustFlags{uninstall: true}, nil, "nothing to take back in")

			refused := func(m machine, want string) {
				t.Helper()
				r.ran = nil
				if err := a.change(t.Context(), s, trustFlags{install: true}, m); err == nil || !strings.Contains(err.Error(), want) || len(r.ran) > 0 {
					t.Errorf("%v after %q, want %q", err, r.ran, want)
				}
			}
			refused(r.machine("plan9", true, s), "this is plan9")
			if s.root {
				refused(r.machine(tt.system, false, s), "root's rights")
			}
			r.missing = s.tool
			refused(m, s.tool+" is not installed")
			r.missing = ""
			r.fails = tt.want[len(tt.want)-1]
			err := a.change(t.Context(), s, trustFlags{install: true}, m)
			if err == nil || !strings.Contains(err.Error(), "failed: it will not") || r.trusted { // what was done before is taken back
				t.Errorf("a step failed: %v, trusted %v", err, r.trusted)
			}
		})
	}
	// What macOS prints of a certificate is recognised.
	r := &recorded{trusted: true}
	m := r.machine("darwin", true, store{})
	m.run = func(context.Context, command) (string, error) { return "SHA-1 hash: " + target.sha1 + "\n", nil }
	if has, err := target.macStore().has(t.Context(), m); err != nil || !has {
		t.Errorf("macOS: %v, %v", has, err)
	}
	if line := target.macStore().line(command{"security", "a b"}); line != "sudo security 'a b'" {
		t.Errorf("macOS: %s", line)
	}
	if line := target.windowsStore().line(command{"certutil", `C:\Users\a b\ca.pem`}); line != `certutil "C:\Users\a b\ca.pem"` {
		t.Errorf("Windows: %s", line)
	}
}

// changes does what --install and --uninstall do, twice each, and calls check
// after the first of each.
func changes(t *testing.T, s store, check func(trusted bool)) {
	t.Helper()
	var out bytes.Buffer
	a := &app{stdout: &out, stderr: &out}
	for _, f := range []trustFlags{{install: true}, {uninstall: true}} {
		for i, want := range map[bool][]string{true: {"trusted now in ", "trusted already in "}, false: {"no longer trusted in ", "nothing to take back in "}}[f.install] {
			out.Reset()
			if err := a.change(t.Context(), s, f, thisMachine()); err != nil || !strings.HasPrefix(out.String(), s.platform+": "+want) {
				t.Fatalf("%v %q, want %q", err, out.String(), want)
			}
			if i == 0 {
				check(f.install)
			}
		}
	}
}

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := thisMachine().look(p); err != nil {
			t.Skip("needs " + p)
		}
	}
}

// update-ca-certificates in folders of the test's own: OpenSSL trusts a leaf by
// what is in them, and then no longer, and nothing is left.
func TestTrustOnDebian(t *testing.T) {
	needs(t, "update-ca-certificates", "openssl")
	ca := testAuthority(t)
	dir := t.TempDir()
	target := newTarget(ca)
	system := filepath.Join(dir, "system")
	target.debian = debianFolders{local: filepath.Join(dir, "local"), etc: filepath.Join(dir, "etc")}
	target.debian.others = []string{"--localcertsdir", target.debian.local, "--etccertsdir", target.debian.etc,
		"--hooksdir", filepath.Join(dir, "none"), "--certsdir", system, "--certsconf", filepath.Join(dir, "conf")}
	for _, d := range []string{target.debian.local, target.debian.etc, system} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var others []byte // what the system trusts
	for _, name := range []string{"one.crt", "two.crt"} {
		cert := testAuthority(t).CertPEM()
		others = append(others, cert...)
		if err := os.WriteFile(filepath.Join(system, name), cert, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte("one.crt\ntwo.crt\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := thisMachine().run(t.Context(), target.debianStore().install[1]); err != nil {
		t.Skipf("update-ca-certificates does not run here: %v %s", err, out)
	}
	names := func() string {
		var all []string
		for _, d := range []string{target.debian.local, target.debian.etc} {
			list, err := os.ReadDir(d)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				all = append(all, e.Name())
			}
		}
		return strings.Join(all, "\n")
	}
	before := names()
	leaf, between := leafFiles(t, ca, "um.contoso.test")
	changes(t, target.debianStore(), func(trusted bool) {
		for _, where := range [][]string{
			{"-CAfile", filepath.Join(target.debian.etc, "ca-certificates.crt"), "-no-CApath"},
			{"-CApath", target.debian.etc, "-no-CAfile"},
		} {
			out, err := exec.Command("openssl", slices.Concat([]string{"verify", "-untrusted", between}, where, []string{leaf})...).CombinedOutput()
			if (err == nil) != trusted {
				t.Errorf("%s: trusted %v: %v %s", where[0], trusted, err, out)
			}
		}
	})
	if bundle, err := os.ReadFile(filepath.Join(target.debian.etc, "ca-certificates.crt")); err != nil || !bytes.Equal(bundle, others) {
		t.Errorf("the system's own are not as they were: %v", err)
	}
	if after := names(); after != before {
		t.Errorf("what is left differs: before\n%s\nafter\n%s", before, after)
	}
}

func TestTrustInAJavaKeystore(t *testing.T) {
	needs(t, "keytool")
	ca := testAuthority(t)
	dir := t.TempDir()
	keystore, password := filepath.Join(dir, "client.p12"), filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("of-the-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	use := func(name string) store {
		t.Helper()
		target := newTarget(ca)
		if err := target.choose(trustFlags{keystore: keystore, storepassFile: name}, thisMachine()); err != nil {
			t.Fatal(err)
		}
		return target.javaStore()
	}
	changes(t, use(password), func(trusted bool) {
		out, err := exec.Command("keytool", "-J-Duser.language=en", "-list", "-v", "-keystore", keystore, "-storepass:file", password).CombinedOutput()
		if err != nil || strings.Contains(string(out), ca.Fingerprint()) != trusted {
			t.Errorf("trusted %v: %v\n%s", trusted, err, out)
		}
	})
	t.Setenv(storepassVariable, "guessed-wrong")
	s := use("")
	if line := s.line(s.install[0]); !strings.Contains(line, "-storepass:env "+storepassVariable) || strings.Contains(line, "guessed-wrong") {
		t.Errorf("others can read the command line: %s", line)
	}
	a := &app{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	err := a.change(t.Context(), s, trustFlags{install: true, keystore: keystore}, thisMachine())
	var hinted *hintedError
	if !errors.As(err, &hinted) || !strings.Contains(hinted.hint, "--storepass-file") || strings.Contains(err.Error(), "guessed-wrong") {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestTrustInAnNSSDatabase(t *testing.T) {
	needs(t, "certutil")
	ca := testAuthority(t)
	db := t.TempDir()
	target := newTarget(ca)
	a := &app{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	err := a.change(t.Context(), target.nssStore(db), trustFlags{install: true}, thisMachine())
	if err == nil || !strings.Contains(err.Error(), db+" holds no NSS database") {
		t.Errorf("without a database: %v", err)
	}
	if out, err := exec.Command("certutil", "-N", "--empty-password", "-d", "sql:"+db).CombinedOutput(); err != nil {
		t.Skipf("certutil is not NSS's: %v %s", err, out)
	}
	leaf, between := leafFiles(t, ca, "um.contoso.test")
	for name, file := range map[string]string{"leaf": leaf, "between": between} {
		if out, err := exec.Command("certutil", "-A", "-d", "sql:"+db, "-n", name, "-t", ",,", "-a", "-i", file).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	changes(t, target.nssStore(db), func(trusted bool) {
		out, err := exec.Command("certutil", "-V", "-d", "sql:"+db, "-n", "leaf", "-u", "V").CombinedOutput()
		if (err == nil) != trusted {
			t.Errorf("trusted %v: %v %s", trusted, err, out)
		}
	})
}
