package page

import (
	"cmp"
	"fmt"
	"slices"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
)

// A lead is the method and setting that the page looks at first.
type lead struct{ Method, Setting string }

// leading takes zero-shot and relevant, or the first that there is of each;
// empty where the run has the baseline alone.
func leading(rows []data.Metric) lead {
	first := func(names []string, has func(data.Metric, string) bool) string {
		for _, name := range names {
			if slices.ContainsFunc(rows, func(m data.Metric) bool { return m.Setting != string(prompt.None) && has(m, name) }) {
				return name
			}
		}
		return ""
	}
	method := first(texts(prompt.Methods()), func(m data.Metric, name string) bool { return m.Method == name })
	return lead{method, first(texts(prompt.Settings()), func(m data.Metric, name string) bool { return m.Method == method && m.Setting == name })}
}

func texts[T ~string](names []T) []string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return all
}

// where says in a sentence what the lead is.
func (l lead) where() string { return fmt.Sprintf("With %s under %s preferences", l.Method, l.Setting) }

// at says it beside one.
func (l lead) at() string { return l.Method + ", " + l.Setting }

// cells are the lead's rows over all items, the most robust variant first:
// by Robustness Error, or by Breakage Rate where nothing was rated. Variants
// without a rate come last.
func (l lead) cells(rows []data.Metric) []data.Metric {
	var cells []data.Metric
	for _, m := range rows {
		if m.Source == metrics.All && m.Method == l.Method && m.Setting == l.Setting {
			cells = append(cells, m)
		}
	}
	slices.SortStableFunc(cells, func(a, b data.Metric) int {
		return cmp.Or(ascending(a.RobustnessError, b.RobustnessError), ascending(a.BreakageRate, b.BreakageRate), cmp.Compare(a.Variant, b.Variant))
	})
	return cells
}

// ascending compares two rates, of which an unknown one comes last.
func ascending(a, b *float64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(*a, *b)
}

// breaking are the lead's variants that break at all, the one that breaks most
// often first.
func (l lead) breaking(rows []data.Metric) []data.Metric {
	cells := slices.DeleteFunc(l.cells(rows), func(m data.Metric) bool { return m.BreakageRate == nil || *m.BreakageRate == 0 })
	slices.SortStableFunc(cells, func(a, b data.Metric) int { return cmp.Compare(*b.BreakageRate, *a.BreakageRate) })
	return cells
}
