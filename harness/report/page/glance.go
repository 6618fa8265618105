package page

import (
	"cmp"
	"fmt"
	"slices"

	"perg/data"
	"perg/harness/advise"
	"perg/harness/metrics"
	"perg/harness/prompt"
)

// A glanceRow is a variant in the table that comes first.
type glanceRow struct {
	Variant string
	Rates   []glanceCell // of glanceColumns
}

// A glanceCell is a rate, with its interval and a bar of its length.
type glanceCell struct {
	Text, Bounds string
	Bar          float64 // percent of the cell; 0: none
	Best         bool    // or may be, while others are not
	Behind       behind
}

var glanceColumns = []struct {
	measure
	higher bool // is better
}{
	{robustnessError, false},
	{breakageRate, false},
	{alignmentFailure, false},
	{measure{"Right without preference", func(m data.Metric) (v, low, high *float64) {
		return m.AccuracyBaseline, m.AccuracyBaselineLow, m.AccuracyBaselineHigh
	}, countQ}, true},
	{measure{"Performance Variation", func(m data.Metric) (v, low, high *float64) {
		return m.PerformanceVariation, m.PerformanceVariationLow, m.PerformanceVariationHigh
	}, countVaries}, false},
	{measure{"No option readable", func(m data.Metric) (v, low, high *float64) {
		return m.InvalidRate, m.InvalidRateLow, m.InvalidRateHigh
	}, countUnread}, false},
}

// glance is the lead's table: a row for each variant, the most robust first.
func (r Run) glance(l lead) (heads []string, rows []glanceRow) {
	cells := l.cells(r.Metrics)
	for _, c := range glanceColumns {
		heads = append(heads, c.name)
	}
	for _, m := range cells {
		rows = append(rows, glanceRow{Variant: r.label(m.Variant)})
	}
	for _, c := range glanceColumns {
		places := r.places(cells, c.measure, c.higher)
		heads := namesOf(advise.Heads(places))
		for i, m := range cells {
			v, low, high := c.of(m)
			g := glanceCell{Text: rate(v), Bounds: bounds(low, high)}
			if v != nil {
				g.Behind = r.behind(m, c.count)
				g.Bar = *v * 100
				g.Best = len(heads) < len(places) && slices.Contains(heads, r.label(m.Variant))
			}
			rows[i].Rates = append(rows[i].Rates, g)
		}
	}
	return heads, rows
}

// leastOf are a measure's words for the one that has the least of it.
func (s measure) leastOf() (is, may string) {
	if s.name == breakageRate.name {
		return "breaks least often", "break least often"
	}
	return "is the most robust", "be the most robust"
}

// glanceTitle says which variant comes first, where that is shown, and else which
// may.
func (r Run) glanceTitle(l lead) string {
	cells := l.cells(r.Metrics)
	by := measures(cells)
	if len(by) == 0 {
		return "Results"
	}
	last := by[len(by)-1]
	places := r.places(cells, last, false)
	heads := advise.Heads(places)
	is, may := last.leastOf()
	n := len(places)
	var text string
	switch {
	case n == 1:
		text = fmt.Sprintf("%s of %s: %s", last.name, places[0].Name, rate(places[0].Value))
	case len(heads) == 1:
		text = fmt.Sprintf("%s %s of %d variants", heads[0].Name, is, n)
	case len(heads) == n:
		text = fmt.Sprintf("Which of %d variants %s is not shown: all their intervals overlap", n, is)
	default:
		text = fmt.Sprintf("Of %d variants %s may %s: their intervals overlap", n, listed(namesOf(heads), "or"), may)
	}
	return text + unknown(cells, places)
}

// everything is the table of all cells over all items.
func (r Run) everything(l lead) table {
	t := table{Words: 3, Head: []string{
		"Variant", "Method", "Setting", "n", "Q*", "Right", breakageRate.name, alignmentFailure.name, robustnessError.name, "Performance Variation", "No option readable", "Unscored", "Failed",
	}}
	for _, m := range r.ranked(l) {
		t.Rows = append(t.Rows, []string{
			r.label(m.Variant), m.Method, m.Setting, comma(int(m.N)), comma(int(m.NBaselineCorrect)),
			within(m.Accuracy, m.AccuracyLow, m.AccuracyHigh), within(breakageRate.of(m)), within(alignmentFailure.of(m)), within(robustnessError.of(m)),
			within(m.PerformanceVariation, m.PerformanceVariationLow, m.PerformanceVariationHigh),
			within(m.InvalidRate, m.InvalidRateLow, m.InvalidRateHigh), comma(int(m.NUnscored)), comma(int(m.NError)),
		})
		for i, c := range []count{countAny, countQ, countRight, countBroken, countIgnored, countFails, countVaries, countUnread, countUnscored, countFailed} {
			if m.Setting == string(prompt.None) && i >= 3 && i <= 6 {
				continue // nothing can break there
			}
			t.link(t.Words+i, r.behind(m, c))
		}
	}
	return t
}

// ranked are the cells over all items, by the ranks of their variants in the
// lead.
func (r Run) ranked(l lead) []data.Metric {
	rank := make(map[string]int)
	for i, m := range l.cells(r.Metrics) {
		rank[m.Variant] = i
	}
	rows := slices.DeleteFunc(slices.Clone(r.Metrics), func(m data.Metric) bool { return m.Source != metrics.All })
	slices.SortStableFunc(rows, func(a, b data.Metric) int {
		return cmp.Or(cmp.Compare(rank[a.Variant], rank[b.Variant]), cmp.Compare(a.Variant, b.Variant),
			slices.Index(prompt.Methods(), prompt.Method(a.Method))-slices.Index(prompt.Methods(), prompt.Method(b.Method)))
	})
	return rows
}
