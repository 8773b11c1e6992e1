package cassettes

import (
	"net/url"
	"strings"
)

// redactURL takes credentials out of a URL, or of text with URLs in it, and
// leaves the rest as it was written: user and password of each authority, secret
// parameters of path, query and fragment. The URL need not be a valid one.
func redactURL(raw string) string { return redactURLNoting(raw, nil) }

func redactURLNoting(raw string, note noting) string {
	clean := redactURLParts(raw, note)
	var at forming
	if note != nil {
		at = func(kind string, at int) { note("", at, kind) }
	}
	return redactForms(clean, at)
}

func redactURLParts(raw string, note noting) string {
	if strings.IndexByte(raw, '=') < 0 && strings.IndexByte(raw, '@') < 0 {
		return raw // neither a parameter nor a user
	}
	if clean := redactUserinfo(raw); clean != raw {
		note.tell("user information", 0, raw)
		raw = clean
	}
	cut := strings.IndexAny(raw, "?#;")
	if cut < 0 {
		return raw
	}
	return raw[:cut] + redactPairsNoting(raw[cut:], "?#&; \t\r\n", note)
}

// redactUserinfo replaces what stands before the last "@" of an authority
// (RFC 3986 §3.2).
func redactUserinfo(raw string) string {
	if strings.IndexByte(raw, '@') < 0 {
		return raw
	}
	var b strings.Builder
	for {
		i := strings.Index(raw, "//")
		if i < 0 {
			b.WriteString(raw)
			return b.String()
		}
		b.WriteString(raw[:i+2])
		raw = raw[i+2:]
		end := strings.IndexAny(raw, "/?# \t\r\n<>\"")
		if end < 0 {
			end = len(raw)
		}
		if at := strings.LastIndexByte(raw[:end], '@'); at >= 0 {
			b.WriteString(redacted + raw[at:end])
		} else {
			b.WriteString(raw[:end])
		}
		raw = raw[end:]
	}
}

// redactPairs redacts the values of secret name=value pairs, which any of the
// separators end, without touching the rest.
func redactPairs(text, separators string) string { return redactPairsNoting(text, separators, nil) }

func redactPairsNoting(text, separators string, note noting) string {
	if strings.IndexByte(text, '=') < 0 {
		return text
	}
	var b strings.Builder
	done := 0 // text[:done] is in b, redacted
	for pos := 0; pos < len(text); {
		end := strings.IndexAny(text[pos:], separators)
		if end < 0 {
			end = len(text)
		} else {
			end += pos
		}
		if name, value, found := strings.Cut(text[pos:end], "="); found && value != "" {
			value = strings.TrimLeft(value, " \t")
			if clean := redactParameter(name, value); clean != value {
				note.tell("parameter "+name, end-len(value), value)
				b.WriteString(text[done : end-len(value)])
				b.WriteString(clean)
				done = end
			}
		}
		pos = end + 1
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

// redactParameter returns the value of a parameter as it is kept.
func redactParameter(name, value string) string {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	if secretName(name) || secretParameter(name, value) {
		return redacted
	}
	// A message inside a parameter, as federated sign-in posts.
	plain, err := url.QueryUnescape(value)
	if err != nil {
		return value
	}
	clean := redactParameterText(plain)
	if clean == plain {
		return value
	}
	if strings.ContainsAny(value, " \t\"") { // a line of settings, which nobody has encoded
		kept := redactParameterText(value)
		if plain, err := url.QueryUnescape(kept); err == nil && redactParameterText(plain) == plain {
			return kept
		}
	}
	return url.QueryEscape(clean)
}

// redactParameterText redacts the value of a parameter, decoded.
func redactParameterText(plain string) string {
	if strings.Contains(plain, "<") {
		return redactTags(plain)
	}
	if len(plain) > len("a=b") { // base64 of a message, JSON, another URL
		return redactValue(plain, 1)
	}
	return plain
}

// authWords are what a parameter auth says that is none, beside the names of schemes.
var authWords = map[string]bool{"none": true, "true": true, "false": true, "anonymous": true, "windows": true, "forms": true, "form": true,
	"saml": true, "oauth2": true, "openid": true, "certificate": true, "password": true, "required": true, "optional": true, "default": true, "auto": true}

// secretParameter reports what is a credential as a parameter only. Short codes
// and keys are words of many services; long ones are OAuth's and API keys.
func secretParameter(name, value string) bool {
	switch strings.ToLower(name) {
	case "pass", "pw", "sig", "signature", "x-amz-signature", "x-goog-signature", "ticket", "sid", "assertion", "client_assertion", "samlrequest", "samlresponse", "samlart":
		return true
	case "auth":
		return len(value) >= 4 && !authSchemes[strings.ToLower(value)] && !authWords[strings.ToLower(value)]
	case "code", "key":
		return len(value) >= 20
	}
	return false
}
