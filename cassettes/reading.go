package cassettes

import (
	"hash/maphash"
	"net/http"
	"strings"
	"sync"

	"github.com/umtape/umtape/inspect"
)

// reading is what a body says, as far as a recording has to know it.
type reading struct {
	text      string // as it is kept: without credentials
	soap      bool   // it is a SOAP envelope
	problem   error  // why it is none
	operation string // local name of the Body's child, "" if there is none
	call      string // identifier of the call that it names or hands out, "" if there is none
	fault     string // see Facts.Fault
}

// read reads a body that is packed no more.
func (r *Recorder) read(body []byte, h http.Header) reading {
	kind := strings.Join(h["Content-Type"], "\n") // nothing else of a header says how to read a body
	hash, what, known := r.bodies.get(kind, body)
	if known {
		return what
	}
	m, err := inspect.ParseBody(h, body)
	what = reading{text: redactString(textOf(body, m), h), soap: m != nil, problem: err, operation: m.Operation(), fault: faultKind(m)}
	if m != nil && r.options.Profile.CallID != nil {
		what.call = r.options.Profile.CallID(m)
	}
	if what.text == string(body) { // or it holds a secret, which is nothing to keep
		r.bodies.note(hash, kind, what)
	}
	return what
}

// knownBodies are bodies that have come several times, as answers of a server and
// questions about a call do: equal bytes say the same. They hold no credentials. Its
// methods may be called by several goroutines at once, and of nil, which knows none.
type knownBodies struct {
	seed  maphash.Seed
	mu    sync.Mutex // guards what follows
	slots [256]knownBody
}

// knownBody is a place for one of those whose hashes share it.
type knownBody struct {
	came    uint64 // hash of the one that has come last
	kind    string
	reading reading // its text is the body
}

// maxKnownBody is how long they may be, in bytes.
const maxKnownBody = 16 << 10

func newKnownBodies() *knownBodies { return &knownBodies{seed: maphash.MakeSeed()} }

func (k *knownBodies) get(kind string, body []byte) (hash uint64, what reading, known bool) {
	if k == nil || len(body) > maxKnownBody {
		return 0, what, false
	}
	hash = maphash.Bytes(k.seed, body)
	k.mu.Lock()
	defer k.mu.Unlock()
	b := &k.slots[hash%uint64(len(k.slots))]
	known = b.reading.text == string(body) && b.kind == kind && len(body) > 0
	return hash, b.reading, known
}

// note keeps what a body says when it comes for the second time.
func (k *knownBodies) note(hash uint64, kind string, what reading) {
	if k == nil || len(what.text) > maxKnownBody {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	b := &k.slots[hash%uint64(len(k.slots))]
	if b.came == hash {
		*b = knownBody{hash, kind, what}
	}
	b.came = hash
}
