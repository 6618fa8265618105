package report

import (
	"bytes"
	"strings"
	"testing"

	"perg/harness/advise"
	"perg/harness/metrics"
)

// What is taken is said first of its kind, and of every other variant why not.
func TestAdviceInWords(t *testing.T) {
	verdict := func(name string, right, breakage advise.Loss) advise.Verdict {
		right.Metric, breakage.Metric = metrics.Accuracy, metrics.BreakageRate
		v := advise.Verdict{Variant: name, Reference: "m-f16", Method: "zero-shot", Setting: "relevant", Losses: []advise.Loss{right, breakage}}
		v.NotWorse, v.Worse, v.Needed = right.Shown && breakage.Shown, right.Worse || breakage.Worse, max(right.Needed, breakage.Needed)
		return v
	}
	small := advise.Loss{Value: 0.003, Low: -0.006, High: 0.012, P: 0.0002, Shown: true}
	wide := advise.Loss{Value: 0, Low: -0.03, High: 0.03, P: 0.1, Needed: 4598}
	great := advise.Loss{Value: 0.06, Low: 0.04, High: 0.08, P: 1, Worse: true, Needed: 9}
	for want, a := range map[string]advise.Advice{
		"Take m-q8, the smallest that is shown to be no worse than m-f16 by 2 points (zero-shot, relevant): Right -0.3 (-1.2 to +0.6), Breakage +0.3 (-0.6 to +1.2); p <0.001 for a loss of the margin. " +
			"m-q4: worse: Right -6.0 (-8.0 to -4.0), Breakage +0.3 (-0.6 to +1.2).": {Reference: "m-f16", Take: "m-q8", Verdicts: []advise.Verdict{verdict("m-q8", small, small), verdict("m-q4", great, small)}},
		"Take m-f16: nothing smaller is shown to be no worse by 2 points (zero-shot, relevant). " +
			"m-q8: not shown to be no worse by 2 points: Right 0.0 (-3.0 to +3.0), Breakage +0.3 (-0.6 to +1.2); some 4,598 items would show it if it is. " +
			"m-q4: no worse, too: Right -0.3 (-1.2 to +0.6), Breakage +0.3 (-0.6 to +1.2); p <0.001 for a loss of the margin.": {Reference: "m-f16", Take: "m-f16", Verdicts: []advise.Verdict{verdict("m-q8", wide, small), verdict("m-q4", small, small)}},
	} {
		var b bytes.Buffer
		Advice(&b, []advise.Advice{a}, narrow)
		if got := strings.Join(strings.Fields(b.String()), " "); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if widest(b.String()) > narrow {
			t.Errorf("wider than %d:\n%s", narrow, b.String())
		}
	}
}
