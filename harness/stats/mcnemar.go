package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// McNemar is the two-sided mid-p value of McNemar's test that two ways of
// answering the same items are right equally often: b items only the first gets
// right, c only the second. Items that both or neither get right do not enter.
// It is the exact binomial p-value less half of the chance of just this split:
// the exact one rejects too rarely (1.3 to 4.3 % of the time at a level of 5 %),
// mid-p nearly as often as it says (Fagerland, Lydersen and Laake 2013, BMC
// Medical Research Methodology 13:91). Where both are as many, also where there
// are none, nothing speaks for a difference, and p is 1. Counts below zero give
// NaN.
func McNemar(b, c int) float64 {
	switch {
	case b < 0 || c < 0:
		return math.NaN()
	case b == c:
		return 1
	}
	split := distuv.Binomial{N: float64(b + c), P: 0.5}
	fewer := float64(min(b, c))
	return 2*split.CDF(fewer) - split.Prob(fewer)
}
