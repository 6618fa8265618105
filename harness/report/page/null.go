package page

import (
	"fmt"

	"perg/data"
	"perg/harness/metrics"
)

// nulls is the table of what breaks without a preference, beside what breaks
// with one, of all cells that have both.
func (r Run) nulls(l lead) table {
	t := table{Words: 3, Head: []string{"Variant", "Method", "Setting", "Breakage", "95 %", "asked again", "95 %", "of", "net, points", "options rotated", "of"}}
	for _, m := range r.ranked(l) {
		if m.NullBreakage == nil || m.BreakageRate == nil {
			continue
		}
		rotated := "–"
		if m.RotatedBreakage != nil {
			rotated = rate(m.RotatedBreakage)
		}
		t.Rows = append(t.Rows, []string{
			r.label(m.Variant), m.Method, m.Setting, rate(m.BreakageRate), span(m.BreakageRateLow, m.BreakageRateHigh),
			rate(m.NullBreakage), span(m.NullBreakageLow, m.NullBreakageHigh), comma(int(m.NNull)),
			points(net(m)), rotated, comma(int(m.NRotated)),
		})
	}
	return t
}

func net(m data.Metric) metrics.Difference {
	return metrics.Difference{Value: m.NetBreakage, Low: m.NetBreakageLow, High: m.NetBreakageHigh}
}

// nullTitle says of the cell that breaks most, of those that the page leads with,
// whether more breaks than when the same is asked again.
func (r Run) nullTitle(l lead) string {
	var most *data.Metric
	for _, m := range l.cells(r.Metrics) {
		if m.NetBreakage != nil && (most == nil || *m.BreakageRate > *most.BreakageRate) {
			most = &m
		}
	}
	if most == nil {
		return ""
	}
	said := fmt.Sprintf("Asked again without a preference, %s breaks %s of what it gets right", r.label(most.Variant), rate(most.NullBreakage))
	switch {
	case most.NetBreakageLow == nil:
		return said
	case *most.NetBreakageLow > 0:
		return said + fmt.Sprintf("; the preference breaks %.1f points more", *most.NetBreakage*100)
	case *most.NetBreakageHigh < 0:
		return said + "; with the preference less breaks"
	default:
		return said + "; that the preference breaks more is not shown"
	}
}
