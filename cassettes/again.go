package cassettes

import (
	"bytes"
	"os"
)

// Kept is where an interaction is in the file that it was read from, so that it can
// be read again instead of being held. It is small; of an interaction whose place is
// not known, as in cassettes that others wrote, it holds the interaction itself.
type Kept struct {
	span  span
	line  int
	print [len(checksumPrefix) + 8]byte // a Fingerprint
	held  *Interaction
}

// Kept returns where the interaction is.
func (i *Interaction) Kept() Kept {
	if i.span.size == 0 {
		return Kept{held: i}
	}
	k := Kept{span: i.span, line: i.Line}
	copy(k.print[:], i.Fingerprint())
	return k
}

// ReadKept reads an interaction of the cassette at path again. The error says so if
// it is no longer there as it was.
func ReadKept(path string, k Kept) (*Interaction, error) {
	if k.held != nil {
		return k.held, nil
	}
	changed := &fault{kind: errChanged, path: path, what: "was changed since it was read", next: "look at it again"}
	f, err := os.Open(path)
	if err != nil {
		return nil, pathFault(path, err, "")
	}
	defer f.Close()
	record := make([]byte, k.span.size)
	if _, err := f.ReadAt(record, k.span.off); err != nil {
		return nil, changed
	}
	whole := oneRecord(record, 0, len(record))
	var i *Interaction
	ok := false
	if whole.intact && bytes.HasSuffix(record, []byte("\n")) {
		fast := fastReader{once: true}
		i, ok = fast.read(record)
	}
	if !ok {
		if i, err = parseRecord(path, record, whole, 0); err != nil {
			return nil, changed
		}
	}
	i.Edited, i.Line, i.span = !whole.intact, k.line, k.span
	if i.Fingerprint() != string(k.print[:]) {
		return nil, changed
	}
	return i, nil
}
