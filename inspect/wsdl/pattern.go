package wsdl

import (
	"errors"
	"strings"
)

// translatePattern writes a regular expression of XML Schema (part 2 appendix F) as
// one of Go's, which has no anchors. The error is for what Go has no word for.
func translatePattern(p string) (string, error) {
	var b strings.Builder
	in := 0 // brackets that are open
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch {
		case c == '\\' && i+1 < len(p):
			i++
			switch p[i] {
			case 'i':
				b.WriteString(wrapped(in, nameStart+":"))
			case 'c':
				b.WriteString(wrapped(in, nameRest+":"))
			case 'd':
				b.WriteString(`\p{Nd}`)
			case 'D':
				b.WriteString(`\P{Nd}`)
			case 's':
				b.WriteString(wrapped(in, ` \t\n\r`))
			case 'S':
				if in > 0 {
					return "", errors.New(`\S in brackets`)
				}
				b.WriteString(`[^ \t\n\r]`)
			case 'w':
				b.WriteString(wrapped(in, `\p{L}\p{M}\p{N}\p{S}`))
			case 'W':
				if in > 0 {
					return "", errors.New(`\W in brackets`)
				}
				b.WriteString(`[^\p{L}\p{M}\p{N}\p{S}]`)
			case 'I', 'C':
				if in > 0 {
					return "", errors.New(`\I or \C in brackets`)
				}
				b.WriteString("[^" + map[byte]string{'I': nameStart, 'C': nameRest}[p[i]] + ":]")
			case 'p', 'P':
				if strings.HasPrefix(p[i+1:], "{Is") {
					return "", errors.New("a block of Unicode by its name")
				}
				b.WriteString(`\` + string(p[i]))
			default:
				b.WriteString(`\` + string(p[i]))
			}
		case c == '[':
			if in > 0 {
				return "", errors.New("one class taken out of another")
			}
			in++
			b.WriteByte(c)
		case c == ']' && in > 0:
			in--
			b.WriteByte(c)
		case in > 0:
			b.WriteByte(c)
		case c == '^' || c == '$':
			b.WriteString(`\` + string(c))
		case c == '.':
			b.WriteString(`[^\n\r]`)
		case c == '(' && strings.HasPrefix(p[i:], "(?"):
			return "", errors.New("it begins a group with a question mark")
		case strings.IndexByte("*+?}", c) >= 0 && i+1 < len(p) && strings.IndexByte("?+*", p[i+1]) >= 0:
			return "", errors.New("two quantifiers one after the other")
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

func wrapped(in int, class string) string {
	if in > 0 {
		return class
	}
	return "[" + class + "]"
}
