package cassettes

import (
	"math"
	"slices"
)

// maxAligned bounds the table of align, in cells. Longer lists, of thousands of
// requests that are all the same, are paired by their place.
const maxAligned = 4 << 20

// align pairs two lists, of n and of m, without crossing: every element of the
// shorter one gets a partner, and of all ways to do that the one is taken that
// costs least; of equal ones that with the earliest partners. It returns for each
// of n its partner, -1 for none.
func align(n, m int, cost func(i, j int) int) []int {
	partner := slices.Repeat([]int{-1}, n)
	begin := 0 // equal beginnings need no table
	for begin < n && begin < m && cost(begin, begin) == 0 {
		partner[begin] = begin
		begin++
	}
	end := 0 // nor do equal ends
	for end < n-begin && end < m-begin && cost(n-1-end, m-1-end) == 0 {
		partner[n-1-end] = m - 1 - end
		end++
	}
	rows, columns := n-begin-end, m-begin-end
	switch {
	case rows == 0 || columns == 0:
	case rows*columns > maxAligned:
		for i := range min(rows, columns) {
			partner[begin+i] = begin + i
		}
	case rows <= columns:
		for i, j := range cheapest(rows, columns, func(i, j int) int { return cost(begin+i, begin+j) }) {
			partner[begin+i] = begin + j
		}
	default:
		for j, i := range cheapest(columns, rows, func(j, i int) int { return cost(begin+i, begin+j) }) {
			partner[begin+i] = begin + j
		}
	}
	return partner
}

// cheapest pairs each of the few with one of the many, in order.
func cheapest(few, many int, cost func(i, j int) int) []int {
	// least[i][j] is the least that the first i of the few cost with the first j
	// of the many.
	least := make([][]int32, few+1)
	least[0] = make([]int32, many+1)
	for i := 1; i <= few; i++ {
		row := make([]int32, many+1)
		row[i-1] = math.MaxInt32
		for j := i; j <= many-(few-i); j++ {
			paired := least[i-1][j-1] + int32(min(cost(i-1, j-1), math.MaxInt32/(2*few)))
			row[j] = min(row[j-1], paired)
		}
		least[i] = row
	}
	partner := make([]int, few)
	j := many
	for i := few; i > 0; i-- {
		for j > i && least[i][j-1] <= least[i][j] && j-1 >= i && least[i][j-1] != math.MaxInt32 || j > many-(few-i) {
			j--
		}
		partner[i-1] = j - 1
		j--
	}
	return partner
}

// inOrder returns how many of these can stay where they are when the rest move so
// that they rise: the longest rising subsequence.
func inOrder(list []int) int {
	var tails []int // tails[k] is the smallest end of a rising one of length k+1
	for _, v := range list {
		at, _ := slices.BinarySearch(tails, v)
		if at == len(tails) {
			tails = append(tails, v)
		} else {
			tails[at] = v
		}
	}
	return len(tails)
}
