package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"perg/harness"
	"perg/harness/sofar"
)

// mostSoFar is how many variants a frame has figures of: those at work first.
const mostSoFar = 6

// soFar are the figures of the variants, with 95 % intervals, and how their judges
// rate.
func (p picture) soFar(shown bool, columns int) (lines []string) {
	if !shown {
		return nil
	}
	var rows [][]any
	all := p.atWorkFirst()
	for _, v := range all[:min(len(all), mostSoFar)] {
		rows = append(rows, []any{shortName(v.Label), rateText(v.Right), rateText(v.Breakage), rateText(v.Invalid)})
	}
	if len(rows) > 0 {
		lines = grid([]column{
			{head: "SO FAR, %", style: text.Bold, least: 6, middle: true}, {head: "RIGHT", align: text.AlignRight},
			{head: "BREAKAGE", align: text.AlignRight}, {head: "INVALID", align: text.AlignRight, leaves: 1},
		}, rows, columns, true)
	}
	if more := len(all) - len(rows); more > 0 {
		lines = append(lines, text.Faint.Sprint(fit(fmt.Sprintf("and %d more: perg report %s", more, p.name), columns)))
	}
	for _, j := range p.whole.Judges {
		lines = append(lines, judgeLine(j, columns))
	}
	return lines
}

// atWorkFirst are the variants, those that are answering now first.
func (p picture) atWorkFirst() []sofar.Variant {
	all := slices.Clone(p.whole.Variants)
	idle := func(v sofar.Variant) int {
		if slices.ContainsFunc(p.lanes, func(l harness.LaneStatus) bool { return l.Stage == harness.Generate && l.Model == v.Label }) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b sofar.Variant) int { return idle(a) - idle(b) })
	return all
}

// rateText is a rate in percent with its interval; "-" of nothing.
func rateText(r sofar.Rate) string {
	if r.Of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f (%.0f-%.0f)", 100*r.Value, 100*r.Low, 100*r.High)
}

// judgeLine says how a judge's ratings are spread, and what it did not rate.
func judgeLine(j sofar.Judge, columns int) string {
	var parts []string
	style := text.Faint
	if n := j.Rated(); n > 0 {
		if slices.Max(j.Scores[:]) == n && n >= 30 {
			parts, style = append(parts, "all alike"), text.FgYellow
		}
		shares := make([]string, len(j.Scores))
		for i, of := range j.Scores {
			shares[i] = fmt.Sprintf("%.0f", 100*float64(of)/float64(n))
		}
		parts = append(parts, "from 1 to 5 "+strings.Join(shares, " ")+" %")
	}
	for _, part := range []struct {
		n    int
		what string
	}{{j.Unscored, "unscored"}, {j.Failed, "failed"}} {
		if part.n > 0 {
			parts, style = append(parts, comma(part.n)+" "+part.what), text.FgYellow
		}
	}
	return style.Sprint(fit(fmt.Sprintf("%s rated %s, %s", shortName(j.Name), comma(j.Rated()), strings.Join(parts, ", ")), columns))
}
