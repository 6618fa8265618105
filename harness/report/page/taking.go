package page

import (
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

// front is the table of the Pareto front.
func (r Run) front(all []advise.Standing) table {
	t := table{Head: []string{"Variant", "Front", "Bits per weight", "GiB", "Tokens/s", "Joules per right answer", breakageRate.name}, Words: 2}
	figure := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return number(*v)
	}
	for _, s := range all {
		var gib *float64
		if s.Bytes != nil {
			gib = new(float64(*s.Bytes) / (1 << 30))
		}
		front := "on it"
		if !s.Front {
			names := make([]string, len(s.DominatedBy))
			for i, name := range s.DominatedBy {
				names[i] = r.label(name)
			}
			front = "dominated by " + listed(names, "and")
		}
		t.Rows = append(t.Rows, []string{
			r.label(s.Variant), front, figure(s.Bits), figure(gib), figure(s.TokensPerSecond), figure(s.Joules), within(s.Breakage, s.BreakageLow, s.BreakageHigh),
		})
	}
	return t
}
