package page

import (
	"fmt"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/stats"
)

// A TypeReads is who read the answers of a cell to questions with preferences
// of one type.
type TypeReads struct {
	Variant, Type   string
	Reads, Baseline metrics.Reads
}

// typeReads are those of the cells that the page leads with.
func typeReads(t *metrics.Table, l lead) ([]TypeReads, error) {
	cells, err := t.Cells(metrics.ByPreferenceType)
	if err != nil {
		return nil, err
	}
	var all []TypeReads
	for _, c := range cells {
		if c.Group != metrics.All && string(c.Method) == l.Method && string(c.Setting) == l.Setting {
			all = append(all, TypeReads{c.Variant, c.Group, c.Reads, c.BaselineReads})
		}
	}
	return all, nil
}

// readers is the table of who read the answers, of all cells.
func (r Run) readers(l lead) table {
	t := table{Words: 3, Head: []string{
		"Variant", "Method", "Setting", "Read by rules", "by a model", "by nobody", "cut off", "without: by rules", "by a model", "by nobody", "cut off", "Breakage if all were read",
	}}
	for _, m := range r.ranked(l) {
		could := "-"
		if m.BreakageRateLeast != nil && m.BreakageRateMost != nil {
			could = rate(m.BreakageRateLeast) + " to " + rate(m.BreakageRateMost)
		}
		t.Rows = append(t.Rows, []string{
			r.label(m.Variant), m.Method, m.Setting,
			rate(m.ReadByRules), rate(m.ReadByModel), rate(m.Unread), comma(int(m.NTruncated)),
			rate(m.ReadByRulesBaseline), rate(m.ReadByModelBaseline), rate(m.UnreadBaseline), comma(int(m.NTruncatedBaseline)), could,
		})
	}
	return t
}

// readersByType is the same by type of preference, of the cells that the page
// leads with.
func (r Run) readersByType() table {
	t := table{Words: 2, Head: []string{"Variant", "Type of preference", "n", "Read by rules", "by a model", "by nobody", "without: by nobody", "cut off", "without: cut off"}}
	for _, k := range r.Types {
		share := func(n int, of metrics.Reads) string { return rate(stats.Rate{Count: n, Of: of.Responses}.Value()) }
		t.Rows = append(t.Rows, []string{
			r.label(k.Variant), kindName(k.Type), comma(k.Reads.Responses),
			share(k.Reads.ByRules, k.Reads), share(k.Reads.ByModel, k.Reads), share(k.Reads.Unread, k.Reads), share(k.Baseline.Unread, k.Baseline),
			comma(k.Reads.Truncated), comma(k.Baseline.Truncated),
		})
	}
	return t
}

// readersTitle says how many answers of the cells that the page leads with nobody
// read, there or without a preference.
func (r Run) readersTitle(l lead) string {
	var most data.Metric
	worst, known, some := 0.0, 0, 0
	for _, m := range l.cells(r.Metrics) {
		if m.Unread == nil || m.UnreadBaseline == nil {
			continue
		}
		known++
		share := max(*m.Unread, *m.UnreadBaseline)
		if share > 0 {
			some++
		}
		if share > worst {
			worst, most = share, m
		}
	}
	switch {
	case known == 0:
		return "Who read the answers"
	case some == 0:
		return "Every answer was read"
	}
	said := fmt.Sprintf("Of %s nobody could read %s of the answers, without a preference %s", r.label(most.Variant), rate(most.Unread), rate(most.UnreadBaseline))
	if known > 1 {
		said += fmt.Sprintf("; some are unread in %d of %d variants", some, known)
	}
	return said
}
