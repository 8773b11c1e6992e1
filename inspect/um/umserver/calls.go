package umserver

import (
	"cmp"
	"container/list"
	"slices"
	"strings"
	"time"

	"github.com/umtape/umtape/inspect"
	"github.com/umtape/umtape/inspect/um"
)

// maxCalls bounds the calls remembered, maxDialString the text kept of each.
const (
	maxCalls      = 10_000
	maxDialString = 256
)

// The states that are observable through the protocol, and the causes this
// server gives (section 3.1).
const (
	connecting   = "Connecting"
	connected    = "Connected"
	disconnected = "Disconnected"

	none     = "None"
	userBusy = "UserBusy"
	noAnswer = "NoAnswer"
)

// Call is one telephone call as last reported.
type Call struct {
	ID         string // the CallId or PhoneCallId
	Operation  string // what started it: PlayOnPhone or PlayOnPhoneGreeting
	DialString string // somebody's number
	State      string // Connecting, Connected or Disconnected
	Cause      string // None, UserBusy or NoAnswer
	EndedBy    string // "client" if by Disconnect, "line" if by itself, "" if it has not ended
}

type call struct {
	Call
	number  int // counts the calls begun
	polls   int // how often it was asked about while live
	endedAt time.Time
	queue   *list.List // of the switchboard: live or ended
	place   *list.Element
}

// switchboard holds the calls. Whoever uses it holds the server's lock.
type switchboard struct {
	options *Options
	byID    map[string]*call
	live    *list.List // of *call, in the order they began
	ended   *list.List // of *call, in the order they ended
	begun   int
}

func newSwitchboard(o *Options) switchboard {
	return switchboard{options: o, byID: make(map[string]*call), live: list.New(), ended: list.New()}
}

// begin starts a call and returns its identifier.
func (b *switchboard) begin(operation, dialString string) (id string) {
	id = inspect.CallID{GUID: b.options.NewGUID(), Server: b.options.Host}.Encode()
	if older := b.byID[id]; older != nil {
		b.forget(older)
	}
	if len(b.byID) >= maxCalls {
		front := b.ended.Front()
		if front == nil {
			front = b.live.Front()
		}
		b.forget(front.Value.(*call))
	}
	b.begun++
	c := &call{number: b.begun, queue: b.live, Call: Call{
		ID: id, Operation: operation, DialString: strings.Clone(dialString), State: connecting, Cause: none,
	}}
	c.place = b.live.PushBack(c)
	b.byID[id] = c
	return id
}

func (b *switchboard) forget(c *call) {
	c.queue.Remove(c.place)
	delete(b.byID, c.ID)
}

// standing is what an identifier is to the switchboard.
type standing int

const (
	malformed standing = iota // not an identifier that any UM server gives out
	unknown                   // one in form, but of no call known here
	over                      // of a call that has ended
	live
)

func (b *switchboard) find(id string) (*call, standing) {
	c := b.byID[id]
	switch {
	case c == nil:
		// One over the documented length is not a server's either, so it gets
		// the fault that the specification demands for a wrong CallId.
		if _, ok := inspect.DecodeCallID(id); !ok || len(id) > um.MaxCallID {
			return nil, malformed
		}
		return nil, unknown
	case c.queue == b.live:
		return c, live
	case b.options.ForgetEnded < 0, b.options.ForgetEnded > 0 && b.options.Now().Sub(c.endedAt) >= b.options.ForgetEnded:
		return nil, unknown
	}
	return c, over
}

// poll moves a live call on by one question and reports it; ok is false if there
// is no such call.
func (b *switchboard) poll(id string) (c Call, ok bool) {
	found, s := b.find(id)
	if found == nil {
		return Call{}, false
	}
	if s == live {
		b.advance(found)
	}
	return found.Call, true
}

func (b *switchboard) advance(c *call) {
	c.polls++
	ring, talk := b.options.RingPolls, b.options.TalkPolls
	if c.polls <= ring {
		return
	}
	switch {
	case hasPrefix(c.DialString, b.options.Busy):
		b.end(c, userBusy, "line")
	case hasPrefix(c.DialString, b.options.NoAnswer):
		b.end(c, noAnswer, "line")
	case talk < 0 || c.polls-ring <= talk:
		c.State = connected
	default:
		b.end(c, none, "line")
	}
}

// hangUp ends a live call and says what the identifier was.
func (b *switchboard) hangUp(id string) standing {
	c, s := b.find(id)
	if s == live {
		b.end(c, none, "client")
	}
	return s
}

func (b *switchboard) end(c *call, cause, by string) {
	c.State, c.Cause, c.EndedBy, c.endedAt = disconnected, cause, by, b.options.Now()
	b.live.Remove(c.place)
	c.queue, c.place = b.ended, b.ended.PushBack(c)
}

func (b *switchboard) list() []Call {
	all := make([]*call, 0, len(b.byID))
	for _, c := range b.byID {
		all = append(all, c)
	}
	slices.SortFunc(all, func(x, y *call) int { return cmp.Compare(x.number, y.number) })
	calls := make([]Call, len(all))
	for i, c := range all {
		calls[i] = c.Call
	}
	return calls
}

func hasPrefix(dialString string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(dialString, p) })
}
