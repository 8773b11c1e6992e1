package cassettes

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is a credential by its form, wherever it stands and whatever it is called.

// The kinds of secrets that are told by their form.
const (
	kindNTLM    = "NTLM message"
	kindJWT     = "JSON Web Token"
	kindKey     = "private key"
	kindBasic   = "Basic credentials"
	kindBearer  = "bearer token"
	kindURL     = "user information in a URL"
	kindKeyOf   = "API key"
	kindNamed   = "credential" // told by its name
	kindEncoded = "credential in base64"
)

// ntlmMarks are what base64 makes of "NTLMSSP\0" at each of the three places it can
// have in a group of three bytes; SPNEGO wraps such a message.
var ntlmMarks = [3]string{"TlRMTVNTUA", "5UTE1TU1A", "OVExNU1NQA"}

const (
	ntlmRaw  = "NTLMSSP\x00"
	keyMark  = "LS0tLS1CRUdJTi" // "-----BEGIN " in base64
	keyWords = "PRIVATE KEY"
	jwtMark  = "eyJ" // `{"` in base64
)

// Schemes as clients spell them; a search in any case costs too much.
var (
	basicMarks  = []string{"Basic", "basic", "BASIC"}
	bearerMarks = []string{"Bearer", "bearer", "BEARER"}
)

var (
	jwtForm = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){0,2}`) // JWS and JWE, RFC 7515 and 7516
	keyForm = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|[<"']|$)`)
)

// keyStarts are how the keys of well-known services begin, and vendorKey is such a key.
var keyStarts = []string{"ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "AKIA", "ASIA", "AIza", "xox", "sk_live_", "rk_live_"}

var vendorKey = regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|A[KS]IA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}|xox[abprs]-[A-Za-z0-9-]{20,}|[sr]k_live_[A-Za-z0-9]{16,})\b`)

// schemeForms are what follows the name of an authentication scheme, name included.
var schemeForms = map[string]*regexp.Regexp{
	"basic":  regexp.MustCompile(`^(.{5}(?:\s|%20)+)([A-Za-z0-9+/_-]{4,}(?:=|%3[Dd]){0,2})`),
	"bearer": regexp.MustCompile(`^(.{6}(?:\s|%20)+)([A-Za-z0-9._~+/-]{16,}=*)`),
}

// tokenMarks are what [redactTokens] looks for: a text without any of them is clean.
var tokenMarks = newWordSet(slices.Concat(ntlmMarks[:], keyStarts, basicMarks, bearerMarks, []string{ntlmRaw, keyMark, keyWords, jwtMark})...)

// forming is told of a secret that is one by its form: its kind, and where in the text
// it was. nil tells nobody.
type forming func(kind string, at int)

func (f forming) tell(kind string, at int) {
	if f != nil {
		f(kind, at)
	}
}

// redactForms replaces what has the form of a credential, user information in URLs
// included.
func redactForms(text string, note forming) string {
	return redactUsers(redactTokens(text, note), note)
}

// redactTokens is redactForms without URLs, which in markup can be a namespace.
func redactTokens(text string, note forming) string {
	if len(text) < 8 || !tokenMarks.in(text) {
		return text
	}
	for _, mark := range ntlmMarks {
		if strings.Contains(text, mark) {
			text = replaceRuns(text, mark, func(run string, at int) bool { note.tell(kindNTLM, at); return true })
		}
	}
	if i := strings.Index(text, ntlmRaw); i >= 0 { // raw; it has no end of its own
		note.tell(kindNTLM, i)
		text = text[:i] + redacted
	}
	if strings.Contains(text, keyMark) {
		text = replaceRuns(text, keyMark, func(run string, at int) bool {
			plain, ok := fromBase64(run)
			if ok = ok && bytes.Contains(plain, []byte("PRIVATE KEY")); ok {
				note.tell(kindKey, at)
			}
			return ok
		})
	}
	if strings.Contains(text, keyWords) {
		text = replaceForm(text, keyForm, func(m string, at int) string {
			note.tell(kindKey, at)
			if last := m[len(m)-1]; last == '<' || last == '"' || last == '\'' {
				return redacted + m[len(m)-1:] // it was cut off
			}
			return redacted
		})
	}
	if strings.Contains(text, jwtMark) {
		text = replaceForm(text, jwtForm, func(m string, at int) string {
			note.tell(kindJWT, at)
			return redacted
		})
	}
	if containsAny(text, keyStarts...) {
		text = replaceForm(text, vendorKey, func(m string, at int) string {
			note.tell(kindKeyOf, at)
			return redacted
		})
	}
	if containsAny(text, basicMarks...) {
		text = redactBasic(text, note)
	}
	if containsAny(text, bearerMarks...) {
		text = redactBearer(text, note)
	}
	return text
}

func redactBasic(text string, note forming) string {
	return redactSchemes(text, "basic", func(token string, at int) bool {
		plain, ok := fromBase64(token)
		if ok = ok && bytes.IndexByte(plain, ':') >= 0 && isText(plain); ok {
			note.tell(kindBasic, at)
		}
		return ok
	})
}

func redactBearer(text string, note forming) string {
	return redactSchemes(text, "bearer", func(token string, at int) bool {
		ok := strings.ContainsAny(token, "0123456789") // else it may be words
		if ok {
			note.tell(kindBearer, at)
		}
		return ok
	})
}

// redactSchemes replaces what stands after the name of an authentication scheme, in
// any case, if it is a token.
func redactSchemes(text, scheme string, is func(token string, at int) bool) string {
	var b strings.Builder
	done := 0
	for pos := 0; ; {
		i := indexFold(text[pos:], scheme)
		if i < 0 {
			break
		}
		at := pos + i
		pos = at + len(scheme)
		if at > 0 && (isLetter(text[at-1]) || isDigit(text[at-1])) {
			continue
		}
		m := schemeForms[scheme].FindStringSubmatchIndex(text[at:min(len(text), at+maxToken)])
		if m == nil || !is(text[at+m[4]:at+m[5]], at) {
			continue
		}
		b.WriteString(text[done:at+m[4]] + redacted)
		done = at + m[5]
		pos = done
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// maxToken is more than any token after a scheme is long.
const maxToken = 128 << 10

// redactUsers replaces what stands between a URL's "://" and the "@" of its authority
// (RFC 3986 §3.2).
func redactUsers(text string, note forming) string {
	if strings.IndexByte(text, '@') < 0 {
		return text
	}
	var b strings.Builder
	done := 0
	for pos := 0; ; {
		i := strings.Index(text[pos:], "://")
		if i < 0 {
			break
		}
		from := pos + i + len("://")
		end := strings.IndexAny(text[from:], " \t\r\n/?#\"'<>\\`")
		if end < 0 {
			end = len(text) - from
		}
		pos = from + end
		at := strings.LastIndexByte(text[from:pos], '@')
		if i == 0 || at <= 0 || text[from:from+at] == redacted || !isLetter(text[from-4]) && !isDigit(text[from-4]) {
			continue
		}
		note.tell(kindURL, from)
		b.WriteString(text[done:from] + redacted)
		done = from + at
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// replaceForm replaces each match of a form. What with returns for a match that is
// none is the match itself.
func replaceForm(text string, form *regexp.Regexp, with func(match string, at int) string) string {
	var b strings.Builder
	done := 0
	for _, m := range form.FindAllStringIndex(text, -1) {
		was := text[m[0]:m[1]]
		if is := with(was, m[0]); is != was {
			b.WriteString(text[done:m[0]] + is)
			done = m[1]
		}
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// replaceRuns replaces each run of base64 that holds mark and is what is looked for.
func replaceRuns(text, mark string, is func(run string, at int) bool) string {
	var b strings.Builder
	done := 0
	for pos := 0; ; {
		i := strings.Index(text[pos:], mark)
		if i < 0 {
			break
		}
		from := pos + i
		for from > done && (base64Byte(text[from-1]) || text[from-1] == '\\') {
			from--
		}
		to := runEnd(text, pos+i)
		pos = to
		if is(text[from:to], from) {
			b.WriteString(text[done:from] + redacted)
			done = to
		}
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

func base64Byte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '+' || c == '/' || c == '-' || c == '_'
}

// runEnd returns where the base64 that is at pos ends, padding included, percent- and
// JSON-escapes too. It goes on in the next line if this one is long and that one is
// base64 as a whole, as MIME wraps it.
func runEnd(text string, pos int) int {
	start := pos
	for pos < len(text) {
		switch c := text[pos]; {
		case base64Byte(c):
			pos++
		case c == '=':
			for pos < len(text) && text[pos] == '=' {
				pos++
			}
			return pos
		case c == '%' && pos+2 < len(text) && isHex(text[pos+1]) && isHex(text[pos+2]):
			pos += 3
		case c == '\\' && pos+1 < len(text) && text[pos+1] == '/':
			pos += 2
		case (c == '\r' || c == '\n') && pos-start >= 40:
			next := skipSpace(text, pos)
			end := next
			for end < len(text) && base64Byte(text[end]) {
				end++
			}
			pad := end
			for pad < len(text) && text[pad] == '=' {
				pad++
			}
			if end-next < 4 || pad < len(text) && !space(text[pad]) && text[pad] != '<' && text[pad] != '"' && text[pad] != ']' {
				return pos
			}
			start, pos = next, end
		default:
			return pos
		}
	}
	return pos
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// fromBase64 decodes base64 of either alphabet, padded or not, in lines or not.
func fromBase64(s string) ([]byte, bool) {
	s = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n', '\\', '=':
			return -1
		case '-':
			return '+'
		case '_':
			return '/'
		}
		return r
	}, strings.NewReplacer("%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "", "%3d", "").Replace(s))
	b, err := base64.RawStdEncoding.DecodeString(s)
	return b, err == nil
}

func containsAny(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// indexFold returns where word, which is in lower case, first is in text, in any case.
func indexFold(text, word string) int {
	for pos := 0; pos+len(word) <= len(text); pos++ {
		if text[pos]|0x20 == word[0] && foldedASCII(text[pos:pos+len(word)], word) {
			return pos
		}
	}
	return -1
}

// encodedStarts are how base64 begins of what may hold a message: "<", "{", "[", a
// byte order mark, gzip.
const encodedStarts = "PeW7H"

// encodedWide is how it begins of UTF-16 with its byte order mark.
const encodedWide = "//4"

// redactEncoded takes credentials out of a value that is, as a whole, base64 of a
// message, and gives base64 of what is left.
func redactEncoded(value string, depth int) string {
	trimmed := strings.TrimSpace(value)
	if len(trimmed) < 16 || depth > maxNested || strings.IndexByte(encodedStarts, trimmed[0]) < 0 && !strings.HasPrefix(trimmed, encodedWide) || strings.IndexByte(trimmed, '<') >= 0 {
		return value
	}
	plain, ok := fromBase64(trimmed)
	if !ok {
		return value
	}
	if bytes.HasPrefix(plain, []byte("\x1f\x8b")) {
		if plain, _ = unpack(plain, "gzip", DefaultMaxBody); len(plain) == 0 {
			return value
		}
	}
	text := string(plain)
	if wide, ok := wideText(text); ok {
		text = wide
	}
	if !utf8.ValidString(text) {
		return value
	}
	clean := redactValue(text, depth+1)
	if clean == text {
		return value
	}
	return base64.StdEncoding.EncodeToString([]byte(clean))
}

// spokenForm is a secret in a sentence, a log line or a connection string: its name,
// and after a colon or an equals sign the secret.
var spokenForm = regexp.MustCompile(`(?i)([\w.-]*(?:pass ?(?:word|wd|phrase|code)|pwd|secret|api[-_ ]?key|access[-_ ]?key|pin|(?:access |refresh |auth |bearer |session )?token))(["']?\s*([:=])\s*)("[^"<>]*"|'[^'<>]*'|[^\s"'<>,;&]+)`)

// maxSpoken is the longest text that is taken for one that people read.
const maxSpoken = 64 << 10

// redactSpoken takes secrets out of text for people. After a colon a word may be one
// of the sentence, so that it has to look like no word: four characters or more, and
// a digit or a sign among them.
func redactSpoken(text string) string {
	if len(text) > maxSpoken || strings.IndexByte(text, 0) >= 0 || strings.IndexByte(text, '=') < 0 && strings.IndexByte(text, ':') < 0 || !secretHint(text) {
		return text
	}
	var b strings.Builder
	done := 0
	for _, m := range spokenForm.FindAllStringSubmatchIndex(text, -1) {
		name, sign, value := text[m[2]:m[3]], text[m[6]:m[7]], text[m[8]:m[9]]
		bare := strings.Trim(value, `"'`)
		switch {
		case !secretName(name), bare == redacted, strings.Trim(bare, "=.") == "", isBoolean(bare), strings.HasPrefix(bare, "//"):
			continue
		case sign == ":" && (len(bare) < 4 || !strings.ContainsAny(bare, "0123456789!@#$%^*+~")):
			continue
		}
		from, to := m[8], m[9]
		if bare != value {
			from, to = from+1, to-1
		}
		if to <= from {
			continue
		}
		b.WriteString(text[done:from] + redacted)
		done = to
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}
