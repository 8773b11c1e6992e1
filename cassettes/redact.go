package cassettes

import (
	"slices"
	"strings"
	"unicode"
)

// RedactCredentials is the name of the rule set that is always applied, as kept
// in a cassette's header. Its parts are this file (what a secret is called),
// redactheader.go, redacturl.go, and, for bodies, redactbody.go, redactxml.go,
// redactdoctype.go and redactjson.go; redactform.go is for what is a secret by its form,
// redactline.go for headers inside of texts, redactbase64.go, redactspoken.go and
// redactcommand.go for what base64, text for people and command lines hold.
const RedactCredentials = "credentials"

// redacted stands where a secret was. It is the same for every secret, so that
// nothing can be told from it: two requests that differ in a secret only are
// the same request to a player.
const redacted = "REDACTED"

// noting is told of each secret that is redacted: where, in words, that is, at which
// byte of the text that was given, and what was there. nil tells nobody.
type noting func(place string, at int, was string)

func (n noting) tell(place string, at int, was string) {
	if n != nil {
		n(place, at, was)
	}
}

// secretTails are the words that a name ends in whose value is a credential, in
// lower case. A plural counts as the singular.
var secretTails = []string{
	"password", "passwd", "pwd", "passphrase", "passcode", "pass code", "pass word", "secret", "credential", "pin", "canary", "wsse", "jsessionid",
	"phpsessid", "api key", "access key", "auth key", "private key", "subscription key", "functions key", "shared key", "account key", "session id",
	"apikey", "accesskey", "authkey", "sessionid", "binary exchange", "pass key", "passkey", "secret key", "secretkey", "user pass", "userpass",
	"login pass", "auth pass", "admin pass", "x pass", "new pass", "old pass", "user pw", "otp", "jwt", "bearer", "auth ticket", "login ticket",
	"auth code", "authcode", "amz signature", "cred", "auth header", "storepass", "key pass", "keypass",
}

// secretWholeNames are names that are secret when there is nothing more to them.
var secretWholeNames = map[string]bool{"pass": true, "pw": true}

// tokenKinds are the words before "token" that make it a credential; a
// ContinuationToken or a SyncToken is none. A token without a word before it is.
var tokenKinds = map[string]bool{
	"access": true, "refresh": true, "id": true, "auth": true, "authentication": true, "authorization": true, "session": true, "security": true,
	"csrf": true, "xsrf": true, "bearer": true, "login": true, "api": true, "user": true, "client": true, "service": true, "delegation": true,
	"kerberos": true, "saml": true, "jwt": true, "forwarded": true, "verification": true, "identity": true, "secret": true, "x": true,
}

// neutralTails may follow a secret word without changing what the value is.
var neutralTails = map[string]bool{"value": true, "text": true, "string": true, "number": true, "data": true, "hash": true, "digest": true, "code": true, "field": true, "header": true,
	"old": true, "new": true, "confirm": true, "confirmation": true, "again": true, "repeat": true}

// secretName reports whether what has that name (a header, an element, a
// parameter) is a credential. Names are compared by their words:
// X-Api-Key, apiKey and API_KEY are one.
func secretName(name string) bool {
	if !secretHint(name) {
		return false
	}
	w := nameWords(name)
	for len(w) > 0 {
		if secretWordsEnd(w) {
			return true
		}
		if len(w) == 1 || !neutralTails[w[len(w)-1]] {
			return false
		}
		w = w[:len(w)-1]
	}
	return false
}

// secretHints are parts of which every secret name has at least one. Most names
// have none, and are done with without being taken apart.
var secretHints = [256][]string{
	'p': {"pass", "pwd", "pin", "pw", "phpsess"}, 's': {"secret", "sess", "signature"}, 'c': {"cred", "canary"}, 'w': {"wsse"},
	'k': {"key"}, 't': {"token", "ticket"}, 'b': {"bearer", "binary"}, 'o': {"otp"}, 'j': {"jwt", "jsession"}, 'a': {"auth"},
}

func secretHint(name string) bool {
	for i := 0; i < len(name); i++ {
		if name[i] >= 0x80 {
			return true // a letter of another script may fold to one of ours
		}
		for _, hint := range secretHints[name[i]|0x20] {
			if len(name)-i >= len(hint) && foldedASCII(name[i:i+len(hint)], hint) {
				return true
			}
		}
	}
	return false
}

// foldedASCII reports whether s, of the length of word, is word in any case. word
// has letters in lower case only.
func foldedASCII(s, word string) bool {
	for i := 0; i < len(word); i++ {
		if s[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// foldsTo reports whether a name in lower case is one of these words.
func foldsTo(name string, words ...string) bool {
	for i := 0; i < len(name); i++ {
		if name[i] >= 0x80 {
			return slices.Contains(words, strings.ToLower(name))
		}
	}
	for _, word := range words {
		if len(word) == len(name) && foldedASCII(name, word) {
			return true
		}
	}
	return false
}

// secretWordsEnd reports whether the last of these words, at least one, name a
// credential.
func secretWordsEnd(w []string) bool {
	if len(w) == 1 && secretWholeNames[w[0]] {
		return true
	}
	last := strings.TrimSuffix(w[len(w)-1], "s")
	if last == "token" {
		return len(w) == 1 || tokenKinds[w[len(w)-2]]
	}
	if k, ok := strings.CutSuffix(last, "token"); ok && (tokenKinds[k] || strings.HasSuffix(k, "access") || strings.HasSuffix(k, "auth")) {
		return true // accesstoken, and X-Commonaccesstoken, as a header's name is written
	}
	all := " " + strings.Join(w, " ")
	for _, t := range secretTails {
		if strings.HasSuffix(all, " "+t) || strings.HasSuffix(all, " "+t+"s") || len(t) >= 6 && !strings.Contains(t, " ") && strings.HasSuffix(last, t) {
			return true
		}
	}
	return false
}

// nameWords splits a name at punctuation and where its case says that a word
// begins, in lower case: "NewPIN" is "new", "pin".
func nameWords(name string) []string {
	if len(name) > 200 {
		name = name[len(name)-200:]
	}
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush()
		case unicode.IsDigit(r):
			continue // Password2 is a password
		}
		word = append(word, r)
	}
	flush()
	return words
}
