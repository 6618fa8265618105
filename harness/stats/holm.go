package stats

import (
	"cmp"
	"math"
	"slices"
)

// Holm adjusts the p-values of a family of tests so that the chance of any
// false rejection in it stays below the level they are compared with (Holm
// 1979, Scandinavian Journal of Statistics 6:65). Adjusted values are in the
// order of p. A NaN is a test that was not made: it stays NaN and does not
// count in the family.
func Holm(p []float64) []float64 {
	adjusted := make([]float64, len(p))
	var order []int
	for i := range p {
		if math.IsNaN(p[i]) {
			adjusted[i] = p[i]
		} else {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	least := 0.0 // no test may be adjusted below one with a smaller p-value
	for rank, i := range order {
		least = max(least, min(float64(len(order)-rank)*p[i], 1))
		adjusted[i] = least
	}
	return adjusted
}
