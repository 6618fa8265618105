package page

import (
	"cmp"
	"fmt"
	"slices"

	"perg/harness/metrics"
	"perg/harness/report"
)

// besidePaper sets the run beside the paper's figures: in the chart with the
// lead's method under its setting, over all items or, where the run's items are
// others, over the source that most are of.
func (r Run) besidePaper(l lead) (figure, string) {
	f := figure{ID: "paper", Chart: chart{Kind: "dots"}}
	if len(r.Published.Rows) == 0 {
		return f, "The paper's values are left out: " + r.noPaper()
	}
	var some []report.Beside
	source := metrics.All
	inLead := func(b report.Beside) bool {
		return b.Method == l.Method && b.Setting == l.Setting && !b.OtherItems && !b.Cause.OfThePaper()
	}
	if !slices.ContainsFunc(r.Published.Rows, func(b report.Beside) bool { return inLead(b) && b.Source == source }) {
		most := int64(-1)
		for _, b := range r.Published.Rows {
			if inLead(b) && b.N > most {
				source, most = b.Source, b.N
			}
		}
	}
	for _, b := range r.Published.Rows {
		if inLead(b) && b.Source == source && b.Value != nil && b.Published != nil && b.Metric != "performance_variation" {
			some = append(some, b)
		}
	}
	f.Table = table{Head: []string{"Variant", "Paper's model", "Method", "Setting", "Source", "Metric", "Here", "Paper", "Difference", "Paper inside"}, Words: 6}
	for _, b := range r.Published.Rows {
		difference, inside, from := "–", "–", b.Source
		if b.Difference != nil {
			difference = signed(*b.Difference*100, 1)
		}
		if b.InInterval != nil {
			inside = map[bool]string{true: "yes", false: "no"}[*b.InInterval]
		}
		if b.OtherItems {
			from += " *"
		}
		paper := rate(b.Published)
		if mark := b.Cause.Mark(); mark != "" {
			paper += " " + mark
		}
		f.Table.Rows = append(f.Table.Rows, []string{
			r.label(b.Variant), clean(b.PublishedModel), b.Method, b.Setting, clean(from), measureNamed(b.Metric), within(b.Value, b.Low, b.High), paper, difference, inside,
		})
		f.Table.link(6, r.measured(b))
	}
	f.Keys = []key{{"this run", 0}, {"the paper", 1}}
	panels := make(map[string]*panel)
	var order []string
	inside, judged := 0, 0
	for _, b := range some {
		name := r.label(b.Variant) + " / " + clean(b.PublishedModel)
		row := slices.Index(f.Chart.Rows, name)
		if row < 0 {
			row = len(f.Chart.Rows)
			f.Chart.Rows = append(f.Chart.Rows, name)
		}
		p := panels[b.Metric]
		if p == nil {
			p = &panel{X: measureNamed(b.Metric) + ", %", Unit: "%", Top: 100}
			panels[b.Metric] = p
			order = append(order, b.Metric)
		}
		p.Points = append(p.Points,
			point{Row: row, Key: 0, X: rounded(*b.Value * 100), XLow: hundred(b.Low), XHigh: hundred(b.High), Says: within(b.Value, b.Low, b.High), At: r.measured(b).Href},
			point{Row: row, Key: 1, X: rounded(*b.Published * 100), Says: percent(*b.Published)})
		if b.InInterval != nil {
			judged++
			if *b.InInterval {
				inside++
			}
		}
	}
	for _, name := range order {
		f.Chart.Panels = append(f.Chart.Panels, *panels[name])
	}
	f.Title = fmt.Sprintf("Of %s of the paper’s, %d lie in this run’s intervals", plural(judged, "value", "values"), inside)
	if judged == 0 {
		f.Title = "Beside the paper’s values"
	}
	f.At = l.at()
	over := "all items"
	if source != metrics.All {
		over = "source " + clean(source)
	}
	f.Lead = fmt.Sprintf("Method %s, setting %s, over %s; every other cell is in the table. The prompts are %s; the paper (arXiv 2509.19358) had preferences and a judge of its own, so that its values are a landmark and no target.", l.Method, l.Setting, over, clean(cmp.Or(r.Published.Prompts, "not named")))
	f.Note = "Lines are this run’s 95 % intervals. In the table, * is over other items than the paper’s, and ?, = and ~ are not comparable, for the causes in the notes."
	return f, ""
}

// measured leads to what a figure of this run counts that stands beside the paper's.
func (r Run) measured(b report.Beside) behind {
	for _, m := range r.Metrics {
		if m.Variant == b.Variant && m.Method == b.Method && m.Setting == b.Setting && m.Source == b.Source && b.Value != nil {
			return r.behind(m, countedBy(b.Metric))
		}
	}
	return behind{}
}

func countedBy(column string) count {
	switch column {
	case "breakage_rate":
		return countBroken
	case "alignment_failure":
		return countIgnored
	case "robustness_error":
		return countFails
	}
	return countVaries
}

func (r Run) noPaper() string {
	return "no variant of this run has a counterpart among its models (" + report.PublishedModels + "), or no item is of its sources."
}

func measureNamed(column string) string {
	switch column {
	case "breakage_rate":
		return breakageRate.name
	case "alignment_failure":
		return alignmentFailure.name
	case "robustness_error":
		return robustnessError.name
	}
	return "Performance Variation"
}
