package cassettes

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/dnaeon/go-vcr.v3/cassette"
)

func BenchmarkEncode(b *testing.B) {
	i := sample(b, 0)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = appendRecord(buf[:0], i, 7)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkAppend(b *testing.B) {
	for name, policy := range map[string]SyncPolicy{"interval": SyncInterval, "always": SyncAlways, "never": SyncNever} {
		b.Run(name, func(b *testing.B) {
			w := create(b, tape(b), Refuse, policy)
			i := sample(b, 0)
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Ready(2500); err != nil {
					b.Fatal(err)
				}
				if err := w.Append(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("always, 8 at once", func(b *testing.B) {
		w := create(b, tape(b), Refuse, SyncAlways)
		b.SetParallelism(4)
		b.RunParallel(func(p *testing.PB) {
			i := sample(b, 0)
			for p.Next() {
				if err := w.Append(i); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// Recording 1 000 interactions and closing, against go-vcr's one Save.
func BenchmarkRecord1000(b *testing.B) {
	var list []*Interaction
	for n := range 1000 {
		list = append(list, sample(b, n))
	}
	b.Run("umtape", func(b *testing.B) {
		path := tape(b)
		for b.Loop() {
			write(b, path, list...)
		}
	})
	b.Run("go-vcr", func(b *testing.B) {
		c := cassette.New(strings.TrimSuffix(tape(b), ".yaml"))
		for _, i := range list {
			c.AddInteraction(&i.Interaction)
		}
		for b.Loop() {
			if err := c.Save(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLoad1000(b *testing.B) {
	path := tape(b)
	var list []*Interaction
	for n := range 1000 {
		list = append(list, sample(b, n))
	}
	write(b, path, list...)
	edited := filepath.Join(filepath.Dir(path), "edited.yaml")
	put(b, edited, strings.ReplaceAll(readAll(b, path), "200 OK", "200 Ok"))
	for _, name := range []string{path, edited} {
		b.Run(fmt.Sprintf("umtape %s", filepath.Base(name)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if c := load(b, name); len(c.Interactions) != 1000 {
					b.Fatal(len(c.Interactions))
				}
			}
		})
	}
	b.Run("go-vcr", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			stock(b, path)
		}
	})
}
