package page

import (
	"fmt"
	"math"
)

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
	for _, m := range cells {
		if m.AlignmentFailure == nil || m.BreakageRate == nil || m.RobustnessError == nil {
			continue
		}
		p.Points = append(p.Points, point{
			X: rounded(*m.AlignmentFailure * 100), XLow: hundred(m.AlignmentFailureLow), XHigh: hundred(m.AlignmentFailureHigh),
			Y: rounded(*m.BreakageRate * 100), YLow: hundred(m.BreakageRateLow), YHigh: hundred(m.BreakageRateHigh),
			Heat: new(*m.RobustnessError / most), Name: r.label(m.Variant),
			Says: "Robustness Error " + within(m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh),
		})
		f.Table.Rows = append(f.Table.Rows, []string{
			r.label(m.Variant), within(alignmentFailure.of(m)), within(breakageRate.of(m)), within(robustnessError.of(m)),
		})
	}
	if len(p.Points) == 0 {
		why := "no judge rated its answers; more: perg judge RUN --judge MODEL"
		if l.Setting == "irrelevant" {
			why = "nobody follows irrelevant preferences"
		}
		return f, "Right against followed is left out: the run has no Alignment Failure (" + why + ")."
	}
	f.Chart.Panels = []panel{p}
	both, breaks, ignores := 0, 0, 0
	for _, q := range p.Points {
		switch {
		case q.Y > q.X:
			breaks++
		case q.X > q.Y:
			ignores++
		default:
			both++
		}
	}
	n := len(p.Points)
	switch {
	case breaks > ignores:
		f.Title = fmt.Sprintf("%d of %s break an answer more often than they ignore a preference", breaks, plural(n, "variant", "variants"))
	case ignores > breaks:
		f.Title = fmt.Sprintf("%d of %s ignore a preference more often than they break an answer", ignores, plural(n, "variant", "variants"))
	default:
		f.Title = "Preferences are ignored about as often as answers break"
	}
	f.Lead = fmt.Sprintf("One mark for each variant: method %s, setting %s. Towards the lower left is better: right, and as the user asked.", l.Method, l.Setting)
	f.Scale = &scale{"Robustness Error", "0 %", percent(most)}
	f.Note = "Thin lines are 95 % intervals."
	return f, ""
}
