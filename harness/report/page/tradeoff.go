package page

import (
	"fmt"
	"math"

	"perg/data"
	"perg/harness/advise"
)

// tradeOffTitle names the variant that breaks most and the one that ignores most,
// where that is shown.
func (r Run) tradeOffTitle(cells []data.Metric) string {
	if len(cells) == 1 {
		m := cells[0]
		return fmt.Sprintf("%s breaks %s of answers and ignores %s of preferences", r.label(m.Variant), rate(m.BreakageRate), rate(m.AlignmentFailure))
	}
	most := func(s measure) string {
		if heads := advise.Heads(r.places(cells, s, true)); len(heads) == 1 {
			return heads[0].Name
		}
		return ""
	}
	breaks, ignores := most(breakageRate), most(alignmentFailure)
	switch {
	case breaks == "" && ignores == "":
		return "No variant clearly breaks most answers or ignores most preferences"
	case breaks == "":
		return ignores + " ignores most preferences, none clearly breaks most answers"
	case ignores == "":
		return breaks + " breaks most answers, none clearly ignores most preferences"
	case breaks == ignores:
		return breaks + " breaks most answers and ignores most preferences"
	}
	return breaks + " breaks most answers, " + ignores + " ignores most preferences"
}

// tradeOff sets Alignment Failure against Breakage Rate, one mark for each
// variant, coloured by Robustness Error.
func (r Run) tradeOff(l lead) (figure, string) {
	f := figure{ID: "tradeoff", Chart: chart{Kind: "scatter"}}
	f.Table = table{Head: []string{"Variant", "Alignment Failure", "Breakage Rate", "Robustness Error"}, Words: 1}
	p := panel{X: "Alignment Failure, % (does not follow)", Y: "Breakage Rate, % (no longer right)", Unit: "%", Top: 100}
	most := 0.0
	cells := l.cells(r.Metrics)
	for _, m := range cells {
		if m.RobustnessError != nil {
			most = max(most, *m.RobustnessError)
		}
	}
	most = max(math.Ceil(most*10)/10, 0.1)
	var both []data.Metric
	for _, m := range cells {
		if m.AlignmentFailure == nil || m.BreakageRate == nil || m.RobustnessError == nil {
			continue
		}
		both = append(both, m)
		p.Points = append(p.Points, point{
			X: rounded(*m.AlignmentFailure * 100), XLow: hundred(m.AlignmentFailureLow), XHigh: hundred(m.AlignmentFailureHigh),
			Y: rounded(*m.BreakageRate * 100), YLow: hundred(m.BreakageRateLow), YHigh: hundred(m.BreakageRateHigh),
			Heat: new(*m.RobustnessError / most), Name: r.label(m.Variant),
			Says: "Robustness Error " + within(m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh),
			At:   r.behind(m, countFails).Href,
		})
		f.Table.Rows = append(f.Table.Rows, []string{
			r.label(m.Variant), within(alignmentFailure.of(m)), within(breakageRate.of(m)), within(robustnessError.of(m)),
		})
		for i, s := range []measure{alignmentFailure, breakageRate, robustnessError} {
			f.Table.link(1+i, r.behind(m, s.count))
		}
	}
	if len(p.Points) == 0 {
		why := "no judge rated its answers; more: perg judge RUN --judge MODEL"
		if l.Setting == "irrelevant" {
			why = "nobody follows irrelevant preferences"
		}
		return f, "Right against followed is left out: the run has no Alignment Failure (" + why + ")."
	}
	f.Chart.Panels = []panel{p}
	f.Title, f.At = r.tradeOffTitle(both), l.at()
	f.Lead = fmt.Sprintf("One mark for each variant: method %s, setting %s. Towards the lower left is better: right, and as the user asked.", l.Method, l.Setting)
	f.Scale = &scale{"Robustness Error", "0 %", percent(most)}
	f.Note = "Thin lines are 95 % intervals. A name that would cover another is left out; the table has them all."
	return f, ""
}
