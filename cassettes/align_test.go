package cassettes

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAlign: nothing crosses, nothing is left alone that has a partner, and the
// table finds what trying every way finds.
func TestAlign(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n, m := r.IntN(6), r.IntN(6)
		costs := make([][]int, n)
		for i := range costs {
			for range m {
				costs[i] = append(costs[i], r.IntN(4))
			}
		}
		cost := func(i, j int) int { return costs[i][j] }
		got := align(n, m, cost)
		last, pairs := -1, 0
		for _, j := range got {
			if j < 0 {
				continue
			}
			if j <= last {
				t.Fatalf("%v: %v crosses", costs, got)
			}
			last, pairs = j, pairs+1
		}
		if pairs != min(n, m) {
			t.Fatalf("%v: %v pairs %d", costs, got, pairs)
		}
		if n == 0 || n > m {
			continue
		}
		sum := 0
		for i, j := range cheapest(n, m, cost) {
			sum += cost(i, j)
		}
		if best := tryAll(n, m, cost); sum != best {
			t.Fatalf("%v: costs %d, the best %d", costs, sum, best)
		}
	}
}

// tryAll is the least cost of pairing each of n with one of m, in order.
func tryAll(n, m int, cost func(i, j int) int) int {
	if n == 0 {
		return 0
	}
	best := 1 << 30
	for j := n - 1; j < m; j++ {
		best = min(best, tryAll(n-1, j, cost)+cost(n-1, j))
	}
	return best
}

func TestAlignMany(t *testing.T) {
	const n = 5000 // too many for the table
	got := align(n, n+1, func(i, j int) int { return 1 })
	if !slices.IsSorted(got) || got[0] != 0 || got[n-1] != n-1 {
		t.Errorf("%v", got[:10])
	}
}

func TestInOrder(t *testing.T) {
	for _, tt := range []struct {
		list []int
		want int
	}{{nil, 0}, {[]int{0, 1, 2}, 3}, {[]int{2, 0, 1}, 2}, {[]int{3, 2, 1, 0}, 1}, {[]int{1, 0, 3, 2}, 2}} {
		if got := inOrder(tt.list); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.list, got, tt.want)
		}
	}
}
