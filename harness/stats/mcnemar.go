package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// exactBelow is the number of discordant pairs from which McNemar's test takes
// the chi-squared approximation. Below it the approximation is poor; from 25 on
// the corrected one lies within 0.003 of the exact p-value.
const exactBelow = 25

// McNemar is the two-sided p-value of McNemar's test that two ways of answering
// the same items are right equally often: b items only the first gets right, c
// only the second. Items that both or neither get right do not enter. Below 25
// discordant pairs it is the exact binomial test, else chi-squared with one
// degree of freedom and the continuity correction of Edwards (1948),
// Psychometrika 13:185. Without discordant pairs nothing speaks for a
// difference, and p is 1. Counts below zero give NaN.
func McNemar(b, c int) float64 {
	n := b + c
	switch {
	case b < 0 || c < 0:
		return math.NaN()
	case b == c:
		return 1 // also where there are none; and the correction must not turn no difference into one
	case n < exactBelow:
		tail := distuv.Binomial{N: float64(n), P: 0.5}.CDF(float64(min(b, c)))
		return min(2*tail, 1)
	}
	beyond := math.Abs(float64(b-c)) - 1
	return distuv.ChiSquared{K: 1}.Survival(beyond * beyond / float64(n))
}
