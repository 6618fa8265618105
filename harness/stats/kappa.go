package stats

import (
	"fmt"
	"math"
)

// WeightedKappa is Cohen's kappa of two raters of the same units with weights
// that grow by the square of the difference (Cohen 1968, Psychological Bulletin
// 70:213): 1 where they agree perfectly, 0 where they agree as if by chance.
// Ratings go from 1 to categories; others, and lists of different length, cause
// a panic. It is not ok where kappa is undefined: no units, or both raters gave
// one and the same rating to all, so that agreement tells nothing.
func WeightedKappa(a, b []int, categories int) (kappa float64, ok bool) {
	if len(a) != len(b) {
		panic(fmt.Sprintf("stats: %d and %d ratings of the same units", len(a), len(b)))
	}
	table := make([][]float64, categories)
	for i := range table {
		table[i] = make([]float64, categories)
	}
	for u := range a {
		if min(a[u], b[u]) < 1 || max(a[u], b[u]) > categories {
			panic(fmt.Sprintf("stats: ratings %d and %d, of %d categories", a[u], b[u], categories))
		}
		table[a[u]-1][b[u]-1]++
	}
	return WeightedKappaOf(table)
}

// WeightedKappaOf is WeightedKappa of a square table of counts: row by the one
// rater, column by the other.
func WeightedKappaOf(table [][]float64) (kappa float64, ok bool) {
	rows, columns := make([]float64, len(table)), make([]float64, len(table))
	n := 0.0
	for i, row := range table {
		for j, count := range row {
			rows[i] += count
			columns[j] += count
			n += count
		}
	}
	var observed, expected float64
	for i, row := range table {
		for j, count := range row {
			apart := float64((i - j) * (i - j)) // any factor cancels out
			observed += apart * count
			expected += apart * rows[i] * columns[j]
		}
	}
	if expected == 0 {
		return math.NaN(), false
	}
	return 1 - n*observed/expected, true
}
