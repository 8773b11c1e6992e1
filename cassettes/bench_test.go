package cassettes

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
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

// BenchmarkAppend shows what --sync costs for each interaction, from one client
// and from eight that share an fsync.
func BenchmarkAppend(b *testing.B) {
	for _, s := range []struct {
		name   string
		policy SyncPolicy
	}{{"never", SyncNever}, {"interval", SyncInterval}, {"always", SyncAlways}} {
		for _, clients := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s, %d at once", s.name, clients), func(b *testing.B) {
				d := &faultyDisk{}
				w := createOn(b, d, tape(b), Refuse, s.policy)
				before := d.syncs.Load()
				b.ReportAllocs()
				b.ResetTimer()
				var next atomic.Int64
				var wg sync.WaitGroup
				for range clients {
					wg.Go(func() {
						i := sample(b, 0)
						for next.Add(1) <= int64(b.N) {
							if err := cmp.Or(w.Ready(2500), w.Append(i)); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				b.ReportMetric(float64(d.syncs.Load()-before)/float64(b.N), "fsyncs/op")
			})
		}
	}
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
