package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A docBlock is a part of a page that is tried:
//
//   - console: lines that begin with "$ " are run, and what is shown below each is
//     what it prints, where ... stands for anything: within a line, or for lines.
//     "^C" interrupts the recording, replay or server that the page began last.
//   - any other block that says in a comment on its first line what it is called,
//     such as "# client.py", is a file of that name.
//   - <!-- $ COMMAND --> is run as well, and is not shown to readers.
//   - <!-- needs: COMMAND --> has the next block be left out where COMMAND fails.
type docBlock struct {
	line   int    // of the page
	kind   string // console, file, hidden, or the language of what is neither
	name   string // of a file
	needs  string
	shells []docCommand
	text   string
}

// A docCommand is one command with what is shown below it.
type docCommand struct {
	line  int
	shell string
	shown []string // nil if nothing is
}

// code is the exit code that a comment at the command's end says, or 0.
func (c docCommand) code() int {
	code := 0
	if m := docExit.FindStringSubmatch(c.shell); m != nil {
		fmt.Sscan(m[1], &code)
	}
	return code
}

type docPage struct {
	name   string
	path   string
	text   string
	blocks []docBlock
}

// docPages are the README and the pages of help.
func docPages() ([]docPage, error) {
	paths, err := filepath.Glob("help/*.md")
	if err != nil {
		return nil, err
	}
	var pages []docPage
	for _, path := range append([]string{"../../README.md"}, paths...) {
		if path == filepath.Join("help", "toolkits.md") {
			continue // of programs, which TestClients runs
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		p := docPage{name: strings.TrimSuffix(filepath.Base(path), ".md"), path: path, text: string(data)}
		if p.blocks, err = docBlocks(p.text); err != nil {
			return nil, fmt.Errorf("%s:%w", path, err)
		}
		pages = append(pages, p)
	}
	return pages, nil
}

var (
	docHidden = regexp.MustCompile(`^<!-- (\$|needs:) (.*) -->$`)
	docNamed  = regexp.MustCompile(`^(?:<\?php )?(?:#|//|<!--) ([\w.-]*(?:/[\w.-]+)*\.\w+)(?: -->)?$`)
	docExit   = regexp.MustCompile(` # exit code (\d+)$`)
)

func docBlocks(text string) ([]docBlock, error) {
	var blocks []docBlock
	needs := ""
	lines := strings.Split(text, "\n")
	for n := 0; n < len(lines); n++ {
		if m := docHidden.FindStringSubmatch(lines[n]); m != nil {
			if m[1] == "needs:" {
				needs = m[2]
				continue
			}
			b := docBlock{line: n + 1, kind: "hidden"}
			b.add(n+1, "$ "+m[2])
			blocks = append(blocks, b)
			continue
		}
		if strings.HasPrefix(lines[n], "<!--") {
			return nil, fmt.Errorf("%d: a comment that is neither run nor said what is needed", n+1)
		}
		language, ok := strings.CutPrefix(lines[n], "```")
		if !ok {
			continue
		}
		b := docBlock{line: n + 1, kind: language, needs: needs}
		needs = ""
		first := n + 1
		for n++; n < len(lines) && lines[n] != "```"; n++ {
			b.text += lines[n] + "\n"
			if language == "console" {
				b.add(n+1, lines[n])
			} else if strings.HasPrefix(lines[n], "umtape ") || strings.HasPrefix(lines[n], "$ ") {
				return nil, fmt.Errorf("%d: a command that no test runs: it belongs into a block of console", n+1)
			}
		}
		switch {
		case n == len(lines):
			return nil, fmt.Errorf("%d: the block has no end", first)
		case language == "":
			return nil, fmt.Errorf("%d: the block says not what it is", first)
		case language == "console" && len(b.shells) == 0:
			return nil, fmt.Errorf("%d: no command is in it", first)
		}
		if m := docNamed.FindStringSubmatch(lines[first]); m != nil && language != "console" {
			b.kind, b.name = "file", m[1]
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// add reads a line of a block: a command, the rest of one, or what is shown.
func (b *docBlock) add(number int, line string) {
	last := len(b.shells) - 1
	switch shell, isCommand := strings.CutPrefix(line, "$ "); {
	case isCommand || strings.HasPrefix(line, "^C"):
		if !isCommand {
			shell = line
		}
		b.shells = append(b.shells, docCommand{line: number, shell: shell})
	case last >= 0 && b.shells[last].shown == nil && strings.HasSuffix(b.shells[last].shell, `\`):
		b.shells[last].shell += "\n" + line
	case last >= 0:
		b.shells[last].shown = append(b.shells[last].shown, line)
	}
}

// showsAs reports whether what a command has printed is what is shown.
func showsAs(shown []string, printed string) bool {
	return docPattern(shown, `\n?$`).MatchString(plainLines(printed))
}

// beginsAs reports whether what a command has printed so far begins as is shown, and
// what it has printed beyond it.
func beginsAs(shown []string, printed string) (rest string, ok bool) {
	printed = plainLines(printed)
	at := docPattern(shown, `\n`).FindStringIndex(printed)
	if at == nil {
		return printed, false
	}
	return printed[at[1]:], true
}

// docPattern matches what is shown, in which "..." stands for anything in a line, and
// a line of nothing else for any lines.
func docPattern(shown []string, end string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A`)
	for k, line := range shown {
		if strings.TrimSpace(line) == "..." {
			b.WriteString(`(?s:.*?)`)
			continue
		}
		if k > 0 && strings.TrimSpace(shown[k-1]) == "..." {
			b.WriteString(`(?m:^)`)
		}
		b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(strings.TrimRight(line, " ")), `\.\.\.`, `[^\n]*?`))
		if k < len(shown)-1 {
			b.WriteString(`\n`)
		}
	}
	return regexp.MustCompile(b.String() + end)
}

var trailingBlanks = regexp.MustCompile(`[ \t\r]+\n`)

func plainLines(s string) string {
	return trailingBlanks.ReplaceAllString(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}
