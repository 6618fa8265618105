package report

import (
	"cmp"
	"slices"

	"perg/data"
	"perg/harness/metrics"
)

// Ranked are rows with those of the most robust variant and method first: by
// the mean Robustness Error of its settings over all items, by the mean
// Breakage Rate where nothing was rated. Those without either come last; the
// rows of one stay in their order.
func Ranked(rows []data.Metric) []data.Metric {
	type mean struct{ sum, n float64 }
	robustness, breakage := make(map[string]mean), make(map[string]mean)
	add := func(to map[string]mean, m data.Metric, v *float64) {
		if v != nil && m.Source == metrics.All {
			of := to[subject(m)]
			to[subject(m)] = mean{of.sum + *v, of.n + 1}
		}
	}
	unrated := false
	for _, m := range rows {
		add(robustness, m, m.RobustnessError)
		add(breakage, m, m.BreakageRate)
		// Under irrelevant preferences it is the Breakage Rate, and needs no judge.
		unrated = unrated || m.Source == metrics.All && m.BreakageRate != nil && m.RobustnessError == nil
	}
	by := robustness
	if unrated {
		by = breakage
	}
	rank := func(m data.Metric) (float64, bool) {
		of, ok := by[subject(m)]
		return of.sum / of.n, ok
	}
	ranked := slices.Clone(rows)
	slices.SortStableFunc(ranked, func(a, b data.Metric) int {
		x, known := rank(a)
		y, other := rank(b)
		switch {
		case known && other:
			return cmp.Compare(x, y)
		case known:
			return -1
		case other:
			return 1
		default:
			return 0
		}
	})
	return ranked
}

// bests are the best values of a table's columns, as they are shown, by column
// and by setting and group.
type bests map[bestOf]string

type bestOf struct{ column, setting, group string }

// findBests looks for the best value among rows of the same setting and group.
// Where all are the same there is none.
func findBests(cols []column, rows []data.Metric) bests {
	best, worst := make(map[bestOf]float64), make(map[bestOf]float64)
	for _, c := range cols {
		if c.rate == nil {
			continue
		}
		for _, m := range rows {
			v := c.rate(m)
			if v == nil {
				continue
			}
			at := bestOf{c.title, m.Setting, m.Source}
			if _, ok := best[at]; !ok {
				best[at], worst[at] = *v, *v
			}
			low, high := min(best[at], worst[at], *v), max(best[at], worst[at], *v)
			best[at], worst[at] = low, high
			if c.most {
				best[at], worst[at] = high, low
			}
		}
	}
	found := make(bests)
	for at, v := range best {
		if shown := percent(&v); shown != percent(new(worst[at])) {
			found[at] = shown
		}
	}
	return found
}

const bestMark = "•"

// mark is what stands behind a value.
func (b bests) mark(c column, m data.Metric) string {
	if c.rate == nil {
		return " "
	}
	v := c.rate(m)
	if best, ok := b[bestOf{c.title, m.Setting, m.Source}]; !ok || v == nil || percent(v) != best {
		return " "
	}
	return bestMark
}
