package page

import (
	"testing"

	"perg/data"
)

// The sentence above null Breakage follows from the interval of the net.
func TestNullTitle(t *testing.T) {
	l := lead{Method: "zero-shot", Setting: "relevant"}
	row := func(variant string, breakage, net, low, high float64) data.Metric {
		return data.Metric{
			Variant: variant, Method: "zero-shot", Setting: "relevant", Source: "all", N: 100, NBaselineCorrect: 80, BreakageRate: &breakage,
			NNull: 80, NullBreakage: new(0.05), NullBreakageLow: new(0.02), NullBreakageHigh: new(0.12), NetBreakage: &net, NetBreakageLow: &low, NetBreakageHigh: &high,
		}
	}
	for want, rows := range map[string][]data.Metric{
		"Asked again without a preference, b breaks 5.0\u00a0% of what it gets right; the preference breaks 25.0 points more":       {row("b", 0.3, 0.25, 0.1, 0.4)},
		"A preference breaks more than asking again does in 2 of 2 variants":                                                        {row("a", 0.1, 0.05, 0.01, 0.09), row("b", 0.3, 0.25, 0.1, 0.4)},
		"A preference breaks more than asking again does in 1 of 3 variants, less in 1; in 1 neither is shown":                      {row("a", 0.1, 0.05, 0.01, 0.09), row("b", 0.01, -0.04, -0.07, -0.01), row("c", 0.1, 0.05, -0.01, 0.11)},
		"Asked again without a preference, a breaks 5.0\u00a0% of what it gets right; that the preference breaks more is not shown": {row("a", 0.1, 0.05, -0.01, 0.11)},
		"Asked again without a preference, a breaks 5.0\u00a0% of what it gets right; with the preference less breaks":              {row("a", 0.01, -0.04, -0.07, -0.01)},
		"": {{Variant: "a", Method: "zero-shot", Setting: "relevant", Source: "all", BreakageRate: new(0.1)}},
	} {
		r := Run{Metrics: rows}
		if got := r.nullTitle(l); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if n := len(r.nulls(l).Rows); (n == 0) != (want == "") {
			t.Errorf("%q: %d rows", want, n)
		}
	}
}
