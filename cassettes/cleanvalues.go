package cassettes

import "sync"

// cleanValues are values of headers that were looked at and are kept as they are: most
// exchanges of a client have the same ones, and to look at them again each time takes
// longer than to look at their bodies. Its methods may be called by several goroutines at
// once, and of nil, which knows none.
type cleanValues struct {
	mu    sync.RWMutex
	known map[headerValue]struct{}
}

type headerValue struct{ name, value string }

// Bounds of what is remembered.
const (
	maxCleanValues = 512
	maxCleanValue  = 256 // bytes
)

// redact is [redactHeaderValue] for a name in its canonical form.
func (c *cleanValues) redact(name, value string) string {
	if c == nil || len(value) > maxCleanValue {
		return redactHeaderValue(name, value, secretHeader(name))
	}
	key := headerValue{name, value}
	c.mu.RLock()
	_, clean := c.known[key]
	c.mu.RUnlock()
	if clean {
		return value
	}
	kept := redactHeaderValue(name, value, secretHeader(name))
	if kept == value {
		c.mu.Lock()
		if c.known == nil || len(c.known) >= maxCleanValues {
			c.known = make(map[headerValue]struct{}) // those still in use are soon known again
		}
		c.known[key] = struct{}{}
		c.mu.Unlock()
	}
	return kept
}
