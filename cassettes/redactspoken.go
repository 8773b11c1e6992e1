package cassettes

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Credentials in text for people: sentences, logs, connection strings. Commands are in
// redactcommand.go.

// redactEscaped redacts messages in percent-encoding that are words of a text. Pairs are
// left to redactSpoken.
func redactEscaped(text string, depth int) string {
	if depth >= maxNested {
		return text
	}
	if len(text) > maxSpoken {
		return inStretches(text, func(s string) string { return redactEscaped(s, depth) })
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

// escapedQuote is a quote in percent-encoding with which a value begins.
var escapedQuote = regexp.MustCompile(`^%(?:25)*2[27]`)

// shortSpoken is how long a text is at most in which spokenForm is looked for at once; a
// longer one is asked first whether that is worth it.
const shortSpoken = 4 << 10

// spokenEnds are what the names of spokenForm end in, in lower case.
var spokenEnds = []string{"word", "wd", "phrase", "code", "secret", "key", "pin", "token"}

// speaks reports whether there may be a spokenForm in a text: one of the names, and a sign
// after it.
func speaks(text string) bool {
	for pos := 0; ; pos++ {
		i := strings.IndexAny(text[pos:], ":=%")
		if i < 0 {
			return false
		}
		pos += i
		name := strings.TrimRight(text[max(pos-256, 0):pos], " \t")
		if name == "" {
			if pos > 0 { // nothing but white space, and more of it than was looked at
				return true
			}
			continue
		}
		if c := name[len(name)-1]; c == '"' || c == '\'' {
			name = name[:len(name)-1]
		}
		for k := max(len(name)-8, 0); k < len(name); k++ {
			if name[k] >= 0x80 {
				return true // a letter of another script may fold to one of ours
			}
		}
		for _, end := range spokenEnds {
			if len(name) >= len(end) && foldedASCII(name[len(name)-len(end):], end) {
				return true
			}
		}
	}
}

// maxSpoken is how much of a text is looked at at once.
const maxSpoken = 64 << 10

// inStretches redacts a long text in stretches of maxSpoken at most, which end where no
// secret goes on: at the end of a line or, in lines that are longer, of a word.
func inStretches(text string, redact func(string) string) string {
	var b strings.Builder
	changed := false
	for rest := text; rest != ""; {
		n := stretch(rest)
		clean := redact(rest[:n])
		changed = changed || clean != rest[:n]
		b.WriteString(clean)
		rest = rest[n:]
	}
	if !changed {
		return text
	}
	return b.String()
}

// stretch returns how much of a text is looked at at once.
func stretch(text string) int {
	if len(text) <= maxSpoken {
		return len(text)
	}
	if n := strings.LastIndexByte(text[:maxSpoken], '\n'); n >= maxSpoken/2 {
		return n + 1
	}
	for n := maxSpoken; n > maxSpoken/2; n-- {
		if !space(text[n-1]) || space(text[n]) || strings.IndexByte(":=-/", text[n]) >= 0 {
			continue
		}
		word := strings.TrimRight(text[n-min(n, 256):n], " \t\r")
		word = word[strings.LastIndexByte(word, ' ')+1:]
		if word != "" && word[0] != '-' && strings.IndexByte(":=", word[len(word)-1]) < 0 { // no name of a secret
			return n
		}
	}
	return maxSpoken
}

// escapedLetter is a letter or a digit written as an escape: in percent-encoding, once or
// more often, as JSON or a program writes it, or as a character reference.
var escapedLetter = regexp.MustCompile(`%(?:25)*(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])|\\(?:u00|x)(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])|&#(?:[xX]0{0,4}(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])|0{0,4}[0-9]{2,3});`)

// plainLetters is text with letters and digits as such that are written as escapes; the
// same text if there are none.
func plainLetters(text string) string {
	if strings.IndexByte(text, '%') < 0 && strings.IndexByte(text, '\\') < 0 && !strings.Contains(text, "&#") {
		return text
	}
	return replaceForm(text, escapedLetter, func(m string, _ int) string {
		digits, base := m[len(m)-2:], 16
		if m[0] == '&' {
			digits = m[2 : len(m)-1]
			if digits[0]|0x20 == 'x' {
				digits = digits[1:]
			} else {
				base = 10
			}
		}
		n, err := strconv.ParseUint(digits, base, 8)
		if c := byte(n); err != nil || !isLetter(c) && !isDigit(c) {
			return m
		}
		return string(rune(n))
	})
}

// redactSpoken takes secrets out of text for people. After a colon a word may be one
// of the sentence, so that it has to look like no word: four characters or more, and
// a digit or a sign among them.
func redactSpoken(text string) string {
	if len(text) < len("pw=a") || strings.IndexByte(text, 0) >= 0 {
		return text
	}
	if len(text) > maxSpoken {
		return inStretches(text, redactSpoken)
	}
	text = redactSaid(text)
	if plain := plainLetters(text); plain != text {
		if clean := redactSaid(plain); clean != plain {
			return clean
		}
	}
	return text
}

// redactSaid is redactSpoken for a text that is not too long, and in which letters are
// letters.
func redactSaid(text string) string {
	text = redactCommands(text)
	if strings.IndexByte(text, '=') < 0 && strings.IndexByte(text, ':') < 0 && !strings.Contains(text, "%") || !secretHint(text) || len(text) > shortSpoken && !speaks(text) {
		return text
	}
	var b strings.Builder
	done := 0
	for _, m := range spokenForm.FindAllStringSubmatchIndex(text, -1) {
		name, sign, value, at := text[m[2]:m[3]], text[m[6]:m[7]], text[m[8]:m[9]], m[8]
		if sign[0] == '%' {
			if m[7] != m[8] {
				continue
			}
			quote := len(escapedQuote.FindString(value))
			value, at = value[quote:], at+quote
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
		from, to := at, at+len(value)
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
