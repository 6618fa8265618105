package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"perg/harness"
	"perg/harness/report"
)

// A picture is the state that a frame shows.
type picture struct {
	at       time.Time
	name     string
	lanes    []harness.LaneStatus
	rates    map[string]rate // by lane
	whole    harness.Overview
	warnings int
	stopping bool
}

// A layout is one way to show a picture, richer or poorer.
type layout struct {
	twoLines bool // a lane takes two
	heads    bool // over the lanes
	gpus     int  // how much of them
	soFar    bool // what the variants come to, and how judges rate
	rest     bool // what is next, and the last error's text
	blanks   bool // between the parts
}

// How GPUs are shown.
const (
	noGPUs       = iota
	gpusTogether // in one line
	eachGPU
	eachWithHeads
)

// layouts are from the richest on; the first that fits is taken.
var layouts = []layout{
	{twoLines: true, heads: true, gpus: eachWithHeads, soFar: true, rest: true, blanks: true},
	{heads: true, gpus: eachWithHeads, soFar: true, rest: true, blanks: true},
	{heads: true, gpus: eachWithHeads, soFar: true, rest: true},
	{heads: true, gpus: gpusTogether, soFar: true, rest: true},
	{twoLines: true, heads: true, gpus: eachWithHeads, rest: true, blanks: true},
	{heads: true, gpus: eachWithHeads, rest: true, blanks: true},
	{heads: true, gpus: eachWithHeads, rest: true},
	{heads: true, gpus: eachGPU, rest: true},
	{heads: true, gpus: gpusTogether, rest: true},
	{gpus: gpusTogether, rest: true},
	{gpus: gpusTogether},
}

// oneLineFrom are the columns that hold all there is to say of a lane.
const oneLineFrom = 110

// gpuHeadsFrom are those that hold the bars that the heads stand over.
const gpuHeadsFrom = 60

// lines lays the picture out in at most so many columns and rows.
func (p picture) lines(columns, rows int) []string {
	columns, rows = max(columns, 1), max(rows, 1)
	var frame []string
	for _, l := range layouts {
		if l.twoLines && columns >= oneLineFrom || l.soFar && len(p.whole.Variants)+len(p.whole.Judges) == 0 {
			continue
		}
		if frame = p.laid(l, columns, len(p.lanes)); len(frame) <= rows {
			return frame
		}
	}
	// There is no room for all lanes: a line says that there are more.
	if lanes := len(p.lanes) - (len(frame) - rows) - 1; lanes > 0 {
		return p.laid(layout{gpus: gpusTogether}, columns, lanes)
	}
	frame = p.laid(layout{}, columns, 0)
	return frame[:min(rows, len(frame))]
}

// laid is the picture with the first of its lanes.
func (p picture) laid(l layout, columns, lanes int) []string {
	work := p.work(l, columns, lanes)
	if hidden := p.lanes[lanes:]; len(hidden) > 0 {
		what := plural(len(hidden), "lane")
		if lanes > 0 {
			what = "more " + what
		}
		work = append(work, text.Faint.Sprint(fit(fmt.Sprintf("%d %s: %s", len(hidden), what, p.together(hidden)), columns)))
	}
	if l.rest {
		work = append(work, p.next(columns)...)
	}
	var gpus []string
	switch l.gpus {
	case gpusTogether:
		gpus = p.allGPUs(columns)
	case eachGPU, eachWithHeads:
		gpus = p.gpus(l.gpus == eachWithHeads, columns)
	}
	var frame []string
	for _, part := range [][]string{append(p.progress(columns), p.counts(columns)...), work, p.soFar(l.soFar, columns), gpus, p.errors(l.rest, columns)} {
		if l.blanks && len(frame) > 0 && len(part) > 0 {
			frame = append(frame, "")
		}
		frame = append(frame, part...)
	}
	return frame
}

// progress is the run as a whole, in a line.
func (p picture) progress(columns int) []string {
	o := p.whole
	done, of := o.Answers.Done+o.Ratings.Done, o.Answers.Of+o.Ratings.Of
	if of == 0 {
		return []string{text.Bold.Sprint(fit(oneLine(p.name), columns))}
	}
	left, end := "", ""
	switch {
	case p.stopping:
		left = fmt.Sprintf("stopping: %d in flight", inFlight(p.lanes))
	case o.Paused:
		left = "paused"
	case o.Left != nil && *o.Left >= time.Second && done < of:
		left = "about " + roughly(*o.Left) + " left"
		if *o.Left > 10*time.Minute {
			end = "until " + p.at.Add(*o.Left).Format("Mon 15:04")
		}
	}
	part := share(float64(done) / float64(of))
	return grid([]column{
		{style: text.FgGreen, leaves: 2}, {style: text.Bold, align: text.AlignRight}, {style: text.Bold}, {leaves: 1},
		{style: text.Faint, least: 8, leaves: 3}, {style: text.Faint, leaves: 4},
	}, [][]any{{
		part, percent(part, done == of), left, roughly(o.Elapsed) + " so far", squeezed(oneLine(p.name), 24), end,
	}}, columns, false)
}

// percent is 100 only where all is done.
func percent(part share, all bool) string {
	p := int(part*100 + 0.5)
	if !all {
		p = min(p, 99)
	}
	return fmt.Sprintf("%d %%", p)
}

// roughly is a duration for an estimate: two units at most.
func roughly(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 100*time.Second:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	case d < 48*time.Hour:
		m := int(d.Round(time.Minute).Minutes())
		return fmt.Sprintf("%d h %02d min", m/60, m%60)
	default:
		h := int(d.Round(time.Hour).Hours())
		return fmt.Sprintf("%d days %d h", h/24, h%24)
	}
}

// counts are those of the run: what is done, how fast, what went wrong.
func (p picture) counts(columns int) []string {
	o := p.whole
	of := func(what string, part harness.Part) string {
		if part.Of == 0 {
			return ""
		}
		return fmt.Sprintf("%s %s/%s", what, comma(part.Done), comma(part.Of))
	}
	number := func(n int, what string) string {
		if n == 0 {
			return ""
		}
		return comma(n) + " " + what
	}
	trouble, style := number(o.Failed, "failed"), text.FgRed
	if o.Failed == 0 && len(o.Errors) == 0 {
		trouble, style = "no errors", text.FgGreen
	}
	return grid([]column{{leaves: 1}, {leaves: 2}, {style: style}, {style: text.FgYellow, leaves: 4}, {leaves: 5}}, [][]any{{
		of("answered", o.Answers), of("judged", o.Ratings), trouble,
		number(p.warnings, plural(p.warnings, "warning")), number(o.Known, "from the store"),
	}}, columns, false)
}

func plural(n int, one string) string {
	if n == 1 {
		return one
	}
	return one + "s"
}

// work is the lanes, in one line or two each.
func (p picture) work(l layout, columns, lanes int) []string {
	if lanes == 0 {
		return nil
	}
	all := []column{
		{head: "LANE", least: 4, leaves: 1}, {head: "VARIANT", style: text.Bold, least: 12, middle: true}, {head: "NOW", least: 12, leaves: 5},
		{head: "DONE", style: text.FgGreen, leaves: 4}, {align: text.AlignRight}, {align: text.AlignRight, leaves: 6},
		{head: "CALLS/S", align: text.AlignRight, leaves: 2}, {head: "TOK/S", align: text.AlignRight, leaves: 3},
		{head: "IN FLIGHT", align: text.AlignRight, leaves: 7}, {head: "LEFT", align: text.AlignRight},
	}
	const names, indent = 3, 2 // the first columns, and what sets the others off below them
	var perSecond, tokens, flying, left string
	switch {
	case l.twoLines:
		perSecond, tokens, flying, left = " calls/s", " tok/s", " in flight", " left"
	case !l.heads:
		perSecond, tokens = "/s", " tok/s"
	}
	var rows, above, below [][]any
	for _, s := range p.lanes[:lanes] {
		row := []any{laneOf(s.Lane), shortName(s.Model), oneLine(doingOf(s)), share(0), percent(0, s.Done >= s.Total), "", "", "", "", ""}
		now := p.rates[s.Lane]
		if s.Total > 0 {
			part := share(float64(s.Done) / float64(s.Total))
			row[3], row[4] = part, percent(part, s.Done >= s.Total)
		}
		if l.twoLines || columns >= oneLineFrom {
			row[5], row[8] = comma(s.Done)+"/"+comma(s.Total), comma(s.InFlight)+flying
		}
		if s.Calls > 0 {
			row[6], row[7] = fmt.Sprintf("%.1f", now.calls)+perSecond, comma(int(now.tokens+0.5))+tokens
		}
		if now.left != nil && s.Done < s.Total {
			row[9] = clock(*now.left) + left
		}
		rows, above, below = append(rows, row), append(above, row[:names]), append(below, row[names:])
	}
	if !l.twoLines {
		return grid(all, rows, columns, l.heads)
	}
	upper, lower := grid(all[:names], above, columns, false), grid(all[names:], below, columns-indent, false)
	var lines []string
	for i := range upper {
		lines = append(lines, upper[i], text.Trim(strings.Repeat(" ", indent)+lower[i], columns))
	}
	return lines
}

// shortName is a variant without what makes the names of quantizations unique
// in a model store: in a run the rest is.
func shortName(variant string) string { return oneLine(report.Short(variant)) }

// laneOf is a lane's name without what is said beside it: that a judge works on
// it, and that a server speaks HTTP.
func laneOf(name string) string {
	return oneLine(strings.TrimPrefix(strings.TrimSuffix(name, "-beside"), "http://"))
}

// together is what some lanes do in sum.
func (p picture) together(lanes []harness.LaneStatus) string {
	var sum rate
	for _, l := range lanes {
		sum.calls += p.rates[l.Lane].calls
		sum.tokens += p.rates[l.Lane].tokens
	}
	return fmt.Sprintf("%.1f calls/s, %s tok/s", sum.calls, comma(int(sum.tokens+0.5)))
}

// next is what will be loaded when devices are free.
func (p picture) next(columns int) []string {
	if len(p.whole.Next) == 0 {
		return nil
	}
	const most = 2
	names := p.whole.Next[:min(most, len(p.whole.Next))]
	line := "next: " + shortName(strings.Join(names, ", then "))
	if more := len(p.whole.Next) - len(names); more > 0 {
		line += fmt.Sprintf(", and %d more", more)
	}
	return []string{text.Faint.Sprint(fit(line, columns))}
}

// errors are the failed calls by reason, and the last of them.
func (p picture) errors(lastToo bool, columns int) []string {
	o := p.whole
	if len(o.Errors) == 0 {
		return nil
	}
	var counts []string
	for _, reason := range slices.SortedFunc(maps.Keys(o.Errors), func(a, b string) int {
		return cmp.Or(o.Errors[b]-o.Errors[a], cmp.Compare(a, b))
	}) {
		counts = append(counts, comma(o.Errors[reason])+" x "+oneLine(reason))
	}
	lines := []string{text.FgRed.Sprint(fit("failed calls: "+strings.Join(counts, ", "), columns))}
	if lastToo && o.Last != nil {
		last := fmt.Sprintf("last at %s, %s: %s", o.Last.At.In(p.at.Location()).Format(time.TimeOnly), shortName(o.Last.Model), oneLine(o.Last.Message))
		lines = append(lines, text.FgRed.Sprint(fit(last, columns)))
	}
	return lines
}
