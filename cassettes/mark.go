package cassettes

import (
	"crypto/sha256"
	"encoding/binary"
	"net/http"

	"github.com/umtape/umtape/inspect"
)

// A mark is what is held in memory of one interaction: what it answers, and
// where it is. It has no pointers, so that the collector has nothing to look at
// in a million of them, and a fixed size on disk (markfile.go).
type mark struct {
	fold  uint64 // see key
	off   int64  // of the record in its file; of an interaction in memory its number
	size  uint32 // of the record, in bytes
	sum   uint32 // of the record, CRC-32C
	plain uint32 // see key
	host  uint32 // see key
	op    uint32 // digest of the operation's name
	flags markFlags
}

type markFlags uint32

const (
	markSOAP11    markFlags = 1 << iota // see key
	markSOAP12                          // see key
	markChallenge                       // a 401 or 407
	markBroken                          // the response was not recorded whole
	markUnasked                         // half a request, which answers none
	markFailed                          // the status is an error's
	markRenamed                         // its ID is not its place in the file
)

// weak interactions answer only where there is no other: the turn would be lost.
func (m *mark) weak() bool { return m.flags&(markChallenge|markBroken) != 0 }

func (m *mark) key() key {
	k := key{fold: m.fold, plain: m.plain, host: m.host}
	switch {
	case m.flags&markSOAP11 != 0:
		k.version = inspect.SOAP11
	case m.flags&markSOAP12 != 0:
		k.version = inspect.SOAP12
	}
	return k
}

// markOf marks the n-th interaction of a cassette, which asked for a.
func markOf(i *Interaction, n int, a asked) mark {
	k := a.key()
	m := mark{fold: k.fold, plain: k.plain, host: k.host, op: operationDigest(a.operation())}
	set := func(f markFlags, when bool) {
		if when {
			m.flags |= f
		}
	}
	set(markSOAP11, k.version == inspect.SOAP11)
	set(markSOAP12, k.version == inspect.SOAP12)
	set(markChallenge, i.challenge())
	set(markFailed, i.Response.Code >= 400)
	set(markBroken, i.Umtape.Truncated == "response" || i.Umtape.Truncated == "both")
	set(markUnasked, i.Umtape.Truncated == "request" || i.Umtape.Truncated == "both")
	set(markRenamed, i.ID != n)
	return m
}

func operationDigest(name string) uint32 {
	d := sha256.Sum256([]byte(name))
	return binary.LittleEndian.Uint32(d[:])
}

// challenge reports whether the answer is a leg of authentication, which a
// replay does without (PROTOCOL.md, section 4.5).
func (i *Interaction) challenge() bool {
	return i.Response.Code == http.StatusUnauthorized || i.Response.Code == http.StatusProxyAuthRequired
}
