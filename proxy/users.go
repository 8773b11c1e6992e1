package proxy

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/crypto/bcrypt"
)

const (
	maxUsersBytes = 1 << 20
	maxBcryptCost = 14               // a check takes a second; each more doubles it
	maxCredential = 1 << 10          // of "user:password"; bcrypt looks at 72 bytes of a password
	goodFor       = 5 * time.Minute  // how long a password counts without another bcrypt
	badFor        = time.Minute      // how long a wrong one does
	passwordsKept = 1024             // of each
	passwordWait  = 10 * time.Second // for those before; then the client is told to try again
)

// Users are the names and passwords of those who may use the proxy. All methods
// may be called at once.
type Users struct {
	hashes map[string][]byte // bcrypt's, by name
	all    [][]byte          // the same, in some order

	// One bcrypt at a time is all that passwords may cost this machine, and each
	// client waits for its own before the next is in line, so that one that guesses
	// does not keep the others waiting.
	slot    chan struct{}
	clients turns

	// Fingerprints of credentials by a key that nobody knows: how long it takes to
	// find one tells nothing about the password.
	key       []byte
	good, bad *lru.Cache[fingerprint, time.Time] // until when

	now     func() time.Time
	compare func(hash, password []byte) error
}

type fingerprint [sha256.Size]byte

// ReadUsers reads a file as htpasswd -B writes it: lines of "name:hash", the hash
// by bcrypt ($2a$, $2b$ or $2y$); empty lines and those that begin with # do not
// count. Errors name file and line, and quote nothing of it. A file that others
// may change is refused; warning is not "" for one that they may read.
func ReadUsers(file string) (u *Users, warning string, err error) {
	data, mode, err := readUsersFile(file)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", file, err)
	}
	if runtime.GOOS != "windows" {
		if mode.Perm()&0o022 != 0 {
			return nil, "", fmt.Errorf("%s: others may add users to it (mode %04o): run `chmod go-w %[1]s`", file, mode.Perm())
		}
		if mode.Perm()&0o004 != 0 {
			warning = fmt.Sprintf("%s: everybody on this machine may read it and try out passwords (mode %04o): run `chmod o-r %[1]s`", file, mode.Perm())
		}
	}
	hashes, err := parseUsers(file, data)
	if err != nil {
		return nil, "", err
	}
	return newUsers(hashes), warning, nil
}

func newUsers(hashes map[string][]byte) *Users {
	u := &Users{hashes: hashes, slot: make(chan struct{}, 1), key: make([]byte, sha256.Size), now: time.Now, compare: bcrypt.CompareHashAndPassword}
	for _, hash := range hashes {
		u.all = append(u.all, hash)
	}
	rand.Read(u.key)
	var err error
	if u.good, err = lru.New[fingerprint, time.Time](passwordsKept); err == nil {
		u.bad, err = lru.New[fingerprint, time.Time](passwordsKept)
	}
	if err != nil {
		panic(err) // only for a size below one
	}
	return u
}

func readUsersFile(file string) ([]byte, fs.FileMode, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, withoutPath(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, withoutPath(err)
	}
	if info.IsDir() {
		return nil, 0, errors.New("it is a folder: name the file that htpasswd -B writes")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxUsersBytes+1))
	if err != nil {
		return nil, 0, withoutPath(err)
	}
	if len(data) > maxUsersBytes {
		return nil, 0, fmt.Errorf("it is longer than %d bytes: name the file that htpasswd -B writes", maxUsersBytes)
	}
	return data, info.Mode(), nil
}

func parseUsers(file string, data []byte) (map[string][]byte, error) {
	hashes, lines := make(map[string][]byte), make(map[string]int)
	number := 0
	for line := range strings.Lines(string(bytes.TrimPrefix(data, []byte("\ufeff")))) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		wrong := func(format string, args ...any) (map[string][]byte, error) {
			return nil, fmt.Errorf("%s:%d: %s", file, number, fmt.Sprintf(format, args...))
		}
		name, rest, found := strings.Cut(line, ":")
		if !found || name == "" {
			return wrong("want NAME:HASH: write the file with `htpasswd -B`")
		}
		hash, _, _ := strings.Cut(rest, ":") // what follows is for people
		if !isBcrypt(hash) {
			return wrong("the password is not hashed with bcrypt: set it again with `htpasswd -B %s NAME`", file)
		}
		if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost > maxBcryptCost {
			return wrong("checking this password would take seconds, and bcrypt costs of up to %d are taken: set it again with `htpasswd -B -C 10 %s NAME`", maxBcryptCost, file)
		}
		if first := lines[name]; first > 0 {
			return wrong("this name is in line %d already: take one of the lines out", first)
		}
		hashes[name], lines[name] = []byte(hash), number
	}
	if len(hashes) == 0 {
		return nil, fmt.Errorf("%s: no user is in it: add one with `htpasswd -B %[1]s NAME`", file)
	}
	return hashes, nil
}

// isBcrypt does not take $2x$, which marks the hashes of a faulty program.
func isBcrypt(hash string) bool {
	const letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if len(hash) != 60 || !slices.Contains([]string{"$2a$", "$2b$", "$2y$"}, hash[:4]) || hash[6] != '$' {
		return false
	}
	return strings.Trim(hash[7:], letters) == ""
}

// admit says why a client with these values of Proxy-Authorization is not served.
func (u *Users) admit(ctx context.Context, client netip.Addr, values []string) *refusal {
	if len(values) == 0 {
		return noPassword
	}
	credential, ok := basicCredential(values)
	if !ok {
		return wrongPassword
	}
	mac := hmac.New(sha256.New, u.key)
	mac.Write(credential)
	mark := fingerprint(mac.Sum(nil))
	if refused, known := u.known(mark); known {
		return refused
	}
	ctx, cancel := context.WithTimeout(ctx, passwordWait)
	defer cancel()
	leave, ok := u.clients.enter(ctx, neighbours(client))
	if !ok {
		return tooManyPasswords
	}
	defer leave()
	if refused, known := u.known(mark); known { // found out while we waited
		return refused
	}
	select {
	case u.slot <- struct{}{}:
		defer func() { <-u.slot }()
	case <-ctx.Done():
		return tooManyPasswords
	}
	if refused, known := u.known(mark); known { // by the same user elsewhere
		return refused
	}
	if !u.check(credential) {
		u.bad.Add(mark, u.now().Add(badFor))
		return wrongPassword
	}
	u.good.Add(mark, u.now().Add(goodFor))
	return nil
}

// known is what an earlier check has found.
func (u *Users) known(mark fingerprint) (refused *refusal, known bool) {
	now := u.now()
	if until, ok := u.good.Get(mark); ok && now.Before(until) {
		return nil, true
	}
	if until, ok := u.bad.Get(mark); ok && now.Before(until) {
		return wrongPassword, true
	}
	return nil, false
}

// check takes as long for a name that is not known: it then compares with the
// hash of another, always the same for that name, for their costs may differ.
func (u *Users) check(credential []byte) bool {
	name, password, _ := bytes.Cut(credential, []byte(":"))
	hash, known := u.hashes[string(name)]
	if !known {
		mac := hmac.New(sha256.New, u.key)
		mac.Write([]byte("nobody"))
		mac.Write(name)
		hash = u.all[binary.BigEndian.Uint64(mac.Sum(nil))%uint64(len(u.all))]
	}
	return u.compare(hash, password) == nil && known
}

// basicCredential gives "user:password" (RFC 7617 §2).
func basicCredential(values []string) ([]byte, bool) {
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Basic") {
		return nil, false
	}
	token = strings.TrimRight(strings.TrimSpace(token), "=")
	if len(token) > base64.RawStdEncoding.EncodedLen(maxCredential) {
		return nil, false
	}
	credential, err := base64.RawStdEncoding.DecodeString(token)
	return credential, err == nil && bytes.IndexByte(credential, ':') > 0
}

// neighbours is who counts as one client: of IPv6 everybody has a network.
func neighbours(client netip.Addr) netip.Prefix {
	bits := client.BitLen()
	if client.Is6() {
		bits = 64
	}
	p, _ := client.Prefix(bits)
	return p
}

// turns lets each client have one turn at a time. The zero value is ready.
type turns struct {
	mu   sync.Mutex // guards what follows
	held map[netip.Prefix]*turn
}

type turn struct {
	taken chan struct{}
	users int // that wait or have it
}

// enter waits for the client's turn. ok is false if ctx ends before.
func (t *turns) enter(ctx context.Context, client netip.Prefix) (leave func(), ok bool) {
	t.mu.Lock()
	if t.held == nil {
		t.held = make(map[netip.Prefix]*turn)
	}
	mine := t.held[client]
	if mine == nil {
		mine = &turn{taken: make(chan struct{}, 1)}
		t.held[client] = mine
	}
	mine.users++
	t.mu.Unlock()
	select {
	case mine.taken <- struct{}{}:
		return func() { <-mine.taken; t.quit(client, mine) }, true
	case <-ctx.Done():
		t.quit(client, mine)
		return nil, false
	}
}

func (t *turns) quit(client netip.Prefix, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.held, client)
	}
}
