package page

import (
	"fmt"
	"slices"

	"perg/data"
	"perg/harness/advise"
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
	f.Title, f.At = r.settingsTitle(l), l.Method
	f.Lead = fmt.Sprintf("Method %s. relevant: the item's own preference is stated; mixed: it stands among five irrelevant ones; irrelevant: those five alone, which nobody needs to follow.", l.Method)
	return f, ""
}

// settingsTitle says under which settings most breaks, in how many variants that is
// shown.
func (r Run) settingsTitle(l lead) string {
	var t tally
	broke := false
	for _, c := range l.cells(r.Metrics) {
		cells := r.of(c.Variant, func(m data.Metric) bool { return m.Method == l.Method && m.Setting != string(prompt.None) })
		places := bySettingOf(cells)
		t.add(places)
		broke = broke || slices.ContainsFunc(places, func(p advise.Place) bool { return *p.Value > 0 })
	}
	switch {
	case t.compared() > 0 && !broke:
		return "No answer broke under any setting"
	case t.compared() == 0:
		return "What breaks under each setting"
	}
	return t.said("preferences break most answers", "No setting clearly breaks most answers")
}

// bySettingOf ranks a variant's cells by Breakage Rate, named by their settings.
func bySettingOf(cells []data.Metric) []advise.Place {
	rated := make([]advise.Rated, len(cells))
	for i, m := range cells {
		rated[i] = advise.Rated{Name: m.Setting, Value: m.BreakageRate, Low: m.BreakageRateLow, High: m.BreakageRateHigh}
	}
	return advise.Places(rated, true)
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
	f.Title, f.At = r.methodsTitle(l), l.Setting
	f.Lead = fmt.Sprintf("Setting %s. zero-shot asks once; cot asks to think step by step; icl shows worked examples; self-critic revises its answer; pref-aligner re-styles the answer it gave without a preference.", l.Setting)
	return f, ""
}

// methodsTitle says which methods have the lowest errors, in how many variants that
// is shown.
func (r Run) methodsTitle(l lead) string {
	by := measures(slices.DeleteFunc(slices.Clone(r.Metrics), func(m data.Metric) bool {
		return m.Source != metrics.All || m.Setting != l.Setting
	}))
	if len(by) == 0 {
		return "What each method comes to"
	}
	last := by[len(by)-1]
	var t tally
	for _, c := range l.cells(r.Metrics) {
		var rated []advise.Rated
		for _, m := range r.of(c.Variant, func(m data.Metric) bool { return m.Setting == l.Setting }) {
			v, low, high := last.of(m)
			rated = append(rated, advise.Rated{Name: m.Method, Value: v, Low: low, High: high})
		}
		t.add(advise.Places(rated, false))
	}
	if t.compared() == 0 {
		return "What each method comes to"
	}
	return t.said("has the lowest "+last.name, "No method clearly has the lowest "+last.name)
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
					d.At = r.behind(m, s.count).Href
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
		f.Table.link(2, r.behind(m, countQ))
		for i, s := range by {
			if v, _, _ := s.of(m); v != nil {
				f.Table.link(3+i, r.behind(m, s.count))
			}
		}
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
