package stats

import (
	"fmt"
	"math"
	"slices"
)

// A Level of measurement says how far apart two ratings are.
type Level string

// The levels.
const (
	Nominal  Level = "nominal"  // equal or not
	Ordinal  Level = "ordinal"  // by how many ratings lie between them
	Interval Level = "interval" // by their difference
)

// Alpha is Krippendorff's alpha (2011, "Computing Krippendorff's
// Alpha-Reliability"): 1 where raters agree perfectly, 0 where they agree as if
// by chance. ratings has a row a unit and a column a rater; NaN is a missing
// rating, and a unit with fewer than two counts nowhere. It is not ok where
// alpha is undefined: no unit has two ratings, or all ratings that count are
// equal, so that agreement tells nothing. Ratings are finite; an infinite one
// is not ok.
func Alpha(ratings [][]float64, level Level) (alpha float64, ok bool) {
	var values []float64
	for _, unit := range ratings {
		for _, v := range unit {
			if math.IsInf(v, 0) {
				return math.NaN(), false
			}
			if !math.IsNaN(v) {
				values = append(values, v)
			}
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	return AlphaOf(values, Coincidences(ratings, values), level)
}

// Coincidences counts pairs of ratings within units, as Krippendorff's alpha
// needs them: [i][j] for the values i and j, each unit of m ratings
// contributing each ordered pair with the weight 1/(m-1). values holds all
// ratings there are, ascending; others cause a panic. Those of two sets of
// units add up to those of both, which makes resampling cheap.
func Coincidences(ratings [][]float64, values []float64) [][]float64 {
	pairs := make([][]float64, len(values))
	for i := range pairs {
		pairs[i] = make([]float64, len(values))
	}
	var at []int
	for _, unit := range ratings {
		at = at[:0]
		for _, v := range unit {
			if math.IsNaN(v) {
				continue
			}
			i, known := slices.BinarySearch(values, v)
			if !known {
				panic(fmt.Sprintf("stats: rating %v is none of the values", v))
			}
			at = append(at, i)
		}
		for a, i := range at {
			for b, j := range at {
				if a != b {
					pairs[i][j] += 1 / float64(len(at)-1)
				}
			}
		}
	}
	return pairs
}

// AlphaOf is Alpha of units whose coincidences are known, for values that
// ascend.
func AlphaOf(values []float64, coincidences [][]float64, level Level) (alpha float64, ok bool) {
	counts := make([]float64, len(values))
	n := 0.0
	for i, row := range coincidences {
		for _, o := range row {
			counts[i] += o
		}
		n += counts[i]
	}
	var observed, expected float64
	for i := range values {
		between := 0.0 // ratings from i to j, its ends by half
		for j := i + 1; j < len(values); j++ {
			between += (counts[j-1] + counts[j]) / 2
			var apart float64
			switch level {
			case Nominal:
				apart = 1
			case Ordinal:
				apart = between
			case Interval:
				apart = values[j] - values[i]
			default:
				panic(fmt.Sprintf("stats: no level of measurement %q", level))
			}
			observed += coincidences[i][j] * apart * apart
			expected += counts[i] * counts[j] * apart * apart
		}
	}
	if expected == 0 {
		return math.NaN(), false
	}
	return 1 - (n-1)*observed/expected, true
}
