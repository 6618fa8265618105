package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Needed is the number of items with which McNemar's test, two-sided at level
// alpha, sees a difference with the given power: discordant is the share of
// items that one of the two ways gets right and the other does not, difference
// the difference of their rates, of either sign. Both are fractions.
//
// It is Connor's (1987, Biometrics 43:207) number, which is for the test without
// continuity correction: the mid-p value is near that. Where fewer than some 25
// discordant pairs are to be expected the number is rough; it is no less than what
// the test needs where all of these go one way.
//
// It is not ok where no number of items would do or the question makes no
// sense: a difference of zero or above the discordant share, a share above 1,
// an alpha or a power that is not between 0 and 1, a power that is not above
// alpha, or more items than an int32 counts.
func Needed(discordant, difference, alpha, power float64) (n int, ok bool) {
	d := math.Abs(difference)
	// Written so that NaN is refused too.
	if !(d > 0 && d <= discordant && discordant <= 1 && alpha > 0 && alpha < power && power < 1) {
		return 0, false
	}
	root := connorReach(discordant, d, alpha, power) / d
	items := max(math.Ceil(root*root), math.Ceil(math.Log2(1/alpha)/discordant))
	if items > math.MaxInt32 {
		return 0, false
	}
	return int(items), true
}

// connorReach is z_{alpha/2} sqrt(discordant) + z_beta sqrt(discordant - d^2):
// divided by d and squared, it is Connor's number of items.
func connorReach(discordant, d, alpha, power float64) float64 {
	z := distuv.UnitNormal.Quantile
	return z(1-alpha/2)*math.Sqrt(discordant) + z(power)*math.Sqrt(discordant-d*d)
}
