package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/umtape/umtape/proxy"
)

// runCommand is run with its output; dir is the --ca-dir.
func runCommand(t *testing.T, wantCode int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), &out, &err); code != wantCode {
		t.Fatalf("umtape %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, wantCode, &out, &err)
	}
	return out.String(), err.String()
}

// Java and OpenSSL read the trust store, find the certificate, and no key.
func TestExportedPKCS12IsReadByOthers(t *testing.T) {
	dir := t.TempDir()
	caDir, file := filepath.Join(dir, "ca"), filepath.Join(dir, "umtape.p12")
	passwordFile := filepath.Join(dir, "password")
	if err := os.WriteFile(passwordFile, []byte("of the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	runCommand(t, 0, "ca", "export", "--ca-dir", caDir, "--format", "p12", "--password-file", passwordFile, file)
	ca, err := proxy.LoadCA(caDir)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if certs, err := pkcs12.DecodeTrustStore(data, "of the file"); err != nil || len(certs) != 1 || !certs[0].Equal(ca.Certificate()) {
		t.Errorf("it holds %d certificates, %v", len(certs), err)
	}
	if _, _, err := pkcs12.Decode(data, "of the file"); err == nil {
		t.Error("it holds a key")
	}
	for _, tool := range []struct {
		name string
		args []string
		want string
	}{
		{"keytool", []string{"-J-Duser.language=en", "-list", "-v", "-storetype", "PKCS12", "-keystore", file, "-storepass:file", passwordFile}, "SHA256: " + ca.Fingerprint()},
		{"openssl", []string{"pkcs12", "-in", file, "-passin", "file:" + passwordFile}, string(ca.CertPEM())},
	} {
		t.Run(tool.name, func(t *testing.T) {
			if _, err := exec.LookPath(tool.name); err != nil {
				t.Skip("needs " + tool.name)
			}
			out, err := exec.Command(tool.name, tool.args...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), tool.want) || strings.Contains(string(out), "PRIVATE KEY") || strings.Contains(string(out), "PrivateKeyEntry") {
				t.Errorf("%v\n%s\nwant %s and no key", err, out, tool.want)
			}
		})
	}
}
