package page

import (
	"fmt"
	"slices"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
)

// bySetting shows each variant under each setting, with the lead's method.
func (r Run) bySetting(l lead) (figure, string) {
	var settings []string
	for _, s := range prompt.Settings() {
		if s != prompt.None && slices.ContainsFunc(r.Metrics, func(m data.Metric) bool { return m.Setting == string(s) && m.Method == l.Method }) {
			settings = append(settings, string(s))
		}
	}
	if len(settings) < 2 {
		return figure{}, "Settings are not compared: the run has " + orNothing(settings, "only the setting ") + "."
	}
	f := r.dots(l, "settings", settings, func(m data.Metric) string {
		if m.Method != l.Method {
			return ""
		}
		return m.Setting
	})
	f.Title = r.settingsTitle(l, settings)
	f.Lead = fmt.Sprintf("Method %s. relevant: the item's own preference is stated; mixed: it stands among five irrelevant ones; irrelevant: those five alone, which nobody needs to follow.", l.Method)
	return f, ""
}

func (r Run) settingsTitle(l lead, settings []string) string {
	// The setting under which most variants break most often.
	most := make(map[string]int)
	n := 0
	for _, c := range l.cells(r.Metrics) {
		worst, at := -1.0, ""
		for _, m := range r.Metrics {
			if m.Source == metrics.All && m.Variant == c.Variant && m.Method == l.Method && m.BreakageRate != nil && *m.BreakageRate > worst {
				worst, at = *m.BreakageRate, m.Setting
			}
		}
		if worst > 0 {
			n++
			most[at]++
		}
	}
	best := slices.MaxFunc(settings, func(a, b string) int { return most[a] - most[b] })
	switch {
	case n == 0:
		return "No answer broke under any setting"
	case most[best]*2 > n:
		return fmt.Sprintf("%s preferences break most answers in %d of %s", title(best), most[best], plural(n, "variant", "variants"))
	}
	return "No setting breaks more answers than the others in most variants"
}

// byMethod shows each variant with each method, under the lead's setting.
func (r Run) byMethod(l lead) (figure, string) {
	var methods []string
	for _, s := range prompt.Methods() {
		if slices.ContainsFunc(r.Metrics, func(m data.Metric) bool { return m.Method == string(s) && m.Setting == l.Setting }) {
			methods = append(methods, string(s))
		}
	}
	if len(methods) < 2 {
		return figure{}, "Methods are not compared: the run has " + orNothing(methods, "only the method ") + ". More: perg run --methods all."
	}
	f := r.dots(l, "methods", methods, func(m data.Metric) string {
		if m.Setting != l.Setting {
			return ""
		}
		return m.Method
	})
	least, cells := make(map[string]int), l.cells(r.Metrics)
	by := measures(cells)
	last := by[len(by)-1]
	for _, c := range cells {
		var best *float64
		at := ""
		for _, m := range r.Metrics {
			if m.Source == metrics.All && m.Variant == c.Variant && m.Setting == l.Setting {
				if v, _, _ := last.of(m); v != nil && (best == nil || *v < *best) {
					best, at = v, m.Method
				}
			}
		}
		if best != nil {
			least[at]++
		}
	}
	winner := slices.MaxFunc(methods, func(a, b string) int { return least[a] - least[b] })
	f.Title = fmt.Sprintf("%s has the lowest %s in %d of %s", title(winner), last.name, least[winner], plural(len(cells), "variant", "variants"))
	f.Lead = fmt.Sprintf("Setting %s. zero-shot asks once; cot asks to think step by step; icl shows worked examples; self-critic revises its answer; pref-aligner re-styles the answer it gave without a preference.", l.Setting)
	return f, ""
}

// dots draws the metrics of cells: a row for each variant, the most robust
// first, a key for each of the groups that group gives cells.
func (r Run) dots(l lead, id string, groups []string, group func(data.Metric) string) figure {
	f := figure{ID: id, Chart: chart{Kind: "dots"}}
	for _, g := range groups {
		f.Keys = append(f.Keys, key{g, style(g)})
	}
	row := make(map[string]int)
	for i, m := range l.cells(r.Metrics) {
		row[m.Variant] = i
		f.Chart.Rows = append(f.Chart.Rows, r.label(m.Variant))
	}
	byRow := make([][]data.Metric, len(f.Chart.Rows))
	for _, m := range r.Metrics {
		if i, ok := row[m.Variant]; ok && m.Source == metrics.All && slices.Contains(groups, group(m)) {
			byRow[i] = append(byRow[i], m)
		}
	}
	cells := slices.Concat(byRow...)
	by := measures(cells)
	f.Table = table{Head: []string{"Variant", title(id[:len(id)-1]), "Q*"}, Words: 2}
	for _, s := range by {
		f.Table.Head = append(f.Table.Head, s.name)
		p := panel{X: s.name + ", %", Unit: "%", Top: 100}
		for i, cells := range byRow {
			for _, m := range cells {
				if d, ok := s.dot(m, i, slices.Index(groups, group(m))); ok {
					p.Points = append(p.Points, d)
				}
			}
		}
		f.Chart.Panels = append(f.Chart.Panels, p)
	}
	for _, m := range cells {
		line := []string{r.label(m.Variant), group(m), comma(int(m.NBaselineCorrect))}
		for _, s := range by {
			line = append(line, within(s.of(m)))
		}
		f.Table.Rows = append(f.Table.Rows, line)
	}
	f.Note = "Lines are 95 % intervals. Lower is better."
	return f
}

func orNothing(names []string, only string) string {
	if len(names) == 0 {
		return "none"
	}
	return only + names[0]
}
