package tapetest

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cassetteOf is where the cassette of a test is: in testdata, the folders and the
// file named as the tests within tests are.
func cassetteOf(test string) string {
	parts := strings.Split(test, "/")
	for i, part := range parts {
		parts[i] = fileName(part)
	}
	return filepath.Join("testdata", filepath.Join(parts...)+".yaml")
}

// maxName is the longest name, in bytes: some systems have 143, and there is more
// to come.
const maxName = 100

// fileName is a name as a file may have it on every system and in every module
// (golang.org/x/mod/module, CheckFilePath). One that had to be changed ends in
// digits of its own, so that no two become the same.
func fileName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) && r < utf8.RuneSelf || strings.ContainsRune("-_.=+,@()[]~", r) {
			return r
		}
		return '_'
	}, strings.ToValidUTF8(name, "_"))
	for len(clean) > maxName {
		_, size := utf8.DecodeLastRuneInString(clean)
		clean = clean[:len(clean)-size]
	}
	if clean == "" || strings.HasPrefix(clean, ".") || strings.HasSuffix(clean, ".") || reserved(clean) {
		clean = "_" + strings.Trim(clean, ".")
	}
	if clean == name {
		return name
	}
	return fmt.Sprintf("%s-%x", clean, sha256.Sum256([]byte(name)))[:len(clean)+1+8]
}

// reserved reports what Windows keeps for devices, whatever comes behind a dot.
func reserved(name string) bool {
	first, _, _ := strings.Cut(strings.ToUpper(name), ".")
	if len(first) == 4 && (first[:3] == "COM" || first[:3] == "LPT") && first[3] >= '0' && first[3] <= '9' {
		return true
	}
	return slices.Contains([]string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}, first)
}
