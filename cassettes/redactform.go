package cassettes

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What is a credential by its form, wherever it stands and whatever it is called.

// The kinds of secrets that are told by their form.
const (
	kindNTLM   = "NTLM message"
	kindJWT    = "JSON Web Token"
	kindKey    = "private key"
	kindBasic  = "Basic credentials"
	kindBearer = "bearer token"
	kindURL    = "user information in a URL"
	kindKeyOf  = "API key"
	kindNamed  = "credential" // told by its name
	kindLine   = "header with a credential"
)

// ntlmMarks are what base64 makes of "NTLMSSP\0" at each of the three places it can
// have in a group of three bytes; SPNEGO wraps such a message.
var ntlmMarks = [3]string{"TlRMTVNTUA", "5UTE1TU1A", "OVExNU1NQA"}

// rawNTLM is how an NTLM message begins.
const rawNTLM = "NTLMSSP\x00"

// keyMark is "-----BEGIN " in base64.
const keyMark = "LS0tLS1CRUdJTi"

var (
	jwtForm = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){0,2}`) // JWS and JWE, RFC 7515 and 7516
	keyForm = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|[<"']|$)`)
)

// keyStarts are how the keys of well-known services begin, and vendorKey is such a key.
var keyStarts = []string{"ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "AKIA", "ASIA", "AIza", "xox", "sk_live_", "rk_live_"}

var vendorKey = regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}|A[KS]IA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}|xox[abprs]-[A-Za-z0-9-]{20,}|[sr]k_live_[A-Za-z0-9]{16,})\b`)

// What is looked for in every text, to tell what it may hold: a bit each, in the order of
// formWords.
const (
	hasNTLM = 1 << iota
	hasRawNTLM
	hasKey64
	hasKey
	hasJWT
	hasVendorKey
	hasBasic
	hasBearer
	hasLine
)

// formWords has schemes and headers as clients spell them; a search in any case costs too
// much.
var formWords = wordSetOf(ntlmMarks[:], []string{rawNTLM}, []string{keyMark}, []string{"PRIVATE KEY"}, []string{"eyJ"}, keyStarts,
	[]string{"Basic", "basic", "BASIC"}, []string{"Bearer", "bearer", "BEARER"}, []string{"ookie", "OOKIE", "uthorization", "UTHORIZATION"})

// schemeForms are what follows the name of an authentication scheme, name included.
var schemeForms = map[string]*regexp.Regexp{
	"basic":  regexp.MustCompile(`^(.{5}(?:\s|%20)+)([A-Za-z0-9+/_-]{4,}(?:=|%3[Dd]){0,2})`),
	"bearer": regexp.MustCompile(`^(.{6}(?:\s|%20)+)([A-Za-z0-9._~+/-]{16,}=*)`),
}

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
	if len(text) < 8 {
		return text
	}
	found := formWords.in(text)
	if found == 0 {
		return text
	}
	if found&hasNTLM != 0 {
		for _, mark := range ntlmMarks {
			text = replaceRuns(text, mark, func(run string, at int) bool { note.tell(kindNTLM, at); return true })
		}
	}
	if i := strings.Index(text, rawNTLM); found&hasRawNTLM != 0 && i >= 0 { // raw; it has no end of its own
		note.tell(kindNTLM, i)
		text = text[:i] + redacted
	}
	if found&hasKey64 != 0 {
		text = replaceRuns(text, keyMark, func(run string, at int) bool {
			plain, ok := fromBase64(run)
			if ok = ok && bytes.Contains(plain, []byte("PRIVATE KEY")); ok {
				note.tell(kindKey, at)
			}
			return ok
		})
	}
	if found&hasKey != 0 {
		text = replaceForm(text, keyForm, func(m string, at int) string {
			note.tell(kindKey, at)
			if last := m[len(m)-1]; last == '<' || last == '"' || last == '\'' {
				return redacted + m[len(m)-1:] // it was cut off
			}
			return redacted
		})
	}
	if found&hasJWT != 0 {
		text = replaceForm(text, jwtForm, func(m string, at int) string {
			note.tell(kindJWT, at)
			return redacted
		})
	}
	if found&hasVendorKey != 0 {
		text = replaceForm(text, vendorKey, func(m string, at int) string {
			note.tell(kindKeyOf, at)
			return redacted
		})
	}
	if found&hasBasic != 0 {
		text = redactBasic(text, note)
	}
	if found&hasBearer != 0 {
		text = redactBearer(text, note)
	}
	if found&hasLine != 0 {
		text = redactLines(text, note)
	}
	return text
}

// headerLine is a header that holds credentials as it stands in a message, in a log or in
// an option of a command, up to its value.
var headerLine = regexp.MustCompile(`(?i)(?:^|[^\w-])((?:proxy-)?authorization|(?:set-)?cookie2?)["']?[ \t]*:[ \t]*`)

// redactLines replaces the credentials of headers in text.
func redactLines(text string, note forming) string {
	var b strings.Builder
	done := 0
	list := headerLine.FindAllStringSubmatchIndex(text, -1)
	for n, m := range list {
		from, next := m[1], len(text)
		if n+1 < len(list) {
			next = list[n+1][0]
		}
		to := from + fieldEnd(text[from:next], text[max(m[2]-1, 0)])
		value := strings.TrimRight(text[from:to], " \t")
		lead := ""
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			lead = value[:1]
			value, _, _ = strings.Cut(value[1:], lead)
		}
		clean := redactLine(http.CanonicalHeaderKey(text[m[2]:m[3]]), value)
		if clean == value {
			continue
		}
		from += len(lead)
		note.tell(kindLine, from)
		b.WriteString(text[done:from] + clean)
		done = from + len(value)
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// fieldEnd returns where the value of a header ends: with the line, with one that is
// written as an escape, at a tag, or at the quote that stands before the name.
func fieldEnd(text string, before byte) int {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\r' || c == '\n' || c == '<':
			return i
		case c == before && (c == '"' || c == '\''):
			return i
		case c == '\\' && i+1 < len(text):
			if text[i+1] == 'r' || text[i+1] == 'n' {
				return i
			}
			i++
		}
	}
	return len(text)
}

// redactLine returns the value of a header of such a name, in canonical form, without
// credentials. What may be a sentence about one stays.
func redactLine(name, value string) string {
	if strings.Contains(name, "Cookie") {
		if strings.IndexByte(value, '=') < 0 {
			return value
		}
		return redactNamedHeader(name, value, true)
	}
	first, rest, _ := strings.Cut(value, " ")
	scheme := authSchemes[strings.ToLower(first)]
	if !scheme {
		rest = value
	}
	rest = strings.TrimSpace(rest)
	switch {
	case rest == "" || rest == redacted:
		return value
	case strings.IndexByte(rest, ' ') >= 0 && strings.IndexByte(rest, '=') < 0: // words
		return value
	case !strings.ContainsAny(rest, "0123456789=+/_") && (!scheme || len(rest) < 12): // a word
		return value
	}
	return redactNamedHeader("Authorization", value, true)
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

// fromBase64 decodes base64 of either alphabet, padded or not, in lines or not, with or
// without escapes.
func fromBase64(s string) ([]byte, bool) { return appendBase64(nil, nil, s) }

// shortBase64 is room for most of the base64 that is met.
const shortBase64 = 512

// appendBase64 is fromBase64 into dst, by way of clean, both of which are empty.
func appendBase64(dst, clean []byte, s string) ([]byte, bool) {
	clean = slices.Grow(clean, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n', '\\', '=':
		case '-':
			clean = append(clean, '+')
		case '_':
			clean = append(clean, '/')
		case '%':
			escape := ""
			if i+2 < len(s) {
				escape = s[i : i+3]
				i += 2
			}
			switch escape {
			case "%2B", "%2b":
				clean = append(clean, '+')
			case "%2F", "%2f":
				clean = append(clean, '/')
			case "%3D", "%3d":
			default:
				return nil, false
			}
		default:
			clean = append(clean, c)
		}
	}
	dst = slices.Grow(dst, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, err := base64.RawStdEncoding.Decode(dst[:base64.RawStdEncoding.DecodedLen(len(clean))], clean)
	return dst[:n], err == nil
}

func isPlainASCII(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && !space(c) {
			return false
		}
	}
	return true
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

// redactEncoded takes credentials out of a value that is, as a whole, base64 of text or
// of packed text, and gives base64 of what is left.
func redactEncoded(value string, depth int) string {
	if len(value) < 12 || depth > maxNested || !isBase64(value) {
		return value
	}
	trimmed := strings.TrimSpace(value)
	var room, other [shortBase64]byte
	plain, ok := appendBase64(room[:0], other[:0], trimmed)
	if !ok || len(plain) < 8 || isPlainASCII(plain) && !bytes.ContainsAny(plain, "=:<") && !isBase64(plain) {
		return value
	}
	text := string(plain)
	switch wide, isWide := wideText(text); {
	case strings.HasPrefix(text, "\x1f\x8b"):
		plain, _ = unpack([]byte(text), "gzip", DefaultMaxBody)
		text = string(plain)
	case framed(text) && !utf8.ValidString(text):
		plain, _ = unpack([]byte(text), "deflate", DefaultMaxBody)
		text = string(plain)
	case isWide:
		text = wide
	}
	if text == "" || !utf8.ValidString(text) {
		return value
	}
	inner := text
	if sections := strings.TrimLeft(text, " \t\r\n"); !strings.HasPrefix(sections, "<") && !strings.HasPrefix(sections, "{") {
		inner = redactPairs(text, "&;\r\n")
	}
	clean := redactValue(inner, depth+1)
	if clean == text {
		return value
	}
	from := strings.Index(value, trimmed)
	return value[:from] + base64.StdEncoding.EncodeToString([]byte(clean)) + value[from+len(trimmed):]
}

// isBase64 reports whether a value can be base64, in lines or with percent-escapes.
func isBase64[T string | []byte](value T) bool {
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case base64Byte(c), c == '=', c == '\r', c == '\n':
		case (c == ' ' || c == '\t') && (i == 0 || space(value[i-1])): // only where a line begins
		case (c == ' ' || c == '\t') && strings.TrimSpace(string(value[i:])) == "":
			return true
		case c == '%' && i+2 < len(value) && isHex(value[i+1]) && isHex(value[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

// redactEscaped redacts messages in percent-encoding that are words of a text. Pairs are
// left to redactSpoken.
func redactEscaped(text string, depth int) string {
	if depth >= maxNested || len(text) > maxSpoken {
		return text
	}
	return replaceForm(text, escapedWord, func(word string, _ int) string {
		plain, err := url.PathUnescape(word)
		if err != nil {
			return word
		}
		if clean := redactValue(plain, depth+1); clean != plain {
			return strings.ReplaceAll(url.QueryEscape(clean), "+", "%20")
		}
		return word
	})
}

// escapedWord is a word with "<" or "{" in percent-encoding in it, once or twice.
var escapedWord = regexp.MustCompile(`[^\s"'<>]*%(?:25)?(?:3[Cc]|7[Bb])[^\s"'<>]*`)

// spokenForm is a secret in a sentence, a log line or a connection string: its name,
// and after a colon or an equals sign the secret.
var spokenForm = regexp.MustCompile(`(?i)([\w.-]*(?:pass ?(?:word|wd|phrase|code)|pwd|secret|api[-_ ]?key|access[-_ ]?key|pin|(?:access |refresh |auth |bearer |session )?token))(["']?[ \t]*(:|=|%(?:25)*3[AaDd])[ \t]*)("[^"<>]*"|'[^'<>]*'|[^\s"'<>,;&]+)`)

// escapedEnd is what ends a value in percent-encoding: white space, quotes, "&", ";", "<", ">".
var escapedEnd = regexp.MustCompile(`%(?:25)*(?:0[9AaDd]|2[0267]|3[BbCcEe])`)

// maxSpoken is the longest text that is taken for one that people read.
const maxSpoken = 64 << 10

// redactSpoken takes secrets out of text for people. After a colon a word may be one
// of the sentence, so that it has to look like no word: four characters or more, and
// a digit or a sign among them.
func redactSpoken(text string) string {
	if len(text) > maxSpoken || len(text) < len("pw=a") || strings.IndexByte(text, 0) >= 0 {
		return text
	}
	text = redactCommands(text)
	if strings.IndexByte(text, '=') < 0 && strings.IndexByte(text, ':') < 0 && !strings.Contains(text, "%") || !secretHint(text) {
		return text
	}
	var b strings.Builder
	done := 0
	for _, m := range spokenForm.FindAllStringSubmatchIndex(text, -1) {
		name, sign, value := text[m[2]:m[3]], text[m[6]:m[7]], text[m[8]:m[9]]
		if sign[0] == '%' {
			if m[7] != m[8] {
				continue
			}
			if end := escapedEnd.FindStringIndex(value); end != nil {
				value = value[:end[0]]
			}
		}
		bare := strings.Trim(value, `"'`)
		structured := bare != value && (text[m[4]] == '"' || text[m[4]] == '\'') // 'name': 'value'
		switch {
		case !secretName(name), bare == redacted, strings.Trim(bare, "=.") == "", isBoolean(bare), strings.HasPrefix(bare, "//"):
			continue
		case sign == ":" && !structured && (len(bare) < 4 || !strings.ContainsAny(bare, "0123456789!@#$%^*+~")):
			continue
		}
		from, to := m[8], m[8]+len(value)
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

// optionForm is an option of a command whose name says that its value is a secret, or may
// say so; the value with "=" is left to spokenForm.
var optionForm = regexp.MustCompile(`(?:^|[\s"'(\[])--?([A-Za-z][\w-]{2,})[ \t]+("[^"<>]*"|'[^'<>]*'|[^\s"'<>]+)`)

// userForm is curl's option for user and password, and what is before the password.
var userForm = regexp.MustCompile(`(?:^|[\s"'(])(?:-[a-zA-Z]*[uU][ \t]*|--(?:proxy-)?user[ =\t]+)(?:"[^"<>:]*:([^"<>]*)|'[^'<>:]*:([^'<>]*)|[^\s"'<>:]*:([^\s"'<>]+))`)

// oracleForm is user and password in a JDBC URL of Oracle's thin driver.
var oracleForm = regexp.MustCompile(`(?i)jdbc:oracle:\w+:[^\s/@"'<>]+/("[^"]*"|[^\s@"'<>]+)@`)

// redactCommands takes secrets out of command lines, and out of URLs that are none.
func redactCommands(text string) string {
	if strings.IndexByte(text, '-') >= 0 && strings.ContainsAny(text, " \t") {
		if secretHint(text) {
			text = replaceForm(text, optionForm, func(m string, _ int) string {
				g := optionForm.FindStringSubmatch(m)
				bare := strings.Trim(g[2], `"'`)
				if !secretName(g[1]) || bare == "" || bare == redacted || bare == g[2] && notOption(bare) {
					return m
				}
				return m[:len(m)-len(g[2])] + strings.Replace(g[2], bare, redacted, 1)
			})
		}
		if strings.Contains(text, "curl") {
			text = redactGroups(text, userForm)
		}
	}
	if strings.Contains(text, "jdbc:") || strings.Contains(text, "JDBC:") {
		text = redactGroups(text, oracleForm)
	}
	return text
}

// notOption reports whether a word after an option is the next option, a place to fill in
// or the next word of a sentence.
func notOption(word string) bool {
	switch word[0] {
	case '-', '<', '[', '{', '$', '(', '|', '&', ';', '>', '`':
		return true
	}
	return strings.ToUpper(word) == word && strings.ContainsFunc(word, unicode.IsLetter) && !strings.ContainsAny(word, "0123456789") || sentenceWords[strings.ToLower(strings.Trim(word, ".,;:!?"))]
}

var sentenceWords = map[string]bool{"": true, "is": true, "was": true, "and": true, "or": true, "to": true, "for": true, "in": true, "on": true, "with": true, "without": true, "of": true,
	"the": true, "a": true, "an": true, "if": true, "not": true, "must": true, "should": true, "can": true, "cannot": true, "may": true, "has": true, "needs": true, "requires": true,
	"option": true, "flag": true, "argument": true, "value": true, "instead": true, "as": true, "that": true, "when": true, "are": true, "required": true, "missing": true}

// redactGroups replaces what the groups of a form have matched.
func redactGroups(text string, form *regexp.Regexp) string {
	var b strings.Builder
	done := 0
	for _, m := range form.FindAllStringSubmatchIndex(text, -1) {
		for g := 2; g < len(m); g += 2 {
			if m[g] < 0 || m[g] == m[g+1] || text[m[g]:m[g+1]] == redacted {
				continue
			}
			b.WriteString(text[done:m[g]] + redacted)
			done = m[g+1]
		}
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}
