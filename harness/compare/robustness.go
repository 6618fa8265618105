package compare

import (
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/results"
)

// A part is what generations in Q* add to Robustness Error: how many fail, a
// fraction where one of them stands for others.
type part struct{ fails, of float64 }

// parts are those of a side's items, and their sum.
type parts struct {
	part
	items []part
}

// partsOf gives each item at the positions its part of a cell's Robustness Error
// over them, BR + (1 - BR) f. An answer that broke fails. Of the right ones, one
// without a rating fails to the share f to which the rated ones do not follow;
// one with a rating fails or not and, since it stands for some that have none,
// moves f with it. The sum is the metric's own count, and each part varies as it
// does (an influence function). It is not ok where the metric is undefined.
func partsOf(c *metrics.Cell, pairs [][]results.Pair, positions []int) (all parts, ok bool) {
	judged := c.Setting != prompt.Irrelevant
	var right, rated, ignored float64
	for _, i := range positions {
		for _, p := range pairs[i] {
			if !p.BaselineCorrect() || p.Broken() {
				continue
			}
			right++
			if p.Rated() {
				rated++
				if !p.Followed() {
					ignored++
				}
			}
		}
	}
	if len(positions) == 0 || judged && (!c.Judged || right > 0 && rated == 0) {
		return parts{}, false
	}
	all.items = make([]part, len(positions))
	for n, i := range positions {
		for _, p := range pairs[i] {
			if !p.BaselineCorrect() {
				continue
			}
			fails := 0.0
			switch {
			case p.Broken():
				fails = 1
			case judged:
				fails = ignored / rated
				if p.Rated() {
					is := 0.0
					if !p.Followed() {
						is = 1
					}
					fails += (is - ignored/rated) * right / rated
				}
			}
			all.items[n].fails += fails
			all.items[n].of++
		}
		all.fails += all.items[n].fails
		all.of += all.items[n].of
	}
	return all, true
}

// knownOf counts the generations of an item in Q* whose outcome is known, and of
// these those that fail.
func knownOf(c *metrics.Cell, pairs []results.Pair) count {
	judged := c.Setting != prompt.Irrelevant
	return counted(pairs,
		func(p results.Pair) bool {
			return p.BaselineCorrect() && (p.Broken() || !judged || p.Rated())
		},
		func(p results.Pair) bool { return p.Broken() || judged && !p.Followed() })
}
