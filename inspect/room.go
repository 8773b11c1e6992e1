package inspect

import "fmt"

// room is how many bytes the tree of a message may still take. It bounds what a message
// costs by its length, where most of it is tags: the shortest, <a/>, has four bytes, and
// an element of the tree twenty times as many.
type room int64

// The tree of a message may take roomTimes its length and roomSpare, which leaves what is
// made of it three times the length. Messages of Exchange take two to five times theirs.
const (
	roomTimes = 7
	roomSpare = 2 << 20
)

// roomFor is that for a message whose body has n bytes.
func roomFor(n int) room { return roomSpare + roomTimes*room(n) }

// take is false if there is not as much left.
func (r *room) take(n int) bool {
	*r -= room(n)
	return *r >= 0
}

// What parts of a tree take, in bytes; where a list grows, with the list that it grew from.
const (
	elementRoom = 96 + 24
	tagRoom     = 64
	attrRoom    = 64
	scopeRoom   = 112 // a declaration, mostly the one of its scope

	// The full way makes etree's tree first.
	fullElementRoom = elementRoom + 96 + 24 + 24 + 8 // its offset
	fullAttrRoom    = attrRoom + 96
	fullTextRoom    = 48 + 24 + 16
)

// roomReason says of a message of n bytes that it has too many parts for its length.
func roomReason(n int) string {
	return fmt.Sprintf("too many tags for its %d bytes, so that it would take more than %d times as many in memory", n, roomTimes)
}
