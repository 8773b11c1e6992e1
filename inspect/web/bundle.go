package web

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// The page's script is modules, which a browser does not load from a file:// page. bundle
// makes of them one script that does the same: each module is a function that is called
// once and returns what it exports. It knows the forms of import and export that our
// modules have, and nothing else.

var (
	importLine = regexp.MustCompile(`^import (\{[^{}]*\}|\* as \w+) from '\./([\w-]+)\.js';$`)
	exportLine = regexp.MustCompile(`^export (?:(?:(?:async )?function\*?|class) ([\w$]+)|const (.*))`)
	moduleLine = regexp.MustCompile(`^(import|export)\b`)

	// What an HTML parser takes for markup inside a script element. In a text or a
	// regular expression of JavaScript \x3c is the same.
	markup = regexp.MustCompile(`(?i)<(!--|/?script)`)
)

// bundle returns the script that main, such as "app.js", and what it imports make.
func bundle(files fs.FS, main string) (string, error) {
	b := bundler{files: files, done: map[string]bool{}, names: map[string][]string{}}
	if err := b.add(strings.TrimSuffix(main, ".js"), nil); err != nil {
		return "", err
	}
	return markup.ReplaceAllString("'use strict';\n"+b.out.String(), `\x3c$1`), nil
}

type bundler struct {
	files fs.FS
	done  map[string]bool
	names map[string][]string // what each module exports
	out   strings.Builder
}

// add writes a module after those that it imports; above are those that import it.
func (b *bundler) add(name string, above []string) error {
	if slices.Contains(above, name) {
		return fmt.Errorf("%s.js imports itself, by way of %s", name, strings.Join(above, ", "))
	}
	if b.done[name] {
		return nil
	}
	b.done[name] = true
	text, err := fs.ReadFile(b.files, name+".js")
	if err != nil {
		return err
	}
	var body strings.Builder
	var exports []string
	for n, line := range strings.SplitAfter(string(text), "\n") {
		bare := strings.TrimRight(line, "\r\n")
		if m := importLine.FindStringSubmatch(bare); m != nil {
			if err := b.add(m[2], append(slices.Clone(above), name)); err != nil {
				return err
			}
			names, all := strings.CutPrefix(m[1], "* as ")
			for one := range strings.SplitSeq(strings.Trim(names, "{} "), ",") {
				if one, _, _ := strings.Cut(strings.TrimSpace(one), " as "); !all && one != "" && !slices.Contains(b.names[m[2]], one) {
					return fmt.Errorf("%s.js:%d: %s.js exports no %s", name, n+1, m[2], one)
				}
			}
			fmt.Fprintf(&body, "const %s = %s;\n", strings.ReplaceAll(names, " as ", ": "), moduleName(m[2]))
			continue
		}
		if m := exportLine.FindStringSubmatch(bare); m != nil {
			if m[1] != "" {
				exports = append(exports, m[1])
			} else {
				exports = append(exports, declared(m[2])...)
			}
			line = strings.TrimPrefix(line, "export ")
		} else if moduleLine.MatchString(bare) {
			return fmt.Errorf("%s.js:%d: %q is no form of import or export that is known", name, n+1, bare)
		}
		body.WriteString(line)
	}
	b.names[name] = exports
	fmt.Fprintf(&b.out, "const %s = (() => {\n%s\nreturn {%s};\n})();\n", moduleName(name), body.String(), strings.Join(exports, ", "))
	return nil
}

// declared are the names that a const declares which begins with this line: a = 1, b = 2;
func declared(line string) (names []string) {
	depth, quote, name := 0, rune(0), true
	for n, c := range line {
		switch {
		case quote != 0:
			if c == quote && line[n-1] != '\\' {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case strings.ContainsRune("([{", c):
			depth++
		case strings.ContainsRune(")]}", c):
			depth--
		case c == ',' && depth == 0:
			name = true
		case name && c != ' ':
			end := strings.IndexFunc(line[n:], func(c rune) bool { return strings.ContainsRune(" =;,", c) })
			if end < 0 {
				end = len(line) - n
			}
			names, name = append(names, line[n:n+end]), false
		}
	}
	return names
}

func moduleName(name string) string { return "module_" + strings.ReplaceAll(name, "-", "_") }
