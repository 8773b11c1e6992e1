package cassettes

// wordSet is words that a text is looked through for, all at once: most texts have none
// of them, and to look for each in turn takes longer than all else that is done about
// secrets.
type wordSet struct {
	words  []string
	starts [1 << 16 / 64]uint64 // a bit for each two bytes that one of words begins with
}

// newWordSet takes words of two bytes or more.
func newWordSet(words ...string) *wordSet {
	s := &wordSet{words: words}
	for _, w := range words {
		two := uint(w[0])<<8 | uint(w[1])
		s.starts[two/64] |= 1 << (two % 64)
	}
	return s
}

// in reports whether text has one of the words in it.
func (s *wordSet) in(text string) bool {
	if text == "" {
		return false
	}
	two := uint(text[0])
	for i := 1; i < len(text); i++ {
		two = two<<8&0xff00 | uint(text[i])
		if s.starts[two/64]&(1<<(two%64)) == 0 {
			continue
		}
		for _, w := range s.words {
			if rest := text[i-1:]; len(rest) >= len(w) && rest[:len(w)] == w {
				return true
			}
		}
	}
	return false
}
