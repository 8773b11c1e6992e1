package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/umtape/umtape/proxy"
)

// store is a place in which certificates are trusted, and what puts one there.
// The commands that are printed are the ones that are run.
type store struct {
	platform string   // its name on the command line
	title    string   // who looks there
	where    string   // what is changed
	notes    []string // for people
	system   string   // the runtime.GOOS it is found on; "" for several
	root     bool     // only root can change it
	tool     string   // the first program it takes
	packages string   // what to install if that is missing

	install, uninstall []command
	has                func(context.Context, machine) (bool, error)
	ready              func() error // what else has to be so; nil if nothing
}

type command []string

// machine is what stores are changed through; tests have one of their own.
type machine struct {
	system string // as runtime.GOOS
	root   bool
	look   func(program string) (string, error)
	run    func(ctx context.Context, c command) (output string, err error)
}

func thisMachine() machine {
	return machine{
		system: runtime.GOOS,
		root:   os.Geteuid() == 0,
		look: func(program string) (string, error) {
			path, err := exec.LookPath(program)
			if err != nil && exists("/usr/sbin/"+program) { // which only root has on its PATH
				return "/usr/sbin/" + program, nil
			}
			return path, err
		},
		run: func(ctx context.Context, c command) (string, error) {
			out, err := exec.CommandContext(ctx, c[0], c[1:]...).CombinedOutput()
			return string(out), err
		},
	}
}

// target is the certificate to be trusted, and where the user wants it.
type target struct {
	file string // of the certificate, PEM
	pem  []byte
	name string // for stores that name their entries
	sha1 string // as Windows and macOS name certificates: upper-case digits

	keystore  string   // of Java; "" is the JDK's own
	storepass []string // as keytool takes it
	keytool   string
	cacerts   string   // the file of the JDK's own; "" if it was not found
	nssdbs    []string // folders
	debian    debianFolders
}

func newTarget(ca *proxy.CA) target {
	file := ca.CertFile()
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	return target{
		file: file, pem: ca.CertPEM(), name: trustName(ca),
		sha1:      fmt.Sprintf("%X", sha1.Sum(ca.Certificate().Raw)),
		storepass: []string{"-storepass", "changeit"},
		keytool:   "keytool",
		debian:    debianFolders{local: "/usr/local/share/ca-certificates", etc: "/etc/ssl/certs"},
	}
}

// platforms are the names of all stores, in the order of help.
var platforms = []string{"debian", "fedora", "macos", "windows", "java", "nss"}

// stores are those of a platform: one, but NSS may have several.
func (t target) stores(platform string) []store {
	switch platform {
	case "debian":
		return []store{t.debianStore()}
	case "fedora":
		return []store{t.fedoraStore()}
	case "macos":
		return []store{t.macStore()}
	case "windows":
		return []store{t.windowsStore()}
	case "java":
		return []store{t.javaStore()}
	case "nss":
		var all []store
		for _, db := range t.nssdbs {
			all = append(all, t.nssStore(db))
		}
		return all
	}
	return nil
}

// debianFolders are those of update-ca-certificates. others are its options for
// the rest of its files: with them, which tests give, it leaves the machine alone.
type debianFolders struct {
	local, etc string
	others     []string
}

func (t target) debianStore() store {
	d := t.debian
	crt, link := filepath.Join(d.local, t.name+".crt"), filepath.Join(d.etc, t.name+".pem")
	update := append(command{"update-ca-certificates"}, d.others...)
	s := store{
		platform: "debian", system: "linux", root: d.others == nil,
		title: "Debian, Ubuntu and their kin: curl, wget, Go, .NET, PHP, whatever uses OpenSSL or GnuTLS",
		where: filepath.Join(d.etc, "ca-certificates.crt"),
		notes: []string{"Python's requests, Node.js, Firefox and Chromium do not look there."},
		tool:  "update-ca-certificates", packages: "ca-certificates",
		install: []command{{"install", "-m", "644", t.file, crt}, update},
		// Without --fresh, which would put certificates into Java's store that an
		// administrator took out. So the links are for us to remove.
		uninstall: []command{{"rm", "-f", crt, link}, update, {"openssl", "rehash", d.etc}},
		has: func(context.Context, machine) (bool, error) {
			have, err := sameFile(crt, t.pem)
			_, linked := os.Lstat(link)
			return have && linked == nil, err
		},
	}
	// Debian's Java takes over what is added here, and not what is taken away.
	const java = "/etc/ssl/certs/java/cacerts"
	if _, err := os.Stat(java); err == nil && d.others == nil {
		s.notes = append(s.notes, "Debian's Java has a copy, and so trusts it too: "+java+".")
		s.uninstall = append(s.uninstall, command{"sh", "-c",
			"keytool -delete -alias debian:" + t.name + ".pem -keystore " + java + " -storepass changeit >/dev/null 2>&1 || true"})
	}
	return s
}

func (t target) fedoraStore() store {
	anchor := "/etc/pki/ca-trust/source/anchors/" + t.name + ".pem"
	update := command{"update-ca-trust", "extract"}
	return store{
		platform: "fedora", system: "linux", root: true,
		title: "Fedora, RHEL and their kin: curl, Go, .NET, Java, whatever uses OpenSSL, GnuTLS or NSS",
		where: "/etc/pki/ca-trust",
		tool:  "update-ca-trust", packages: "ca-certificates",
		install:   []command{{"install", "-m", "644", t.file, anchor}, update},
		uninstall: []command{{"rm", "-f", anchor}, update},
		has:       func(context.Context, machine) (bool, error) { return sameFile(anchor, t.pem) },
	}
}

func (t target) macStore() store {
	const keychain = "/Library/Keychains/System.keychain"
	return store{
		platform: "macos", system: "darwin", root: true,
		title: "macOS, all users: Safari, Chrome, curl, Go, .NET",
		where: keychain, tool: "security",
		install:   []command{{"security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", keychain, t.file}},
		uninstall: []command{{"security", "remove-trusted-cert", "-d", t.file}, {"security", "delete-certificate", "-Z", t.sha1, keychain}},
		has: func(ctx context.Context, m machine) (bool, error) {
			out, err := m.run(ctx, command{"security", "find-certificate", "-a", "-Z", keychain})
			return strings.Contains(out, t.sha1), toolError("security", out, err)
		},
	}
}

func (t target) windowsStore() store {
	return store{
		platform: "windows", system: "windows",
		title: "Windows, the current user: .NET and WCF, Edge, Chrome, PowerShell, curl.exe, Go",
		where: "the user's Root store",
		notes: []string{
			"Windows asks in a window whether you mean it.",
			"For services, as administrator, without -user: they run as other users.",
		},
		tool:      "certutil",
		install:   []command{{"certutil", "-user", "-addstore", "Root", t.file}},
		uninstall: []command{{"certutil", "-user", "-delstore", "Root", t.sha1}},
		has: func(ctx context.Context, m machine) (bool, error) {
			_, err := m.run(ctx, command{"certutil", "-user", "-store", "Root", t.sha1})
			var exit *exec.ExitError
			if errors.As(err, &exit) { // it is not there
				return false, nil
			}
			return err == nil, err
		},
	}
}

func (t target) javaStore() store {
	in, where := []string{"-cacerts"}, "the JDK's cacerts"
	if t.cacerts != "" {
		where = t.cacerts
	}
	file := t.cacerts
	if t.keystore != "" {
		in, where, file = []string{"-keystore", t.keystore}, t.keystore, t.keystore
	}
	in = append(in, t.storepass...)
	keytool := func(args ...string) command { return append(append(command{t.keytool}, args...), in...) }
	return store{
		platform: "java",
		title:    "Java: what runs on this JDK, or with -Djavax.net.ssl.trustStore=FILE",
		where:    where,
		notes:    []string{"For another JDK set JAVA_HOME; for a store of your own name it with --keystore FILE."},
		tool:     t.keytool, packages: "default-jre-headless, or any JDK",
		install:   []command{keytool("-importcert", "-noprompt", "-alias", t.name, "-file", t.file)},
		uninstall: []command{keytool("-delete", "-alias", t.name)},
		has: func(ctx context.Context, m machine) (bool, error) {
			if t.keystore != "" {
				if _, err := os.Stat(t.keystore); errors.Is(err, os.ErrNotExist) {
					return false, nil // keytool makes it
				}
			}
			out, err := m.run(ctx, keytool("-J-Duser.language=en", "-list", "-alias", t.name))
			if err != nil && strings.Contains(out, t.name+"> does not exist") {
				return false, nil
			}
			if err != nil {
				err = hint(toolError("keytool", out, err), "if the password is wrong: it is read from --storepass-file, or $%s, and is changeit without either", storepassVariable)
			}
			return err == nil, err
		},
		ready: func() error { return writable(file) },
	}
}

func (t target) nssStore(folder string) store {
	db := []string{"-d", "sql:" + folder}
	return store{
		platform: "nss",
		title:    "Firefox and Chromium on Linux: NSS database " + folder,
		where:    folder,
		notes:    []string{"Restart the browser afterwards."},
		tool:     "certutil", packages: "libnss3-tools (Debian), nss-tools (Fedora), nss (Homebrew)",
		install:   []command{append(command{"certutil", "-A", "-n", t.name, "-t", "C,,", "-a", "-i", t.file}, db...)},
		uninstall: []command{append(command{"certutil", "-D", "-n", t.name}, db...)},
		has: func(ctx context.Context, m machine) (bool, error) {
			out, err := m.run(ctx, append(command{"certutil", "-L", "-n", t.name}, db...))
			if err != nil && strings.Contains(out, "PR_FILE_NOT_FOUND_ERROR") || strings.Contains(out, "Could not find cert: "+t.name) {
				return false, nil
			}
			return err == nil, toolError("certutil", out, err)
		},
		ready: func() error {
			if _, err := os.Stat(filepath.Join(folder, "cert9.db")); err != nil {
				return hint(fmt.Errorf("%s holds no NSS database (cert9.db)", folder), "start the browser once, or make one: mkdir -p %s && certutil -N --empty-password -d sql:%[1]s", shellQuote(folder))
			}
			return writable(filepath.Join(folder, "cert9.db"))
		},
	}
}

func sameFile(path string, data []byte) (bool, error) {
	old, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return bytes.Equal(old, data), err
}

// writable says plainly that a file is somebody else's. One that is not there is
// for its tool to make.
func writable(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s is not yours to write: %w", path, errNeedsRoot)
	case errors.Is(err, os.ErrNotExist):
		return nil
	}
	return err
}

var errNeedsRoot = errors.New("it takes root's rights")

// toolError is err with what the tool said, on one line. No tool is given a
// password that it could repeat but Java's own "changeit".
func toolError(tool, output string, err error) error {
	if err == nil {
		return nil
	}
	text := strings.Join(strings.Fields(output), " ")
	if len(text) > 300 {
		text = text[:300] + "..."
	}
	if text == "" {
		text = err.Error()
	}
	return fmt.Errorf("%s failed: %s", tool, text)
}
