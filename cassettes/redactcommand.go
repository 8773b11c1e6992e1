package cassettes

import (
	"regexp"
	"strings"
	"unicode"
)

// Credentials in command lines, and in URLs that are none.

// optionForm is an option of a command whose name says that its value is a secret, or may
// say so; the value with "=" is left to spokenForm.
var optionForm = regexp.MustCompile(`(?:^|[\s"'(\[])--?([A-Za-z][\w-]{2,})[ \t]+("[^"<>]*"|'[^'<>]*'|[^\s"'<>-][^\s"'<>]*)`)

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
	if containsAny(text, " -", "\t-", " /p") {
		text = redactKnown(text)
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

// secretOption is an option of a command that says the password, in a letter or two.
type secretOption struct {
	name         string
	joined, next bool   // its value is in the same word, in the next one, or in either
	after        string // what stands in the value before the password; "" for none
}

var (
	joinedP      = []secretOption{{name: "-p", joined: true}}
	eitherP      = []secretOption{{name: "-p", joined: true, next: true}}
	capitalP     = []secretOption{{name: "-P", joined: true, next: true}}
	putty        = []secretOption{{name: "-pw", next: true}}
	ldap         = []secretOption{{name: "-w", joined: true, next: true}}
	samba        = []secretOption{{name: "-U", joined: true, next: true, after: "%"}}
	remote       = []secretOption{{name: "/p:", joined: true}, {name: "/pass:", joined: true}}
	userPassword = []secretOption{{name: "-u", joined: true, next: true, after: ":"}, {name: "--user", next: true, after: ":"}, {name: "--proxy-user", next: true, after: ":"}}
	openSSL      = []secretOption{{name: "-pass", next: true, after: "pass:"}, {name: "-passin", next: true, after: "pass:"}, {name: "-passout", next: true, after: "pass:"}}
)

// knownCommands are commands with such options. Those whose password is an option's in
// full are not among them: the option's name tells that.
var knownCommands = map[string][]secretOption{
	"mysql": joinedP, "mysqldump": joinedP, "mysqladmin": joinedP, "mysqlimport": joinedP, "mysqlcheck": joinedP, "mysqlshow": joinedP, "mysqlslap": joinedP, "mysqlbinlog": joinedP,
	"mysqlsh": joinedP, "mariadb": joinedP, "mariadb-dump": joinedP, "mariadb-admin": joinedP, "mariadb-import": joinedP, "mariadb-check": joinedP, "7z": joinedP, "7za": joinedP, "7zz": joinedP,
	"rar": joinedP, "unrar": joinedP, "sshpass": eitherP, "mongo": eitherP, "mongosh": eitherP, "mongodump": eitherP, "mongorestore": eitherP, "mongoexport": eitherP, "mongoimport": eitherP,
	"psexec": {{name: "-p", next: true}}, "rdesktop": eitherP, "sqlcmd": capitalP, "osql": capitalP, "isql": capitalP, "bcp": capitalP, "mosquitto_pub": capitalP, "mosquitto_sub": capitalP,
	"ipmitool": capitalP, "plink": putty, "pscp": putty, "psftp": putty, "putty": putty, "ldapsearch": ldap, "ldapadd": ldap, "ldapmodify": ldap, "ldapdelete": ldap, "ldapwhoami": ldap,
	"ldapcompare": ldap, "ldappasswd": append(ldap[:1:1], secretOption{name: "-s", next: true}, secretOption{name: "-a", next: true}), "redis-cli": {{name: "-a", next: true}},
	"smbclient": samba, "rpcclient": samba, "winexe": samba, "xfreerdp": remote, "wfreerdp": remote, "mstsc": remote, "cmdkey": remote, "curl": userPassword,
	"http": {{name: "-a", joined: true, next: true, after: ":"}}, "openssl": openSSL,
}

// loginCommands take a password with -p when they are told to log in; otherwise it is a port.
var loginCommands = map[string]bool{"docker": true, "podman": true, "nerdctl": true, "buildah": true, "skopeo": true, "helm": true, "oc": true, "az": true, "cf": true}

// commandLine reads a command line word by word.
type commandLine struct {
	options []secretOption // of the command; nil for none that is known
	login   bool           // it may be one that logs in
	runs    bool           // its first argument is a command of its own, with options of its own
	value   *secretOption  // whose value is the next word
}

// word reads a word, without quotes, and returns where in it a password begins; -1 if
// there is none.
func (c *commandLine) word(w string) int {
	if o := c.value; o != nil {
		if c.value = nil; w != "" && !notOption(w) {
			return o.password(w, 0)
		}
	}
	for n := range c.options {
		o := &c.options[n]
		switch {
		case o.next && w == o.name:
			c.value = o
			return -1
		case o.joined && len(w) > len(o.name) && strings.HasPrefix(w, o.name) && !notOption(w[len(o.name):]):
			return o.password(w, len(o.name))
		}
	}
	if c.login && w == "login" {
		c.options, c.login = eitherP, false
		return -1
	}
	name := strings.ToLower(w[strings.LastIndexAny(w, `/\`)+1:])
	name = strings.TrimSuffix(name, ".exe")
	if options := knownCommands[name]; options != nil {
		*c = commandLine{options: options, runs: name == "sshpass"}
	} else if loginCommands[name] {
		*c = commandLine{login: true}
	} else if c.runs && !strings.HasPrefix(w, "-") || sentenceWords[name] {
		*c = commandLine{} // a sentence about a command
	}
	return -1
}

// password returns where the password begins in a word whose value begins at from.
func (o *secretOption) password(w string, from int) int {
	if o.after != "" {
		i := strings.Index(w[from:], o.after)
		if i < 0 {
			return -1
		}
		from += i + len(o.after)
	}
	if from == len(w) || w[from:] == redacted {
		return -1
	}
	return from
}

// redactKnown takes the passwords of known commands out of text.
func redactKnown(text string) string {
	var b strings.Builder
	var line commandLine
	done := 0
	for pos := 0; pos < len(text); {
		switch c := text[pos]; {
		case c == '\n' && (pos == 0 || text[pos-1] != '\\' && (text[pos-1] != '\r' || pos == 1 || text[pos-2] != '\\')), c == '|', c == ';', c == '&':
			line = commandLine{}
			pos++
			continue
		case space(c), strings.IndexByte("\"'`()[]{}<>,", c) >= 0:
			pos++
			if line.options == nil || c != '"' && c != '\'' {
				continue
			}
			// In a command line quotes hold a word together, if they end in the line.
			end := strings.IndexAny(text[pos:min(len(text), pos+maxQuoted)], string(c)+"\r\n")
			if end < 0 || text[pos+end] != c {
				continue
			}
			if at := line.word(text[pos : pos+end]); at >= 0 {
				b.WriteString(text[done:pos+at] + redacted)
				done = pos + end
			}
			pos += end + 1
			continue
		}
		end := wordEnd(text, pos)
		if line.options == nil && !line.login {
			line.word(text[pos:end])
			pos = end
			continue
		}
		to := end
		if to < len(text) && (text[to] == '"' || text[to] == '\'') && to > pos { // -p'a b'
			quote := text[to]
			if n := strings.IndexAny(text[to+1:min(len(text), to+1+maxQuoted)], string(quote)+"\r\n"); n > 0 && text[to+1+n] == quote {
				if at := line.word(text[pos:to] + text[to+1:to+1+n]); at >= 0 && pos+at <= to {
					b.WriteString(text[done:pos+at] + text[to:to+1] + redacted)
					done = to + 1 + n
				}
				pos = to + n + 2
				continue
			}
		}
		if at := line.word(text[pos:end]); at >= 0 {
			b.WriteString(text[done:pos+at] + redacted)
			done = end
		}
		pos = end
	}
	if done == 0 {
		return text
	}
	return b.String() + text[done:]
}

// maxQuoted is how long a word in quotes may be.
const maxQuoted = 1024

// wordEnd returns where the word of a command line ends that begins at pos.
func wordEnd(text string, pos int) int {
	for pos < len(text) && !space(text[pos]) && strings.IndexByte("\"'`<>|;&", text[pos]) < 0 {
		pos++
	}
	return pos
}

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
