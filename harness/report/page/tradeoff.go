package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// tradeOffTitle names the variant that breaks most and the one that ignores
// most, where one does.
func tradeOffTitle(points []point) string {
	if len(points) == 1 {
		return fmt.Sprintf("%s breaks %s of answers and ignores %s of preferences", points[0].Name, percent(points[0].Y/100), percent(points[0].X/100))
	}
	most := func(of func(point) float64) string {
		at := slices.MaxFunc(points, func(a, b point) int { return cmp.Compare(of(a), of(b)) })
		for _, p := range points {
			if of(p) == of(at) && p.Name != at.Name {
				return "" // a tie
			}
		}
		return at.Name
	}
	breaks, ignores := most(func(p point) float64 { return p.Y }), most(func(p point) float64 { return p.X })
	switch {
	case breaks == "" && ignores == "":
		return "Right against followed"
	case breaks == "":
		return ignores + " ignores most preferences"
	case ignores == "":
		return breaks + " breaks most answers"
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
	f.Title = tradeOffTitle(p.Points)
	f.Lead = fmt.Sprintf("One mark for each variant: method %s, setting %s. Towards the lower left is better: right, and as the user asked.", l.Method, l.Setting)
	f.Scale = &scale{"Robustness Error", "0 %", percent(most)}
	f.Note = "Thin lines are 95 % intervals. A name that would cover another is left out; the table has them all."
	return f, ""
}
