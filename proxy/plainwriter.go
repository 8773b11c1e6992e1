package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// mostHeld is how much of a body without a stated length is held back: if there
	// is no more, its length is stated. As in net/http.
	mostHeld = 2 << 10

	// mostJoined is how much is written at once, header and body: one record of TLS.
	mostJoined = 16 << 10
)

// plainWriter is the http.ResponseWriter of a plain request. It writes what that of
// net/http would, in one piece if it can.
type plainWriter struct {
	conn   *clientConn
	method string
	header http.Header

	status   int    // 0 until the header is given
	length   int64  // of the body; -1 if it is not stated
	given    int64  // of the body, so far
	held     []byte // the body of an answer that has not begun
	begun    bool   // the header is in out, or was written
	chunked  bool
	trailers []string // announced
	closes   bool     // the connection ends with this answer
	out      output   // not written yet
	room     *output  // of outputs, which gets out back
	err      error    // of a write
}

type output []byte

func (o *output) Write(p []byte) (int, error)       { *o = append(*o, p...); return len(p), nil }
func (o *output) WriteString(p string) (int, error) { *o = append(*o, p...); return len(p), nil }

// outputs are not kept by connections, most of which wait for a request.
var outputs = sync.Pool{New: func() any { return new(output) }}

// start makes w the writer of the answer to another request.
func (w *plainWriter) start(method string) {
	room := outputs.Get().(*output)
	*w = plainWriter{conn: w.conn, method: method, header: http.Header{}, length: -1, held: w.held[:0], out: (*room)[:0], room: room}
}

func (w *plainWriter) Header() http.Header { return w.header }

func (w *plainWriter) WriteHeader(status int) {
	switch {
	case w.status != 0:
		return
	case status < 200: // an interim answer; plain requests ask for no 101
		w.head(status, lengthHeaders)
		w.send()
		return
	}
	w.status = status
	if text := w.header["Content-Length"]; len(text) > 0 {
		if n, err := strconv.ParseInt(text[0], 10, 64); err == nil && n >= 0 {
			w.length = n
		} else {
			delete(w.header, "Content-Length")
		}
	}
}

func (w *plainWriter) Write(p []byte) (int, error)       { return writePlain(w, p) }
func (w *plainWriter) WriteString(p string) (int, error) { return writePlain(w, p) }

// writePlain takes a part of the body.
func writePlain[text string | []byte](w *plainWriter, p text) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !statusHasBody(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if w.given += int64(len(p)); w.length >= 0 && w.given > w.length {
		return 0, http.ErrContentLength
	}
	switch {
	case !w.begun && w.length < 0 && w.given <= mostHeld:
		w.held = append(w.held, p...)
		return len(p), nil
	case w.method == http.MethodHead:
		return len(p), nil
	}
	w.begin()
	emit(w, p)
	return len(p), w.err
}

// emit puts a part of the body behind what is there.
func emit[text string | []byte](w *plainWriter, p text) {
	if len(p) == 0 {
		return
	}
	if w.chunked {
		w.out = append(strconv.AppendInt(w.out, int64(len(p)), 16), crlf...)
	}
	if len(w.out)+len(p) > mostJoined {
		w.send()
	}
	if len(p) <= mostJoined {
		w.out = append(w.out, p...)
	} else if w.err == nil {
		_, w.err = w.conn.Write([]byte(p))
	}
	if w.chunked {
		w.out = append(w.out, crlf...)
	}
}

// Flush gives the client what is there, the header at least.
func (w *plainWriter) Flush() {
	w.WriteHeader(http.StatusOK)
	w.begin()
	w.send()
}

// begin writes the header and what was held.
func (w *plainWriter) begin() {
	if w.begun {
		return
	}
	w.begun = true
	for _, line := range w.header["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if _, sent := w.header[name]; !sent {
				w.trailers = append(w.trailers, name)
			}
		}
	}
	body := statusHasBody(w.status)
	w.chunked = body && w.length < 0 && w.method != http.MethodHead
	without := transferHeader
	switch {
	case w.status == http.StatusNotModified:
		without = notModifiedHeaders
	case !body, w.chunked:
		without = lengthHeaders
	}
	w.head(w.status, without)
	if w.method != http.MethodHead {
		emit(w, w.held)
	}
}

// What is not written of a header, since the writer knows better.
var (
	transferHeader     = map[string]bool{"Transfer-Encoding": true}
	lengthHeaders      = map[string]bool{"Transfer-Encoding": true, "Content-Length": true}
	notModifiedHeaders = map[string]bool{"Transfer-Encoding": true, "Content-Length": true, "Content-Type": true}
)

// head writes a status line and the header.
func (w *plainWriter) head(status int, without map[string]bool) {
	w.out.WriteString("HTTP/1.1 ")
	w.out = strconv.AppendInt(w.out, int64(status), 10)
	w.out = append(w.out, ' ')
	if text := http.StatusText(status); text != "" {
		w.out.WriteString(text)
	} else {
		w.out.WriteString("status code " + strconv.Itoa(status))
	}
	w.out.Write(crlf)
	w.header.WriteSubset(&w.out, without)
	if status >= 200 {
		if _, told := w.header["Date"]; !told {
			w.line("Date", time.Now().UTC().Format(http.TimeFormat))
		}
		w.closes = w.closes || hasToken(w.header["Connection"], "close")
		if !w.closes && w.conn.server.queue.closed() {
			w.closes = true
			w.line("Connection", "close")
		}
		if w.chunked {
			w.line("Transfer-Encoding", "chunked")
		}
	}
	w.out.Write(crlf)
}

func (w *plainWriter) line(name, value string) {
	w.out = append(append(append(append(w.out, name...), ": "...), value...), crlf...)
}

// end writes the rest of the answer. It is false if no other can follow.
func (w *plainWriter) end() bool {
	w.WriteHeader(http.StatusOK)
	whole := statusHasBody(w.status) && w.header["Trailer"] == nil && (w.method != http.MethodHead || len(w.held) > 0)
	if !w.begun && w.length < 0 && whole {
		w.length = int64(len(w.held))
		w.header["Content-Length"] = []string{strconv.Itoa(len(w.held))}
	}
	w.begin()
	if w.chunked {
		w.out.WriteString("0\r\n")
		w.trailer().Write(&w.out)
		w.out.Write(crlf)
	}
	w.send()
	if cap(w.out) <= 2*mostJoined { // it is longer after a long header
		*w.room = w.out
		outputs.Put(w.room)
	}
	w.out, w.room = nil, nil
	short := w.length >= 0 && w.given < w.length && statusHasBody(w.status) && w.method != http.MethodHead
	return w.err == nil && !w.closes && !short
}

// trailer is what follows the body.
func (w *plainWriter) trailer() http.Header {
	t := http.Header{}
	for _, name := range w.trailers {
		if values := w.header[name]; values != nil {
			t[name] = values
		}
	}
	for name, values := range w.header {
		if name, late := strings.CutPrefix(name, http.TrailerPrefix); late {
			t[name] = values
		}
	}
	return t
}

// send writes to the connection. After an error there is no more to be said.
func (w *plainWriter) send() {
	if len(w.out) > 0 && w.err == nil {
		_, w.err = w.conn.Write(w.out)
	}
	w.out = w.out[:0]
}

func statusHasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
