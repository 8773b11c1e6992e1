package tapetest

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCassetteOf(t *testing.T) {
	for test, want := range map[string]string{
		"TestHangUp":              "testdata/TestHangUp.yaml",
		"TestHangUp/unknown_call": "testdata/TestHangUp/unknown_call.yaml",
		"TestHangUp/grüße":        "testdata/TestHangUp/grüße.yaml",
		"TestHangUp/a:b":          "testdata/TestHangUp/a_b-6783a31e.yaml",
		"TestHangUp/a?b":          "testdata/TestHangUp/a_b-c2a7b64a.yaml",
	} {
		if got := filepath.ToSlash(cassetteOf(test)); got != want {
			t.Errorf("%s: %s, want %s", test, got, want)
		}
	}
}

// No two tests have the same cassette, and every system can have a file of its
// name.
func TestCassettesOfOddNames(t *testing.T) {
	seen := map[string]string{}
	for _, part := range []string{
		"", ".", "..", "...", "a", "a.", "a ", "a_", "_", "a:b", "a?b", "a*b", `a\b`, "a|b", "a<b", "a>b", `a"b`, "a\x00b", "a\nb", "a\u202eb", "a\xffb",
		"nul", "NUL", "con.txt", "COM1", "lpt9.x", "com", "COM10", "#01", "a#01", "emoji\U0001f600", ".hidden", "-", "~",
		strings.Repeat("x", 300), strings.Repeat("x", 301), strings.Repeat("ü", 200),
	} {
		got := fileName(part)
		if other, was := seen[got]; was {
			t.Errorf("%q and %q are both %q", part, other, got)
		}
		seen[got] = part
		if got == "" || len(got) > 120 || strings.ContainsAny(got, "<>:\"/\\|?*\x00\n\u202e\ufffd#") || !utf8.ValidString(got) || strings.HasPrefix(got, ".") || strings.HasSuffix(got, ".") || strings.HasSuffix(got, " ") || reserved(got) {
			t.Errorf("%q is %q", part, got)
		}
	}
}
