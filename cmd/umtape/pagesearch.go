package main

import (
	"strings"

	"github.com/umtape/umtape/cassettes"
)

// Says is that of web.Tape.
func (p *pageTapes) Says(path string, id int, text string, reveal bool) (bool, error) {
	i, hidden, err := p.interaction(path, id)
	if err != nil {
		return false, err
	}
	if reveal || hidden {
		return says(i, text), nil
	}
	// Hiding takes its time, and most do not say it anyway; but what stands where something
	// is hidden can be looked for as well.
	return (says(i, text) || strings.Contains(text, cassettes.Veil)) && says(veiled().Veiled(i), text), nil
}

func says(i *cassettes.Interaction, text string) bool {
	request, response := i.Texts()
	return strings.Contains(strings.ToLower(request), text) || strings.Contains(strings.ToLower(response), text)
}
