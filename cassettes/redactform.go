package cassettes

import (
	"bytes"
	"regexp"
	"strings"
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
