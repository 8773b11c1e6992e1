package cassettes

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// Credentials in text for people: sentences, logs, connection strings, commands.

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

// escapedQuote is a quote in percent-encoding with which a value begins.
var escapedQuote = regexp.MustCompile(`^%(?:25)*2[27]`)

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
