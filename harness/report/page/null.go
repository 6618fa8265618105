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
		t.link(3, r.behind(m, countBroken))
	}
	return t
}

func net(m data.Metric) metrics.Difference {
	return metrics.Difference{Value: m.NetBreakage, Low: m.NetBreakageLow, High: m.NetBreakageHigh}
}

// nullTitle says of the cells that the page leads with whether more breaks than
// when the same is asked again.
func (r Run) nullTitle(l lead) string {
	var known []data.Metric
	more, less := 0, 0
	for _, m := range l.cells(r.Metrics) {
		if m.NetBreakage == nil || m.NetBreakageLow == nil || m.NetBreakageHigh == nil {
			continue
		}
		known = append(known, m)
		switch {
		case *m.NetBreakageLow > 0:
			more++
		case *m.NetBreakageHigh < 0:
			less++
		}
	}
	switch len(known) {
	case 0:
		return ""
	case 1:
		m := known[0]
		said := fmt.Sprintf("Asked again without a preference, %s breaks %s of what it gets right", r.label(m.Variant), rate(m.NullBreakage))
		switch {
		case more > 0:
			return said + fmt.Sprintf("; the preference breaks %.1f points more", *m.NetBreakage*100)
		case less > 0:
			return said + "; with the preference less breaks"
		default:
			return said + "; that the preference breaks more is not shown"
		}
	}
	text := fmt.Sprintf("A preference breaks more than asking again does in %d of %s", more, plural(len(known), "variant", "variants"))
	if less > 0 {
		text += fmt.Sprintf(", less in %d", less)
	}
	if n := len(known) - more - less; n > 0 {
		text += fmt.Sprintf("; in %d neither is shown", n)
	}
	return text
}
