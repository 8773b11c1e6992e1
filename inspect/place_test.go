package inspect

import (
	"strings"
	"sync"
	"testing"
)

// TestPlaces asks for every place of a text longer than a block, at once from
// several goroutines: each answer is the one that counting gives.
func TestPlaces(t *testing.T) {
	for name, text := range map[string]string{
		"empty":      "",
		"no breaks":  strings.Repeat("x", 2*blockBytes),
		"all breaks": strings.Repeat("\n", 2*blockBytes),
		"lines":      strings.Repeat("a line\r\n", blockBytes/4),
		"long lines": strings.Repeat(strings.Repeat("y", blockBytes+1)+"\n", 3),
	} {
		var x lineIndex
		var wg sync.WaitGroup
		for first := range 4 {
			wg.Go(func() {
				for at := first; at <= len(text)+1; at += 4 {
					line, column := x.place([]byte(text), at)
					if l, c := place([]byte(text), int64(at)); line != l || column != c {
						t.Errorf("%s at %d: line %d, column %d; want %d, %d", name, at, line, column, l, c)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}
