package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completions is what a shell is told when the last of args is being typed.
func completions(t *testing.T, args ...string) (words []string, directive string) {
	t.Helper()
	var out bytes.Buffer
	if code := run(context.Background(), append([]string{"__completeNoDesc"}, args...), strings.NewReader(""), &out, new(bytes.Buffer)); code != 0 {
		t.Fatalf("__complete %q: exit code %d", args, code)
	}
	words = strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	return words[:len(words)-1], words[len(words)-1]
}

func TestCompletion(t *testing.T) {
	const nothing, extensions, folders, ordered, unspaced, shells = ":4", ":8", ":16", ":36", ":38", ":0"
	for _, tt := range []struct{ line, words, directive string }{
		{"record |", "yaml yml", extensions},
		{"record a.yaml |", "", nothing},
		{"replay a.yaml b.yaml |", "yaml yml", extensions},
		{"ui a.yaml |", "yaml yml", extensions},
		{"diff a.yaml |", "yaml yml", extensions},
		{"diff a.yaml b.yaml |", "", nothing},
		{"exec replay |", "yaml yml", extensions},
		{"exec replay a.yaml -- |", "", shells},
		{"exec replay a.yaml -- sh |", "", shells},
		{"exec |", "record replay", nothing},
		{"import |", "", shells},
		{"demo |", "", nothing},
		{"ca trust ja|", "java", ordered},
		{"ca trust java debian |", "fedora macos windows nss", ordered},
		{"completion |", "bash zsh fish powershell", ordered},
		{"completion zsh |", "", nothing},
		{"record --mode |", "once new-episodes all none", ordered},
		{"record --mode=n|", "new-episodes none", ordered},
		{"record --ca-dir |", "", folders},
		{"record --upstream-ca |", "pem crt cer", extensions},
		{"record --proxy-auth |", "", shells},
		{"record --reverse |", "", nothing},
		{"prune --unused |", "json", extensions},
		{"validate --shapes |", "yaml yml", extensions},
		{"validate --fail-on |", "error warning note", nothing},
		{"validate --rule UM02|", "UM020= UM021= UM022= UM023= UM024= UM025= UM026= UM027= UM028= UM029=", ":6"},
		{"validate --rule UM020=|", "UM020=off UM020=note UM020=warning UM020=error", nothing},
		{"help UM02|", "UM020 UM021 UM022 UM023 UM024 UM025 UM026 UM027 UM028 UM029", nothing},
		{"inspect --operation Disc|", "Disconnect DisconnectPhoneCall", ordered},
		{"inspect --operation Disconnect,Disc|", "Disconnect,DisconnectPhoneCall", ordered},
		{"inspect --call |", "", nothing},
		{"replay --fault d|", "delay=2s drop", unspaced},
		{"replay --fault Disconnect:Inv|", "Disconnect:InvalidCallIdException Disconnect:InvalidObjectIdException", unspaced},
		{"replay --any Disconnect/|", "Disconnect/CallId", ordered},
	} {
		args := strings.Split(strings.TrimSuffix(tt.line, "|"), " ")
		words, directive := completions(t, args...)
		words = slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, lastOf(args)) && directive != extensions })
		if got := strings.Join(words, " "); got != tt.words || directive != tt.directive {
			t.Errorf("%s\n got %s %s\nwant %s %s", tt.line, got, directive, tt.words, tt.directive)
		}
	}
}

// What flags are for is told as people read it.
func TestCompletionTellsWhatFlagsAreFor(t *testing.T) {
	var out bytes.Buffer
	run(t.Context(), []string{"__complete", "validate", "--"}, strings.NewReader(""), &out, new(bytes.Buffer))
	if got := out.String(); !strings.Contains(got, "--fail-on\tlowest SEVERITY that is a failure") || strings.Contains(got, "`") {
		t.Errorf("%s", got)
	}
}

// lastOf is what a shell looks for the beginning of.
func lastOf(args []string) string {
	_, value, ok := strings.Cut(args[len(args)-1], "=")
	if ok && strings.HasPrefix(args[len(args)-1], "--") {
		return value
	}
	return args[len(args)-1]
}

// TestEachFlagCompletes: a flag's value completes to something, unless nobody but
// the user can know it; and what words it completes to are those it takes.
func TestEachFlagCompletes(t *testing.T) {
	unknowable := []string{"ADDRESS", "HOST", "URL", "CIDR", "PATH", "PREFIX", "NAME", "NAMES", "N", "NUMBER", "ID", "IDS", "CALL", "PORTS", "HOST:PORT:ADDRESS", "HOST[:PORT]", "int", "duration"}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			visit(sub)
		}
		path := strings.Fields(c.CommandPath())[1:]
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal != "" {
				return // it is a switch
			}
			words, directive := completions(t, append(slices.Clone(path), "--"+f.Name, "")...)
			name, _ := pflag.UnquoteUsage(f)
			if len(words) == 0 && directive == ":4" && !slices.Contains(unknowable, name) {
				t.Errorf("%s --%s %s completes to nothing", c.CommandPath(), f.Name, name)
			}
			if directive == ":8" || f.Value.Type() == "string" || f.Name == "rule" || f.Name == "fault" {
				return // extensions; words that Set does not look at; what is not whole
			}
			for _, word := range words {
				if err := f.Value.Set(word); err != nil {
					t.Errorf("%s --%s completes to %s, which is refused: %v", c.CommandPath(), f.Name, word, err)
				}
			}
		})
	}
	visit((&app{}).root())
	for _, kind := range faultKinds() {
		if err := new(faultFlag).Set("Disconnect:" + kind); err != nil {
			t.Errorf("--fault completes to %s, which is refused: %v", kind, err)
		}
	}
}

// TestWordsAreThoseTaken: flags that take one of some words complete to those that
// the error of another names.
func TestWordsAreThoseTaken(t *testing.T) {
	tape := filepath.Join(t.TempDir(), "no.yaml")
	for _, tt := range []struct {
		command string
		flag    string
	}{
		{"record", "mode"}, {"record", "sync"}, {"record", "log-format"}, {"replay", "challenge"}, {"replay", "repeat"}, {"inspect", "color"},
		{"split", "by"}, {"ca export", "format"}, {"import", "from"}, {"import", "scheme"}, {"validate", "fail-on"}, {"serve um", "ended-call"},
		{"serve um", "unknown-call"}, {"serve um", "soap12"},
	} {
		words, _ := completions(t, append(strings.Fields(tt.command), "--"+tt.flag, "")...)
		args := append(strings.Fields(tt.command), "--"+tt.flag, "nonsense")
		switch tt.command {
		case "ca export", "serve um":
		case "import":
			args = append(args, "-o", tape, tape)
		default:
			args = append(args, tape)
		}
		var stderr bytes.Buffer
		if code := run(context.Background(), args, strings.NewReader(""), new(bytes.Buffer), &stderr); code != exitMisuse {
			t.Errorf("umtape %s: exit code %d", strings.Join(args, " "), code)
		}
		for _, word := range words {
			if !strings.Contains(stderr.String(), word) {
				t.Errorf("umtape %s completes to %s, of which the error says nothing: %s", strings.Join(args, " "), word, &stderr)
			}
		}
		if len(words) < 2 {
			t.Errorf("--%s completes to %q", tt.flag, words)
		}
	}
}

// shellScripts print, in a shell of their own, what LINE completes to, a word on a
// line. $1 is the script of umtape completion, $2 the line, whose last word is typed.
var shellScripts = map[string]struct{ needs, run string }{
	"bash": {"/usr/share/bash-completion/bash_completion", `
. /usr/share/bash-completion/bash_completion
. "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9 COMP_KEY=9
read -ra COMP_WORDS <<<"$2"
[[ $2 != *' ' ]] || COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
$(complete -p umtape | sed 's/.*-F \([^ ]*\).*/\1/') umtape "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"`},
	// A terminal is what zsh completes in; it lists, and the list is read.
	"zsh": {"", `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "TERM=dumb; unsetopt zle_bracketed_paste prompt_cr; stty columns 200 rows 500; autoload -U compinit; compinit -u -D; . ${(q)1}"
zpty -w shell "zstyle ':completion:*' list-grouped no; LISTMAX=0; bindkey '^I' list-choices; PS1=PRO''MPT"
zpty -r shell out '*PROMPT*'
zpty -n -w shell "$2"$'\t'
zpty -n -w shell $'\C-u'$'exit\n'
while zpty -r shell out; do print -r -- "$out"; done`},
	"fish": {"", `
source $argv[1]
complete -C $argv[2]`},
}

// TestShells tries the scripts in the shells that are here.
func TestShells(t *testing.T) {
	dir := t.TempDir()
	program, err := os.Executable() // TestMain makes it the command
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(dir, "umtape")); err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"calls.yaml", "faults.yml", "notes.txt", "recorded/monday.yaml"} {
		path := filepath.Join(dir, "tapes", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for shell, s := range shellScripts {
		t.Run(shell, func(t *testing.T) {
			path, err := exec.LookPath(shell)
			if err == nil && s.needs != "" {
				_, err = os.Stat(s.needs)
			}
			if err != nil {
				t.Skipf("%s cannot be tried: %v", shell, err)
			}
			var script bytes.Buffer
			if code := run(t.Context(), []string{"completion", shell}, strings.NewReader(""), &script, new(bytes.Buffer)); code != 0 {
				t.Fatalf("umtape completion %s: exit code %d", shell, code)
			}
			file := filepath.Join(dir, "completion."+shell)
			if err := os.WriteFile(file, script.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, tt := range []struct{ line, want, not string }{
				{"umtape re", "record recover replay", "scrub"},
				{"umtape ca ", "export init show trust", "record"},
				{"umtape replay ", "calls.yaml faults.yml recorded", ""},
				{"umtape replay --stri", "--strict", "--force"},
				{"umtape record --mode ", "once new-episodes all none", "calls.yaml"},
				{"umtape validate --rule UM02", "UM020= UM029=", "UM030"},
				{"umtape help UM02", "UM020 UM029", "UM030"},
				{"umtape split --by ", "call operation host time", "calls.yaml"},
				{"umtape inspect --operation Disc", "Disconnect DisconnectPhoneCall", "GetCallInfo"},
				{"umtape record --ca-dir ", "recorded", ""},
			} {
				if shell == "zsh" && !strings.Contains("umtape ca umtape replay umtape validate --rule UM02", strings.TrimSpace(tt.line)) {
					continue // it takes a second to start
				}
				args := []string{"-c", s.run, shell, file, tt.line}
				switch shell {
				case "bash":
					args = slices.Concat([]string{"--norc", "--noprofile"}, args)
				case "zsh":
					args = slices.Concat([]string{"-f"}, args)
				case "fish":
					args = []string{"--no-config", "-c", s.run, file, tt.line}
				}
				cmd := exec.CommandContext(t.Context(), path, args...)
				cmd.Dir = filepath.Join(dir, "tapes")
				cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+dir, "TERM=dumb")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%s: %v\n%s", tt.line, err, out)
				}
				shown := strings.FieldsFunc(string(out), func(r rune) bool { return strings.ContainsRune(" \t\r\n/", r) })
				for _, want := range strings.Fields(tt.want) {
					if !slices.Contains(shown, want) {
						t.Errorf("%s: no %s among\n%s", tt.line, want, out)
					}
				}
				if tt.not != "" && slices.Contains(shown, tt.not) {
					t.Errorf("%s: %s is among\n%s", tt.line, tt.not, out)
				}
				// fish does without the filter of files.
				if shell != "fish" && strings.HasPrefix(tt.line, "umtape replay ") && slices.Contains(shown, "notes.txt") {
					t.Errorf("%s: notes.txt is no cassette\n%s", tt.line, out)
				}
			}
		})
	}
}
