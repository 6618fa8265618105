package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"perg/harness/advise"
	"perg/harness/metrics"
)

// Advice says in sentences which variants to take, and what became of the others.
func Advice(w io.Writer, all []advise.Advice) {
	for i, a := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		first := a.Verdicts[0]
		where := fmt.Sprintf("%s, %s", first.Method, first.Setting)
		margin := fmt.Sprintf("%g points", advise.Margin*100)
		if a.Take == a.Reference {
			fmt.Fprintln(w, Prose(fmt.Sprintf("Take %s: nothing smaller is shown to be no worse by %s (%s).", a.Reference, margin, where)))
		}
		for _, v := range a.Verdicts {
			said := fmt.Sprintf("%s: %s", v.Variant, verdictOf(v, margin))
			if v.Variant == a.Take {
				said = fmt.Sprintf("Take %s, the smallest that is shown to be no worse than %s by %s (%s): %s.", v.Variant, a.Reference, margin, where, losses(v))
			}
			fmt.Fprintln(w, Prose(said))
		}
	}
}

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
