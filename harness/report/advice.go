package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"perg/harness/advise"
	"perg/harness/metrics"
)

// Advice says in sentences which variants to take, and what became of the others, in
// so many columns.
func Advice(w io.Writer, all []advise.Advice, width int) {
	for i, a := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		take, others := AdviceSaid(a)
		for _, said := range append([]string{take}, others...) {
			fmt.Fprintln(w, ProseIn(said, width))
		}
	}
}

// smaller and smallest name what is cheaper in a family of variants.
var smaller = map[advise.Kind]string{advise.Quantization: "nothing smaller", advise.KVCache: "no smaller KV cache", advise.Thinking: "no less thinking"}
var smallest = map[advise.Kind]string{advise.Quantization: "the smallest", advise.KVCache: "the smallest KV cache", advise.Thinking: "the least thinking"}

// AdviceSaid is an advice in sentences: what to take, and what became of the others.
func AdviceSaid(a advise.Advice) (take string, others []string) {
	first := a.Verdicts[0]
	where := fmt.Sprintf("%s, %s", first.Method, first.Setting)
	margin := fmt.Sprintf("%g points", advise.Margin*100)
	if a.Take == a.Reference {
		take = fmt.Sprintf("Take %s: %s is shown to be no worse by %s (%s).", a.Reference, cmp.Or(smaller[a.Kind], smaller[advise.Quantization]), margin, where)
	}
	for _, v := range a.Verdicts {
		if v.Variant == a.Take {
			take = fmt.Sprintf("Take %s, %s that is shown to be no worse than %s by %s (%s): %s.", v.Variant, cmp.Or(smallest[a.Kind], smallest[advise.Quantization]), a.Reference, margin, where, losses(v))
			continue
		}
		others = append(others, fmt.Sprintf("%s: %s", v.Variant, verdictOf(v, margin)))
	}
	return take, others
}

// Ranking says where models come, as far as their intervals tell, and how many items
// would tell the first from those that may be as good.
func Ranking(r advise.Ranking) string {
	parts := make([]string, len(r.Places))
	for i, p := range r.Places {
		at := fmt.Sprint(p.First)
		if p.Last > p.First {
			at += fmt.Sprintf(" to %d", p.Last)
		}
		parts[i] = fmt.Sprintf("%s %s %s", at, p.Name, interval(p.Value, p.Low, p.High))
	}
	said := fmt.Sprintf("Models by %s in percent, the least first, with the places that their intervals leave (%s, %s): %s.",
		metricNames[r.Metric], r.Method, r.Setting, strings.Join(parts, "; "))
	switch {
	case r.Needed > 0:
		said += fmt.Sprintf(" Which is first is not shown; if the rates stay, some %s items would tell.", humanize.Comma(int64(r.Needed)))
	case len(advise.Heads(r.Places)) > 1:
		said += " Which is first is not shown."
	}
	return said
}

// metricNames are in full, as a sentence has them.
var metricNames = map[metrics.Metric]string{metrics.RobustnessError: "Robustness Error", metrics.BreakageRate: "Breakage Rate"}

func verdictOf(v advise.Verdict, margin string) string {
	switch {
	case v.NotWorse:
		return fmt.Sprintf("no worse, too: %s.", losses(v))
	case v.Worse:
		return fmt.Sprintf("worse: %s.", losses(v))
	default:
		return fmt.Sprintf("not shown to be no worse by %s: %s; some %s items would show it if it is.", margin, losses(v), humanize.Comma(int64(v.Needed)))
	}
}

// losses are a variant's rates less its reference's.
func losses(v advise.Verdict) string {
	var parts []string
	p := 0.0
	for _, l := range v.Losses {
		sign := 1.0
		if l.Metric == metrics.Accuracy {
			sign = -1 // fewer right are a loss
		}
		low, high := sign*l.Low, sign*l.High
		parts = append(parts, fmt.Sprintf("%s %s (%s to %s)", metricTitles[l.Metric], inPoints(sign*l.Value), inPoints(min(low, high)), inPoints(max(low, high))))
		p = max(p, l.P)
	}
	said := strings.Join(parts, ", ")
	if v.NotWorse {
		said += fmt.Sprintf("; p %s for a loss of the margin", pValue(p))
	}
	return said
}

func inPoints(v float64) string {
	s := fmt.Sprintf("%+.1f", v*100)
	if s == "-0.0" || s == "+0.0" {
		return "0.0"
	}
	return s
}
