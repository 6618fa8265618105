package main

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"perg/harness"
)

// A picture is the state that the live view shows.
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
func (p picture) lines(columns, rows int) []line {
	columns, rows = max(columns, 1), max(rows, 1)
	var frame []line
	for _, l := range layouts {
		if l.twoLines && columns >= oneLineFrom {
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
func (p picture) laid(l layout, columns, lanes int) []line {
	var parts [][]line
	add := func(part []line) {
		if len(part) > 0 {
			parts = append(parts, part)
		}
	}
	add(append(p.progress(columns), p.counts(columns)...))
	work := p.work(l, columns, lanes)
	if hidden := p.lanes[lanes:]; len(hidden) > 0 {
		more := ""
		if lanes > 0 {
			more = "more "
		}
		work = append(work, line{{fit(fmt.Sprintf("%d %s%s: %s", len(hidden), more, plural(len(hidden), "lane"), p.together(hidden)), columns), faint}})
	}
	if l.rest {
		work = append(work, p.next(columns)...)
	}
	add(work)
	switch l.gpus {
	case gpusTogether:
		add(p.allGPUs(columns))
	case eachGPU, eachWithHeads:
		add(p.gpus(l.gpus == eachWithHeads, columns))
	}
	add(p.errors(l, columns))
	var frame []line
	for i, part := range parts {
		if i > 0 && l.blanks {
			frame = append(frame, nil)
		}
		frame = append(frame, part...)
	}
	return frame
}

// progress is the run as a whole, in a line.
func (p picture) progress(columns int) []line {
	o := p.whole
	done, of := o.Answers.Done+o.Ratings.Done, o.Answers.Of+o.Ratings.Of
	if of == 0 {
		return []line{{{fit(oneLine(p.name), columns), bold}}}
	}
	share := float64(done) / float64(of)
	left, end := "", ""
	switch {
	case p.stopping:
		left = fmt.Sprintf("stopping: %d in flight", inFlight(p.lanes))
	case o.Left != nil && *o.Left >= time.Second && done < of:
		left = "about " + roughly(*o.Left) + " left"
		if *o.Left > 10*time.Minute {
			end = "until " + p.at.Add(*o.Left).Format("Mon 15:04")
		}
	}
	return grid([]column{{bar: true, leaves: 2}, {right: true}, {}, {leaves: 1}, {least: 8, leaves: 3}, {leaves: 4}}, [][]cell{{
		bar(share, green), styled(percent(share, done == of), bold), styled(left, bold), words(roughly(o.Elapsed) + " so far"),
		styled(squeezed(oneLine(p.name), 24), faint), styled(end, faint),
	}}, columns, false)
}

// percent is 100 only where all is done.
func percent(share float64, all bool) string {
	p := int(share*100 + 0.5)
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
func (p picture) counts(columns int) []line {
	o := p.whole
	of := func(what string, part harness.Part) string {
		if part.Of == 0 {
			return ""
		}
		return fmt.Sprintf("%s %s/%s", what, comma(part.Done), comma(part.Of))
	}
	number := func(n int, what, style string) cell {
		if n == 0 {
			return cell{}
		}
		return styled(comma(n)+" "+what, style)
	}
	trouble := number(o.Failed, "failed", red)
	if o.Failed == 0 && len(o.Errors) == 0 {
		trouble = styled("no errors", green)
	}
	return grid([]column{{leaves: 1}, {leaves: 2}, {}, {leaves: 4}, {leaves: 5}}, [][]cell{{
		words(of("answered", o.Answers)), words(of("judged", o.Ratings)), trouble, number(p.warnings, plural(p.warnings, "warning"), yellow),
		number(o.Known, "from the store", plain),
	}}, columns, false)
}

func plural(n int, one string) string {
	if n == 1 {
		return one
	}
	return one + "s"
}

// work is the lanes, in one line or two each.
func (p picture) work(l layout, columns, lanes int) []line {
	var all [][]cell
	for _, s := range p.lanes[:lanes] {
		now := p.rates[s.Lane]
		left := ""
		if now.left != nil && s.Done < s.Total {
			left = clock(*now.left)
		}
		share := 0.0
		if s.Total > 0 {
			share = float64(s.Done) / float64(s.Total)
		}
		calls, tokens := "", ""
		if s.Calls > 0 {
			calls, tokens = fmt.Sprintf("%.1f", now.calls), comma(int(now.tokens+0.5))
		}
		all = append(all, []cell{
			words(laneOf(s.Lane)), styled(shortName(s.Model), bold), words(oneLine(doingOf(s))),
			bar(share, green), words(percent(share, s.Done >= s.Total)), words(comma(s.Done) + "/" + comma(s.Total)),
			words(calls), words(tokens), words(comma(s.InFlight)), words(left),
		})
	}
	if len(all) == 0 {
		return nil
	}
	columnsOf := []column{
		{head: "LANE", least: 4, leaves: 1}, {head: "VARIANT", least: 12, middle: true}, {head: "NOW", least: 12, leaves: 5},
		{head: "DONE", bar: true, leaves: 4}, {right: true}, {right: true, leaves: 6},
		{head: "CALLS/S", right: true, leaves: 2}, {head: "TOK/S", right: true, leaves: 3}, {head: "IN FLIGHT", right: true, leaves: 7}, {head: "LEFT", right: true},
	}
	units := map[int]string{6: " calls/s", 7: " tok/s", 8: " in flight", 9: " left"}
	if !l.twoLines {
		if columns < oneLineFrom {
			for i := range all {
				all[i][5], all[i][8] = cell{}, cell{}
			}
		}
		if l.heads {
			return grid(columnsOf, all, columns, true)
		}
		units = map[int]string{6: "/s", 7: " tok/s"}
	}
	for _, c := range all {
		for i, unit := range units {
			if c[i].text != "" {
				c[i].text += unit
			}
		}
	}
	if !l.twoLines {
		return grid(columnsOf, all, columns, false)
	}
	const names = 3
	above := make([][]cell, len(all))
	below := make([][]cell, len(all))
	for i, c := range all {
		above[i], below[i] = c[:names], c[names:]
	}
	const indent = 2
	upper := grid(columnsOf[:names], above, columns, false)
	lower := grid(columnsOf[names:], below, columns-indent, false)
	var lines []line
	for i := range upper {
		lines = append(lines, upper[i], append(line{{text: strings.Repeat(" ", indent)}}, lower[i]...).cut(columns))
	}
	return lines
}

// shortName is a variant without what makes the names of quantizations unique
// in a model store: in a run the rest is.
func shortName(variant string) string { return oneLine(made.ReplaceAllString(variant, "")) }

var made = regexp.MustCompile(`-perg-[0-9a-f]{12}`)

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
func (p picture) next(columns int) []line {
	if len(p.whole.Next) == 0 {
		return nil
	}
	const most = 2
	names := p.whole.Next[:min(most, len(p.whole.Next))]
	text := "next: " + shortName(strings.Join(names, ", then "))
	if more := len(p.whole.Next) - len(names); more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return []line{{{fit(text, columns), faint}}}
}

// errors are the failed calls by reason, and the last of them.
func (p picture) errors(l layout, columns int) []line {
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
	lines := []line{{{fit("failed calls: "+strings.Join(counts, ", "), columns), red}}}
	if l.rest && o.Last != nil {
		last := fmt.Sprintf("last at %s, %s: %s", o.Last.At.In(p.at.Location()).Format(time.TimeOnly), shortName(o.Last.Model), oneLine(o.Last.Message))
		lines = append(lines, line{{fit(last, columns), red}})
	}
	return lines
}
