package main

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"perg/harness"
	"perg/harness/printable"
	"perg/harness/sofar"
)

func (d *display) progressLines(f followed) {
	for _, l := range f.Progress() {
		if l.Total > 0 {
			d.lines.put(message{text: "perg: " + printable.Text(laneText(l)) + "\n", progress: true})
		}
	}
}

func (d *display) progressEvents(f followed) {
	whole := overviewFields(f.Overview())
	for _, l := range f.Progress() {
		fields := progressFields(l)
		fields["run"] = whole
		d.event("progress", fields, true)
	}
}

func progressFields(l harness.LaneStatus) map[string]any {
	f := map[string]any{
		"lane": l.Lane, "host": l.Host, "variant": l.Model, "stage": l.Stage, "state": l.State, "cell": l.Cell(),
		"done": l.Done, "total": l.Total, "calls": l.Calls, "in_flight": l.InFlight, "limit": l.Limit, "slots": nil, "gpus": l.GPUs, "memory_used": nil, "power_mw": nil, "known": l.Known, "failed": l.Failed,
		"calls_per_second": l.CallsPerSecond(), "output_tokens_per_second": l.TokensPerSecond(), "left_s": nil,
	}
	if l.MemoryTotal > 0 {
		f["memory_used"], f["power_mw"] = l.MemoryUsed, l.PowerMW
	}
	if l.Slots > 0 {
		f["slots"] = l.Slots
	}
	if left, ok := l.Left(); ok {
		f["left_s"] = left.Seconds()
	}
	return f
}

// overviewFields is the whole run at that moment, the same in each lane's
// event.
func overviewFields(o harness.Overview) map[string]any {
	f := map[string]any{
		"answered": o.Answers.Done, "to_answer": o.Answers.Of, "rated": o.Ratings.Done, "to_rate": o.Ratings.Of,
		"calls": o.Calls, "known": o.Known, "failed": o.Failed, "errors": o.Errors, "next": o.Next,
		"elapsed_s": o.Elapsed.Seconds(), "left_s": nil,
		"variants": variantFields(o.Variants), "judges": judgeFields(o.Judges),
	}
	if o.Left != nil {
		f["left_s"] = o.Left.Seconds()
	}
	return f
}

// variantFields are what variants come to so far, each rate with its 95 % interval and
// over how many answers it is; null where there is none yet.
func variantFields(all []sofar.Variant) []map[string]any {
	fields := []map[string]any{}
	for _, v := range all {
		fields = append(fields, map[string]any{"variant": v.Label, "accuracy": rateFields(v.Right), "breakage_rate": rateFields(v.Breakage), "invalid_rate": rateFields(v.Invalid)})
	}
	return fields
}

func rateFields(r sofar.Rate) map[string]any {
	if r.Of == 0 {
		return map[string]any{"value": nil, "low": nil, "high": nil, "of": 0}
	}
	return map[string]any{"value": r.Value, "low": r.Low, "high": r.High, "of": r.Of}
}

// judgeFields are how judges rate so far: their ratings by score, from 1 to 5.
func judgeFields(all []sofar.Judge) []map[string]any {
	fields := []map[string]any{}
	for _, j := range all {
		fields = append(fields, map[string]any{"judge": j.Name, "scores": j.Scores, "unscored": j.Unscored, "failed": j.Failed})
	}
	return fields
}

// laneText is a lane's progress in one line.
func laneText(l harness.LaneStatus) string {
	text := fmt.Sprintf("%s %s %s/%s", l.Model, doingOf(l), comma(l.Done), comma(l.Total))
	if left, ok := l.Left(); ok && l.Done < l.Total {
		text += " " + clock(left) + " left"
	}
	if l.Calls > 0 {
		text += fmt.Sprintf(" %.1f calls/s %s tok/s", l.CallsPerSecond(), humanize.Comma(int64(l.TokensPerSecond())))
	}
	if l.MemoryTotal > 0 {
		text += fmt.Sprintf(" %.0f/%.0f GiB", float64(l.MemoryUsed)/(1<<30), float64(l.MemoryTotal)/(1<<30))
	}
	if l.Failed > 0 {
		text += fmt.Sprintf(" %s failed", comma(l.Failed))
	}
	return text
}

// doingOf says what a lane is at.
func doingOf(l harness.LaneStatus) string {
	switch {
	case l.State == "loading":
		return "loading"
	case l.Stage == harness.Score:
		return "judging " + l.Cell()
	}
	return l.Cell()
}

// clock shows a duration as h:mm:ss.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func inFlight(lanes []harness.LaneStatus) (n int) {
	for _, l := range lanes {
		n += l.InFlight
	}
	return n
}
