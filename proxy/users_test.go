package proxy

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func hashOf(t *testing.T, password, version string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return "$" + version + string(hash[3:])
}

var client1, client2 = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")

func TestReadUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	good := fmt.Sprintf("\ufeff# people\r\nanna:%s\r\n\r\nbert:%s:a remark\n  \nmüller:%s", hashOf(t, "a:b", "2a"), hashOf(t, "", "2b"), hashOf(t, strings.Repeat("x", 72), "2y"))
	write(good, 0o600)
	u, warning, err := ReadUsers(file)
	if err != nil || warning != "" {
		t.Fatal(err, warning)
	}
	for credential, ok := range map[string]bool{
		"anna:a:b": true, "bert:": true, "müller:" + strings.Repeat("x", 72): true,
		"anna:a": false, "anna:": false, "Anna:a:b": false, "# people:": false, ":": false, "": false, "anna": false,
		"bert:" + strings.Repeat("x", 2*maxCredential): false,
	} {
		if refused := u.admit(t.Context(), client1, []string{basic(credential)}); (refused == nil) != ok {
			t.Errorf("%.20q: %v, want ok %v", credential, refused, ok)
		}
	}

	hash := hashOf(t, "SECRET", "2y")
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "users: no user is in it: add one with `htpasswd -B "},
		{"comments", "# x\n", "no user is in it"},
		{"no_colon", "anna:" + hash + "\nSECRET\n", "users:2: want NAME:HASH"},
		{"no_name", ":" + hash, "users:1: want NAME:HASH"},
		{"apr1", "anna:$apr1$SECRET$SECRET", "users:1: the password is not hashed with bcrypt: set it again with `htpasswd -B "},
		{"sha", "anna:{SHA}SECRET", "not hashed with bcrypt"},
		{"plain", "anna:SECRET", "not hashed with bcrypt"},
		{"faulty_program", "anna:" + strings.Replace(hash, "$2y$", "$2x$", 1), "not hashed with bcrypt"},
		{"cut", "anna:" + hash[:59], "not hashed with bcrypt"},
		{"not_base64", "anna:" + hash[:59] + "!", "not hashed with bcrypt"},
		{"no_password", "anna:", "not hashed with bcrypt"},
		{"costly", "anna:" + hash[:4] + "15" + hash[6:], "users:1: checking this password would take seconds"},
		{"no_cost", "anna:" + hash[:4] + "99" + hash[6:], "users:1: checking"},
		{"twice", "anna:" + hash + "\n\nanna:" + hash, "users:3: this name is in line 1 already"},
		{"huge", strings.Repeat("#SECRET\n", maxUsersBytes/8+1), "longer than"},
	} {
		write(tt.text, 0o600)
		if _, _, err := ReadUsers(file); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "$2") {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, _, err := ReadUsers(filepath.Dir(file)); err == nil || !strings.Contains(err.Error(), "it is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, _, err := ReadUsers(file + "x"); err == nil || !strings.Contains(err.Error(), "usersx: no such file") && runtime.GOOS != "windows" {
		t.Errorf("no file: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	write(good, 0o620)
	if _, _, err := ReadUsers(file); err == nil || !strings.Contains(err.Error(), "run `chmod go-w "+file) {
		t.Errorf("a file that others may write: %v", err)
	}
	write(good, 0o644)
	if _, warning, err := ReadUsers(file); err != nil || !strings.Contains(warning, "run `chmod o-r "+file) {
		t.Errorf("a file that everybody may read: %v, warning %q", err, warning)
	}
	write(good, 0o640)
	if _, warning, err := ReadUsers(file); err != nil || warning != "" {
		t.Errorf("a file that a group may read: %v, warning %q", err, warning)
	}
}

// counted gives users with a bcrypt that counts and compares passwords with
// their hashes as they are.
func counted(hashes ...string) (*Users, *atomic.Int32) {
	all := make(map[string][]byte)
	for _, h := range hashes {
		name, hash, _ := strings.Cut(h, ":")
		all[name] = []byte(hash)
	}
	u, count := newUsers(all), new(atomic.Int32)
	u.compare = func(hash, password []byte) error {
		count.Add(1)
		if string(hash) != string(password) {
			return bcrypt.ErrMismatchedHashAndPassword
		}
		return nil
	}
	return u, count
}

func TestPasswordsAreCheckedOnceForATime(t *testing.T) {
	u, count := counted("anna:1", "bert:2")
	now := time.Unix(1e9, 0)
	u.now = func() time.Time { return now }
	try := func(credential string, want *refusal, checks int32) {
		t.Helper()
		before := count.Load()
		if got := u.admit(t.Context(), client1, []string{basic(credential)}); got != want || count.Load()-before != checks {
			t.Errorf("%s: %v after %d checks, want %v after %d", credential, got, count.Load()-before, want, checks)
		}
	}
	try("anna:1", nil, 1)
	try("anna:1", nil, 0)
	try("anna:2", wrongPassword, 1)
	try("anna:2", wrongPassword, 0)
	try("bert:2", nil, 1)
	// For a name that nobody has, there is as much to do, even with a password
	// that another has.
	try("nobody:1", wrongPassword, 1)
	try("nobody:2", wrongPassword, 1)
	now = now.Add(badFor)
	try("anna:2", wrongPassword, 1)
	try("anna:1", nil, 0)
	now = now.Add(goodFor)
	try("anna:1", nil, 1)
	// Guesses do not push out the passwords that are good.
	for i := range 2 * passwordsKept {
		u.admit(t.Context(), client1, []string{basic(fmt.Sprint("anna:guess", i))})
	}
	try("anna:1", nil, 0)
	if n := u.bad.Len(); n > passwordsKept {
		t.Errorf("%d wrong passwords kept, want %d at most", n, passwordsKept)
	}
}

// Whoever guesses has one guess checked at a time, and so others wait for one of
// them and not for all; nobody waits for ever.
func TestGuessesDoNotHoldOthersUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, _ := counted("anna:1")
		checking, proceed := make(chan string), make(chan struct{})
		var running atomic.Int32
		u.compare = func(_, password []byte) error {
			if n := running.Add(1); n > 1 {
				t.Errorf("%d passwords are checked at once", n)
			}
			defer running.Add(-1)
			checking <- string(password)
			<-proceed
			if string(password) != "1" {
				return bcrypt.ErrMismatchedHashAndPassword
			}
			return nil
		}
		const guesses = 50
		guessed := make(chan *refusal, guesses)
		for i := range guesses {
			go func() {
				guessed <- u.admit(context.Background(), client1, []string{basic(fmt.Sprint("anna:guess", i))})
			}()
		}
		<-checking
		synctest.Wait()
		good := make(chan *refusal, 3)
		for range cap(good) { // one check is enough for all
			go func() { good <- u.admit(context.Background(), client2, []string{basic("anna:1")}) }()
		}
		synctest.Wait()
		proceed <- struct{}{}
		if password := <-checking; password != "1" {
			t.Errorf("%q is checked before the other client's password", password)
		}
		proceed <- struct{}{}
		for range cap(good) {
			if refused := <-good; refused != nil {
				t.Errorf("refused: %s", refused.text)
			}
		}
		<-checking
		synctest.Wait()
		time.Sleep(passwordWait) // of the bubble
		for range guesses - 1 {  // all but the one that is being checked
			if refused := <-guessed; refused != tooManyPasswords && refused != wrongPassword {
				t.Errorf("got %v", refused)
			}
		}
		proceed <- struct{}{}
		synctest.Wait()
		if len(u.clients.held) != 0 || len(u.slot) != 0 {
			t.Errorf("%d clients are still in line", len(u.clients.held))
		}
	})
}

func TestNeighboursAreOneClient(t *testing.T) {
	for a, b := range map[string]string{"10.0.0.1": "10.0.0.1", "fd00::1": "fd00::2", "fd00:0:0:1::1": "fd00:0:0:1:ffff::"} {
		if x, y := neighbours(netip.MustParseAddr(a)), neighbours(netip.MustParseAddr(b)); x != y {
			t.Errorf("%s is in %v, %s in %v", a, x, b, y)
		}
	}
	if neighbours(client1) == neighbours(client2) || neighbours(netip.MustParseAddr("fd00::1")) == neighbours(netip.MustParseAddr("fd00:0:0:1::1")) {
		t.Error("strangers are one client")
	}
	neighbours(netip.Addr{}) // of a Unix socket
}
