package main

import (
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/spf13/cobra"

	"github.com/umtape/umtape/cassettes"
	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
	"github.com/umtape/umtape/inspect/web"
	"github.com/umtape/umtape/proxy"
)

// uiFlag is --ui.
func uiFlag(cmd *cobra.Command, addr *string) {
	cmd.Flags().StringVar(addr, "ui", "", "loopback `ADDRESS` to serve a page on that shows exchanges as they happen; its link, with a token, is printed; port 0 picks a free one")
}

// livePage is the page of a recording or a replay. Its methods work on nil, which is a
// page that nobody asked for.
type livePage struct {
	ln     net.Listener
	tapes  *pageTapes
	book   *web.Book
	server *web.Server
	ended  chan struct{} // closed when rows has ended

	missed missedRequests // of rows alone

	mu      sync.Mutex
	waiting []waitingRow
	more    chan struct{}
	closing bool
}

// waitingRow is not yet on the page, since its tape has to be read.
type waitingRow struct {
	web.Row
	facts *cassettes.Facts
}

// openPage listens on addr; nil if addr is "".
func openPage(addr string) (*livePage, error) {
	if addr == "" {
		return nil, nil
	}
	ln, err := listen(addr)
	if err != nil {
		var wrong *misuseError
		if errors.As(err, &wrong) {
			return nil, &misuseError{err: fmt.Errorf("--ui: %w", wrong.err)}
		}
		var hinted *hintedError
		if errors.As(err, &hinted) {
			return nil, hint(fmt.Errorf("--ui: %w", hinted.err), "give another: --ui 127.0.0.1:0 picks a free port")
		}
		return nil, fmt.Errorf("--ui: %w", err)
	}
	return &livePage{ln: ln, tapes: newPageTapes(), book: web.NewBook(), more: make(chan struct{}, 1), ended: make(chan struct{})}, nil
}

// start serves the page. ca is the file by which clients trust the proxy; "" if they
// take it for the server.
func (p *livePage) start(a *app, mode, title, proxy, ca string) {
	if p == nil {
		return
	}
	if mode == "record" { // a replay answers with any of them
		p.tapes.maxKept = keptByPage
	}
	p.server = web.Serve(p.ln, web.Config{Book: p.book, Tape: p.tapes, Check: um.Check, Title: title, Mode: mode, Proxy: proxy, CA: ca, Version: version})
	a.say("the page is at %s", p.server.Link())
	go p.rows()
}

// maxMissPlaces is how many places where a miss differs the page has.
const maxMissPlaces = 100

// exchange puts an exchange on the page. It does not wait for that.
func (p *livePage) exchange(e proxy.Exchange, f *cassettes.Facts, outcome, reason string) {
	if p == nil {
		return
	}
	r := web.Row{
		Began: e.Began.UTC(), Took: e.Took, Operation: inspect.Shorten(f.Operation, maxShownOperation), Call: f.Call,
		Status: e.Status, Fault: veiled().VeiledText(f.Fault), Outcome: outcome,
		Reason: reason, Veiled: veiled().VeiledText(reason, e.Host()),
	}
	if e.Client.IsValid() {
		r.Address = e.Client.String()
	}
	if m := f.Miss; m != nil {
		r.Miss = &web.Miss{Distance: m.Distance, Differences: m.Differences[:min(len(m.Differences), maxMissPlaces)],
			Cut: m.Cut || len(m.Differences) > maxMissPlaces, Rules: m.Rules}
	}
	if r.Operation == "" {
		r.Operation = "(" + inspect.Shorten(e.Method, maxShownMethod) + ")"
	}
	p.mu.Lock()
	if !p.closing {
		p.waiting = append(p.waiting, waitingRow{r, f})
	}
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// rows reads of the tape what it has of exchanges, and puts them on the page, until
// close.
func (p *livePage) rows() {
	defer close(p.ended)
	for range p.more {
		p.mu.Lock()
		waiting, closing := p.waiting, p.closing
		p.waiting = nil
		p.mu.Unlock()
		if closing {
			return
		}
		rows := make([]web.Row, len(waiting))
		for n, w := range waiting {
			rows[n] = p.read(w)
		}
		p.book.Add(rows...)
	}
}

// read adds to a row what its interaction says, and names the nearest one as the page
// does.
func (p *livePage) read(w waitingRow) web.Row {
	r, f := w.Row, w.facts
	if r.Miss != nil && f.Request != nil {
		r.Miss.Read = p.missed.keep(f.Request)
	}
	if id, ok := idOf(f.Nearest); ok {
		r.Nearest = fmt.Sprintf("%s#%d", f.File, id)
	}
	id, ok := idOf(f.Interaction)
	if !ok {
		return r
	}
	i, _, err := p.tapes.interaction(f.File, id)
	if err != nil {
		return r
	}
	kept := rowOf(f.File, i)
	kept.Began, kept.Took, kept.Operation, kept.Address, kept.Status, kept.Fault = r.Began, r.Took, r.Operation, r.Address, r.Status, r.Fault
	kept.Outcome, kept.Reason, kept.Veiled, kept.Nearest = r.Outcome, r.Reason, r.Veiled, r.Nearest
	if r.Call != "" {
		kept.Call = r.Call
	}
	return kept
}

func (p *livePage) close() {
	if p == nil {
		return
	}
	if p.server == nil { // it never began
		p.ln.Close()
		return
	}
	p.server.Close()
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
	<-p.ended
}
