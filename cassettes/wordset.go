package cassettes

import "strings"

// wordSet looks for many words in one pass over a text. Each stands for a kind, of which
// there are 16 at most.
type wordSet struct {
	words []string
	kinds []uint16             // of the words, a bit each
	at    [markLen][256]uint64 // which words have a byte at that place, a bit each
}

// markLen is how many bytes of a word are compared at once; it is no shorter.
const markLen = 3

// wordSetOf is for 64 words at most. The bit of a kind is its index.
func wordSetOf(kinds ...[]string) *wordSet {
	m := &wordSet{}
	for kind, words := range kinds {
		for _, w := range words {
			for n := range markLen {
				m.at[n][w[n]] |= 1 << len(m.words)
			}
			m.words, m.kinds = append(m.words, w), append(m.kinds, 1<<kind)
		}
	}
	return m
}

// in returns the kinds of the words that are in text.
func (m *wordSet) in(text string) (found uint16) {
	for i := 0; i+markLen <= len(text); i++ {
		may := m.at[0][text[i]] & m.at[1][text[i+1]] & m.at[2][text[i+2]]
		for n := 0; may != 0; n, may = n+1, may>>1 {
			if may&1 != 0 && strings.HasPrefix(text[i:], m.words[n]) {
				found |= m.kinds[n]
			}
		}
	}
	return found
}
