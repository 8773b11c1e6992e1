package inspect

import "unicode/utf8"

// What a byte may be to the quick reader.
const (
	quickSpace = 1 << iota // white space
	quickFirst             // begins a name
	quickName              // goes on a name
	quickText              // stands for itself in character data
	quickValue             // ... and in an attribute's value
)

var quickBytes = func() (kind [256]byte) {
	for c := range kind {
		b := byte(c)
		letter := 'a' <= b|0x20 && b|0x20 <= 'z' || b == '_'
		if letter {
			kind[c] |= quickFirst
		}
		if letter || '0' <= b && b <= '9' || b == '-' || b == '.' {
			kind[c] |= quickName
		}
		if 0x20 <= b && b < utf8.RuneSelf && b != '&' && b != '<' {
			kind[c] |= quickValue
			if b != '>' { // which may end "]]>"
				kind[c] |= quickText
			}
		}
	}
	for _, b := range " \t\r\n" {
		kind[b] |= quickSpace
	}
	kind['\t'] |= quickText
	kind['\n'] |= quickText
	return kind
}()
