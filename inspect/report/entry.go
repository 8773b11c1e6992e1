package report

import (
	"fmt"
	"time"

	"github.com/umtape/umtape/inspect"
)

// Entry is one interaction of a cassette, read.
type Entry struct {
	File  string // as the user named it
	ID    int
	Line  int // 1-based, where the interaction starts in File; 0 if unknown
	Call  string
	Notes []string // what the cassette says of it: truncated, edited ...

	*inspect.Reading
}

// Name is FILE#ID, by which commands and replayed responses name it.
func (e Entry) Name() string { return fmt.Sprintf("%s#%d", e.File, e.ID) }

// operation is what to call the exchange in a list.
func (e Entry) operation() string {
	if e.Operation != "" {
		return e.Operation
	}
	if e.IsSOAP() {
		return "(" + e.Method + ", unreadable)"
	}
	return "(" + e.Method + ")"
}

// shape is the response in one expression.
func (e Entry) shape() string {
	if e.Response != nil {
		return inspect.ShapeOf(e.Response)
	}
	if len(e.ResponseBody) == 0 {
		return "(no body)"
	}
	t := e.ResponseHeader.Get("Content-Type")
	if t == "" {
		t = "no type"
	}
	return fmt.Sprintf("(%s, %d bytes)", t, len(e.ResponseBody))
}

// call is the call identifier decoded, or as it is.
func (e Entry) call() (id, server string) {
	if c, ok := inspect.DecodeCallID(e.Call); ok {
		return c.GUID, c.Server
	}
	return e.Call, ""
}

func took(d time.Duration) string {
	switch {
	case d <= 0:
		return "-"
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
