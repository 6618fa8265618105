package page

import (
	"fmt"
	"slices"

	"perg/harness/advise"
	"perg/harness/report"
)

// taking is what the page says about what to take, in the sentences of the terminal.
type taking struct {
	Any     bool
	Choices [][]string // of a family each: what to take, and what became of the others
	Ranking string     // of models; "": there are not two
	Front   table
	Legend  string
}

func (r Run) taking() (t taking) {
	for _, a := range r.Recommendation.Advice {
		take, others := report.AdviceSaid(a)
		said := append([]string{take}, others...)
		for i, s := range said {
			said[i] = clean(s)
		}
		t.Choices = append(t.Choices, said)
	}
	if ranking := r.Recommendation.Ranking; ranking != nil {
		t.Ranking = clean(report.Ranking(*ranking))
	}
	if len(r.Recommendation.Front) > 0 {
		t.Front, t.Legend = r.front(r.Recommendation.Front), "Who dominates another is "+report.FrontRule(r.Recommendation.Unknown)
	}
	t.Any = len(t.Choices) > 0 || t.Ranking != "" || len(t.Front.Rows) > 0
	return t
}

// front is the table of the Pareto front. What is not known of any has no column.
func (r Run) front(all []advise.Standing) table {
	costs := []struct {
		title string
		of    func(advise.Standing) *float64
	}{
		{"Bits per weight", func(s advise.Standing) *float64 { return s.Bits }},
		{"GiB", func(s advise.Standing) *float64 {
			if s.Bytes == nil {
				return nil
			}
			return new(float64(*s.Bytes) / (1 << 30))
		}},
		{"Tokens/s", func(s advise.Standing) *float64 { return s.TokensPerSecond }},
		{"Joules per right answer", func(s advise.Standing) *float64 { return s.Joules }},
	}
	t := table{Head: []string{"Variant", "Front"}, Words: 2, Rows: make([][]string, len(all))}
	for i, s := range all {
		front := "on it"
		if !s.Front {
			front = "dominated by " + r.label(s.DominatedBy[0])
			if more := len(s.DominatedBy) - 1; more > 0 {
				front += fmt.Sprintf(" and %d more", more)
			}
		}
		t.Rows[i] = []string{r.label(s.Variant), front}
	}
	for _, c := range costs {
		if !slices.ContainsFunc(all, func(s advise.Standing) bool { return c.of(s) != nil }) {
			continue
		}
		t.Head = append(t.Head, c.title)
		for i, s := range all {
			text := "–"
			if v := c.of(s); v != nil {
				text = number(*v)
			}
			t.Rows[i] = append(t.Rows[i], text)
		}
	}
	t.Head = append(t.Head, breakageRate.name)
	for i, s := range all {
		t.Rows[i] = append(t.Rows[i], within(s.Breakage, s.BreakageLow, s.BreakageHigh))
	}
	return t
}
