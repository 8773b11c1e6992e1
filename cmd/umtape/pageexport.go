package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/cassettes/captures"
	"github.com/umtape/umtape/inspect/report"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/web"
)

// Export is that of web.Tape. Unless what is sensitive was asked for it becomes
// pseudonyms, as by umtape scrub --pseudonyms.
func (p *pageTapes) Export(w io.Writer, as string, list []web.Place, reveal bool) error {
	interactions := make([]*cassettes.Interaction, 0, len(list))
	headers, hidden, size := map[string]cassettes.HeaderMeta{}, 0, 0
	for _, at := range list {
		i, veiled, err := p.interaction(at.File, at.ID)
		if err != nil {
			return err
		}
		if veiled {
			hidden++
		}
		if size += len(i.Request.Body) + len(i.Response.Body); size > p.maxExport {
			return fmt.Errorf("these exchanges hold more than the page exports at once, %d MiB of messages: filter, and export some at a time", p.maxExport>>20)
		}
		interactions = append(interactions, i)
		headers[at.File] = p.headerOf(at.File)
	}
	if hidden > 0 && (hidden < len(list) || len(headers) > 1) {
		return errors.New("some of these exchanges hold pseudonyms already, which fit those of their own cassette only: filter by one, as file:NAME, and export that")
	}
	e := cassettes.Selection(selectionHeader(headers), interactions)
	if !reveal && hidden == 0 {
		if _, err := e.Hide(veiled()); err != nil {
			return err
		}
	}
	switch as {
	case "cassette":
		_, err := w.Write(e.Bytes())
		return err
	case "json":
		out := report.NewListJSON(w)
		for _, r := range e.Records {
			if err := out.Add(entry("umtape.yaml", r.Interaction)); err != nil {
				return err
			}
		}
		return out.Close()
	}
	har, err := captures.NewHARWriter(w, version)
	if err != nil {
		return err
	}
	for _, r := range e.Records {
		x, err := r.Capture()
		if err == nil {
			err = har.Add(x, strings.Join(remarks(r.Interaction), "; "))
		}
		if err != nil {
			return fmt.Errorf("interaction %d: %w", r.ID, err)
		}
	}
	return har.Close()
}

func (p *pageTapes) headerOf(path string) cassettes.HeaderMeta {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tape(path).header
}

// selectionHeader is what the headers of cassettes have in common.
func selectionHeader(from map[string]cassettes.HeaderMeta) cassettes.HeaderMeta {
	h := cassettes.HeaderMeta{RecordedBy: "umtape " + version, Profile: um.Profile().Name, Kept: "soap"}
	first := true
	for _, m := range from {
		if first {
			h.Redact, first = slices.Clone(m.Redact), false
			continue
		}
		h.Redact = slices.DeleteFunc(h.Redact, func(name string) bool { return !slices.Contains(m.Redact, name) })
	}
	if !slices.Contains(h.Redact, cassettes.RedactCredentials) {
		h.Redact = append([]string{cassettes.RedactCredentials}, h.Redact...)
	}
	return h
}
