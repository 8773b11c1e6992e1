package cassettes

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestFormWordsAreAll: whatever redactTokens redacts is found by its words first.
func TestFormWordsAreAll(t *testing.T) {
	key := strings.Repeat("aB3", 20)
	for _, secret := range []string{
		"x TlRMTVNTUAABAAAA", "x Y5UTE1TU1AAAAAAA", "x YYOVExNU1NQAAAAAA", "x NTLMSSP\x00\x01\x02", "Basic YWxpY2U6c2VjcmV0", "BASIC YWxpY2U6c2VjcmV0", "basic YWxpY2U6c2VjcmV0",
		"Bearer abcdefghij0123456789", "bearer abcdefghij0123456789", "BEARER abcdefghij0123456789", "eyJhbGciOi.eyJzdWIi.c2ln",
		"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----", "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t",
		"ghp_" + key[:36], "github_pat_" + key, "glpat-" + key, "AKIA0123456789ABCDEF", "ASIA0123456789ABCDEF", "AIza" + key[:35], "xoxb-" + key, "sk_live_" + key, "rk_live_" + key,
	} {
		for _, text := range []string{secret, "<a>" + secret + "</a>", "a " + secret} {
			if redactTokens(text, nil) == text {
				t.Errorf("%q is kept", text)
			}
		}
	}
}

// TestWordSet compares with a search for each word.
func TestWordSet(t *testing.T) {
	kinds := [][]string{{"aba", "abb"}, {"abab"}, {"\x00\xffa", "zzz"}}
	set := wordSetOf(kinds...)
	random := rand.New(rand.NewPCG(1, 2))
	count := map[uint16]int{}
	for range 20_000 {
		b := make([]byte, random.IntN(10))
		for i := range b {
			b[i] = "abz\x00\xff"[random.IntN(5)]
		}
		text, want := string(b), uint16(0)
		for kind, words := range kinds {
			if containsAny(text, words...) {
				want |= 1 << kind
			}
		}
		if got := set.in(text); got != want {
			t.Fatalf("%q: %b, want %b", text, got, want)
		}
		count[want]++
	}
	if len(count) < 6 {
		t.Fatalf("too few combinations: %v", count)
	}
}
