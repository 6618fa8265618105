package page

import (
	"math"

	"perg/data"
)

// A measure is one of the metrics that figures have a panel of.
type measure struct {
	name string
	of   func(data.Metric) (v, low, high *float64)
	count
}

var (
	breakageRate = measure{"Breakage Rate", func(m data.Metric) (v, low, high *float64) {
		return m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh
	}, countBroken}
	alignmentFailure = measure{"Alignment Failure", func(m data.Metric) (v, low, high *float64) {
		return m.AlignmentFailure, m.AlignmentFailureLow, m.AlignmentFailureHigh
	}, countIgnored}
	robustnessError = measure{"Robustness Error", func(m data.Metric) (v, low, high *float64) {
		return m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh
	}, countFails}
)

// measures are those of the protocol's metrics that some of the cells have.
func measures(cells []data.Metric) []measure {
	var some []measure
	for _, s := range []measure{breakageRate, alignmentFailure, robustnessError} {
		for _, m := range cells {
			if v, _, _ := s.of(m); v != nil {
				some = append(some, s)
				break
			}
		}
	}
	return some
}

// dot is a cell's value of a measure in a chart of dots.
func (s measure) dot(m data.Metric, row, key int) (p point, ok bool) {
	v, low, high := s.of(m)
	if v == nil {
		return p, false
	}
	return point{Row: row, Key: key, X: rounded(*v * 100), XLow: hundred(low), XHigh: hundred(high), Says: within(v, low, high)}, true
}

func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }
