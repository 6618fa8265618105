package stats

import "math"

// z is the two-sided 95 % quantile of the normal distribution.
const z = 1.959963984540054

// A Rate is a share of Of things. It is undefined where Of is zero.
type Rate struct {
	Count, Of int
}

// Value is the rate as a fraction, or nil where it is undefined.
func (r Rate) Value() *float64 {
	if r.Of == 0 {
		return nil
	}
	return new(float64(r.Count) / float64(r.Of))
}

// Wilson bounds a rate by its 95 % score interval (Wilson 1927), which keeps
// to [0, 1] and its coverage where n is small or the rate is near 0 or 1. With
// repeats the n observations come from n/repeats items: the interval is that
// of the items, as if answers to one question always agreed; DesignEffect says
// how far they do. An undefined rate has no bounds.
func Wilson(r Rate, repeats int) (low, high *float64) {
	if r.Of == 0 {
		return nil, nil
	}
	return Score(*r.Value(), float64(r.Of)/float64(max(repeats, 1)))
}

// Score is Wilson's interval of the rate p among n independent observations,
// n > 0, which need not be whole: observations that are not independent are
// worth their number over their design effect.
func Score(p, n float64) (low, high *float64) {
	centre := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	lo, hi := max(centre-half, 0), min(centre+half, 1)
	if p == 0 {
		lo = 0
	}
	if p == 1 {
		hi = 1
	}
	return &lo, &hi
}
