package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect/report"
)

// Report is the page as one file, with all that it shows in it: it asks nobody for
// anything, and opens from file://. The book has to be whole, and nothing is to be added
// to it meanwhile.
type Report struct {
	Config

	// Reveal has what is sensitive in it. Without it none of that is in the file.
	Reveal bool

	// Made is the time that it tells of itself.
	Made time.Time

	// Summary is told above all else, on one line, and Facts below it, in this order.
	Summary string
	Facts   []Fact

	// MaxBytes bounds the file; 0 is MaxReport.
	MaxBytes int
}

// Fact is something that a report tells of what it is about.
type Fact struct{ Name, Text string }

// MaxReport is how long a report is at most unless it says otherwise: what browsers open
// at once, and mail and ticket systems take.
const MaxReport = 32 << 20

// ErrReportTooLong is wrapped by the error of [Report.Write] if the file would be longer
// than it may be.
var ErrReportTooLong = errors.New("the report is too long")

// policyOf allows a page that is one file what is in that file.
func policyOf(script, style string) string {
	return fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; form-action 'none'; base-uri 'none'; "+
		"require-trusted-types-for 'script'; trusted-types 'none'", hashOf(script), hashOf(style))
}

// hashOf is how a Content-Security-Policy names a text.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// reportPage is what the template is given for a report.
type reportPage struct {
	Policy  string
	Icon    template.URL
	Made    string
	Version string
	Reveal  bool
	Summary string
	Facts   []Fact
	Rows    []reportRow
}

// reportRow is a row for whoever has no script.
type reportRow struct {
	Name, Time, Operation, Call, Status, Took, Shape, Found string
	Bad                                                     bool
}

// Write writes the report, whose writing can end anywhere: into memory, as a rule.
func (r *Report) Write(w io.Writer) error {
	limit := r.MaxBytes
	if limit == 0 {
		limit = MaxReport
	}
	script, style := made().script, made().style
	if state, _ := r.Book.state(); state.Total > limit/minExchange {
		return ErrReportTooLong
	}
	var page bytes.Buffer
	if err := index.Execute(&page, pageData{Title: r.Title, Style: template.CSS(style), Report: &reportPage{
		Policy: policyOf(script, style),
		Icon:   template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(made().icon))),
		Made:   r.Made.UTC().Format("2006-01-02 15:04 UTC"), Version: r.Version, Reveal: r.Reveal, Summary: r.Summary, Facts: r.Facts, Rows: r.rows(),
	}}); err != nil {
		return err
	}
	head, foot, ok := bytes.Cut(page.Bytes(), []byte("</body>"))
	if !ok {
		return errors.New("the page has no end")
	}
	end := "<script>" + script + "</script>\n</body>" + string(foot)
	out := limited{Writer: w, left: limit - len(end)}
	if _, err := out.Write(head); err != nil {
		return err
	}
	if err := r.answers(&out); err != nil {
		return err
	}
	_, err := io.WriteString(w, end)
	return err
}

// minExchange is how many bytes of a report an exchange takes at least.
const minExchange = 500

// limited is a writer that takes so much and no more.
type limited struct {
	io.Writer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.left -= len(b); l.left < 0 {
		return 0, ErrReportTooLong
	}
	return l.Writer.Write(b)
}

// answers writes what the page's script asks for, each answer under what is asked.
func (r *Report) answers(w io.Writer) error {
	s := newServer("127.0.0.1:0", r.Config)
	defer s.end()
	state, _ := s.Book.state()
	meta, err := json.Marshal(struct {
		bookState
		Reveal bool   `json:"reveal"`
		Made   string `json:"made"`
	}{state, r.Reveal, r.Made.UTC().Format("2006-01-02 15:04 UTC")})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "<script type=\"application/json\" id=\"report\">%s</script>\n", meta); err != nil {
		return err
	}
	write := func(name string, params url.Values, answer []byte) error {
		_, err := fmt.Fprintf(w, "<script type=\"application/json\" data-load=\"%s\">%s</script>\n", template.HTMLEscapeString(name+"?"+params.Encode()), answer)
		return err
	}
	ask := func(name string, params url.Values) ([]byte, error) {
		asked := url.Values{}
		for name, values := range params {
			asked[name] = values
		}
		if r.Reveal {
			asked.Set("reveal", "1")
		}
		return s.answer("/api/" + name + "?" + asked.Encode())
	}
	put := func(name string, params url.Values) ([]byte, error) {
		answer, err := ask(name, params)
		if err != nil {
			return nil, err
		}
		return answer, write(name, params, answer)
	}
	for from, calls := 0, 0; ; {
		answer, err := put("rows", url.Values{"from": {fmt.Sprint(from)}, "calls": {fmt.Sprint(calls)}})
		if err != nil {
			return err
		}
		var part struct {
			ID    []int    `json:"id"`
			Calls []string `json:"calls"`
		}
		if err := json.Unmarshal(answer, &part); err != nil {
			return err
		}
		from, calls = from+len(part.ID), calls+len(part.Calls)
		if from >= state.Total || len(part.ID) == 0 {
			break
		}
	}
	for _, view := range []string{"calls", "findings"} {
		if _, err := put(view, nil); err != nil {
			return err
		}
	}
	if err := shapesOf(put); err != nil {
		return err
	}
	told := map[string]bool{} // calls
	for n := range state.Total {
		params := url.Values{"n": {fmt.Sprint(n)}}
		answer, err := ask("exchange", params)
		if err != nil {
			return fmt.Errorf("exchange %d of %d: %w", n+1, state.Total, err)
		}
		// The exchanges of a call are told once, and not in each of them.
		var x map[string]json.RawMessage
		if err := json.Unmarshal(answer, &x); err != nil {
			return err
		}
		if of, ok := x["of_call"]; ok {
			delete(x, "of_call")
			call := strconv.Itoa(r.Book.callAt(n))
			x["of"] = json.RawMessage(call)
			if !told[call] {
				told[call] = true
				if err := write("of", url.Values{"call": {call}}, of); err != nil {
					return err
				}
			}
			if answer, err = json.Marshal(x); err != nil {
				return err
			}
		}
		if err := write("exchange", params, answer); err != nil {
			return err
		}
	}
	return nil
}

// callAt is the number of the n-th row's call; -1 if it has none.
func (b *Book) callAt(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(b.rows[n].call)
}

// shapesOf puts the shapes of all kinds of messages: of each kind those of all together,
// and of each structure, from which the page's script makes what else is asked for.
func shapesOf(put func(string, url.Values) ([]byte, error)) error {
	answer, err := put("shapes", nil)
	if err != nil {
		return err
	}
	var all struct {
		Groups []struct {
			Key      string `json:"key"`
			Variants []struct {
				Name string `json:"name"`
			} `json:"variants"`
		} `json:"groups"`
	}
	if err := json.Unmarshal(answer, &all); err != nil {
		return err
	}
	for _, g := range all.Groups {
		if _, err := put("shape", url.Values{"key": {g.Key}}); err != nil {
			return err
		}
		if len(g.Variants) == 1 {
			continue // it is all of them
		}
		for _, v := range g.Variants {
			if _, err := put("shape", url.Values{"key": {g.Key}, "variant": {v.Name}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer is what the page's script would be given.
func (s *Server) answer(path string) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	a := answered{header: http.Header{}, status: http.StatusOK}
	s.mux.ServeHTTP(&a, request)
	if a.status != http.StatusOK {
		var failed struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(a.body.Bytes(), &failed) == nil && failed.Error != "" {
			return nil, errors.New(failed.Error)
		}
		return nil, fmt.Errorf("%s: %s", strings.SplitN(path, "?", 2)[0], http.StatusText(a.status))
	}
	return bytes.TrimSpace(a.body.Bytes()), nil
}

// answered keeps an answer.
type answered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answered) Header() http.Header         { return a.header }
func (a *answered) WriteHeader(status int)      { a.status = status }
func (a *answered) Write(b []byte) (int, error) { return a.body.Write(b) }

// rows are those of the table for whoever has no script, the newest first.
func (r *Report) rows() (list []reportRow) {
	r.Book.mu.Lock()
	defer r.Book.mu.Unlock()
	for n := len(r.Book.rows) - 1; n >= 0; n-- {
		row := r.Book.full(n)
		t := reportRow{
			Name: report.Printable(name(row)), Time: "-", Operation: report.Printable(row.Operation), Call: "-", Status: fmt.Sprint(row.Status), Took: "-",
			Shape: report.Printable(row.Shape),
			Bad:   row.Fault != "" || row.Status >= 400,
		}
		if !row.Began.IsZero() {
			t.Time = row.Began.UTC().Format("2006-01-02 15:04:05.000")
		}
		if c := r.Book.rows[n].call; c >= 0 {
			t.Call = r.Book.label(int(c))
		}
		if row.Took > 0 {
			t.Took = row.Took.Round(10 * time.Microsecond).String()
		}
		var found []string
		for _, f := range []struct {
			n    int
			what string
		}{{row.Errors, "error"}, {row.Warnings, "warning"}} {
			if f.n == 1 {
				found = append(found, "1 "+f.what)
			} else if f.n > 1 {
				found = append(found, fmt.Sprintf("%d %ss", f.n, f.what))
			}
		}
		t.Found = strings.Join(found, ", ")
		list = append(list, t)
	}
	return list
}
