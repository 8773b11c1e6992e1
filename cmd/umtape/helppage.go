package main

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// pageWidth is how wide pages are in a terminal.
const pageWidth = 80

var markdownLink = regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)

// plainMarkdown has Markdown as a terminal shows it: without what helps nobody there,
// which is where links go, asterisks, fences and comments; tables in columns.
func plainMarkdown(text string) string {
	var b strings.Builder
	var table [][]string
	inBlock, blank := false, false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if row, ok := tableRow(line); ok && !inBlock {
			table = append(table, row)
			continue
		}
		if table != nil {
			writeTable(&b, table)
			table, blank = nil, false
		}
		switch {
		case strings.HasPrefix(line, "```"):
			inBlock = !inBlock
			continue
		case inBlock:
			if line != "" {
				line = "  " + line
			}
		case strings.HasPrefix(line, "<!--"):
			continue
		default:
			line = plainWords(line)
		}
		if line == "" && blank && !inBlock {
			continue // there was a comment between the two
		}
		blank = line == ""
		b.WriteString(line + "\n")
	}
	writeTable(&b, table)
	return b.String()
}

func plainWords(s string) string {
	return strings.ReplaceAll(markdownLink.ReplaceAllString(s, "$1"), "**", "")
}

// tableRow reads the cells of a line of a table.
func tableRow(line string) (cells []string, ok bool) {
	if !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|") || len(line) < 2 {
		return nil, false
	}
	const bar = "\x00"
	line = strings.ReplaceAll(line[1:len(line)-1], `\|`, bar)
	for cell := range strings.SplitSeq(line, "|") {
		cells = append(cells, plainWords(strings.ReplaceAll(strings.TrimSpace(cell), bar, "|")))
	}
	return cells, true
}

// writeTable writes rows in columns: each as wide as its widest cell, but the last,
// and any other that would leave too little to it, in lines.
func writeTable(b *strings.Builder, rows [][]string) {
	if len(rows) < 2 {
		return
	}
	rows = append(rows[:1:1], rows[2:]...) // the second is of dashes
	if strings.Join(rows[0], "") == "" {
		rows = rows[1:]
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for k := range min(len(row), len(widths)) {
			widths[k] = max(widths[k], utf8.RuneCountInString(row[k]))
		}
	}
	left := pageWidth
	for k := range widths {
		columns := len(widths) - k
		most := left - (columns-1)*2
		if columns > 1 {
			most = min(most, max(most/columns, 28))
		}
		widths[k] = min(widths[k], most)
		left -= widths[k] + 2
	}
	for _, row := range rows {
		var cells [][]string
		height := 1
		for k := range min(len(row), len(widths)) {
			cells = append(cells, wrapWords(row[k], widths[k]))
			height = max(height, len(cells[k]))
		}
		for n := range height {
			var line strings.Builder
			for k, cell := range cells {
				text := ""
				if n < len(cell) {
					text = cell[n]
				}
				line.WriteString(text + strings.Repeat(" ", max(0, widths[k]-utf8.RuneCountInString(text))+2))
			}
			b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
		}
	}
}

// wrapWords breaks text into lines of at most width characters, if its words allow it.
func wrapWords(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
