package page

import (
	"fmt"

	"perg/data"
	"perg/harness/report"
)

// thinking is the table of what thinking brings and takes, of all cells of models
// that do, with a summary; without rows where none does.
func (r Run) thinking(l lead) (t table, cut string) {
	t = table{Words: 3, Head: []string{
		"Variant", "Method", "Setting", "Tokens of a thought", "of all", "Seconds", "Thoughts cut", "in a loop", "Breakage", "Breakage, answered", "Accuracy, answered", "answered",
	}}
	n := int64(0)
	for _, m := range report.Thinking(r.ranked(l)) {
		t.Rows = append(t.Rows, []string{
			r.label(m.Variant), m.Method, m.Setting, meanOf(m.ThinkingTokens, "%.0f"), meanOf(m.OutputTokens, "%.0f"), meanOf(m.Seconds, "%.1f"),
			report.CutThoughts(m), comma(int(m.NLoops)), rate(m.BreakageRate), answered(m), rate(m.AccuracyAnswered), comma(int(m.NAnswered)),
		})
		n += m.NTruncatedThinking
	}
	if n > 0 {
		cut = plural(int(n), "thought was", "thoughts were") + " ended before an answer"
	}
	return t, cut
}

func meanOf(v *float64, format string) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf(format, *v)
}

// answered is Breakage over what was answered in both cells, with its interval.
func answered(m data.Metric) string {
	if m.BreakageRateAnswered == nil || m.BreakageRateAnsweredLow == nil || m.BreakageRateAnsweredHigh == nil {
		return rate(m.BreakageRateAnswered)
	}
	return fmt.Sprintf("%s (%s to %s)", rate(m.BreakageRateAnswered), rate(m.BreakageRateAnsweredLow), rate(m.BreakageRateAnsweredHigh))
}
