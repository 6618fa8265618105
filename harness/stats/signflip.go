package stats

import "math"

// enumerated is how many differences SignFlip tries all signs of; with more the
// normal distribution is as good.
const enumerated = 16

// SignFlip is the two-sided mid-p value of the paired test that differences,
// one a question, are zero in the mean: how often their sum is as far from zero
// if each had the other sign by chance (Fisher 1935, The Design of Experiments,
// section 21), half of the ties counted. Differences of zero say nothing, nor do
// those below 1e-9: they are in items, or of that order. Where all others are
// equally large it is McNemar's test.
func SignFlip(differences []float64) float64 {
	var d []float64
	most := 0.0
	for _, v := range differences {
		most = max(most, math.Abs(v))
	}
	tiny := 1e-9 * max(most, 1) // sums of fractions are not exact
	var sum, squares float64
	var up, down int
	alike := true
	for _, v := range differences {
		if math.Abs(v) <= tiny {
			continue
		}
		d = append(d, v)
		sum += v
		squares += v * v
		alike = alike && most-math.Abs(v) <= tiny
		if v > 0 {
			up++
		} else {
			down++
		}
	}
	switch {
	case alike:
		return McNemar(up, down)
	case len(d) > enumerated:
		return math.Erfc(math.Abs(sum) / math.Sqrt(2*squares))
	}
	extreme := 0.0
	for signs := range 1 << len(d) {
		flipped := 0.0
		for i, v := range d {
			if signs>>i&1 == 1 {
				v = -v
			}
			flipped += v
		}
		switch over := math.Abs(flipped) - math.Abs(sum); {
		case over > tiny:
			extreme++
		case over >= -tiny:
			extreme += 0.5
		}
	}
	return extreme / float64(int(1)<<len(d))
}
