package page

import (
	"math/rand/v2"
	"slices"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/report"
	"perg/harness/stats"
)

// chance makes runs of random results.
type chance struct{ *rand.Rand }

func (c chance) often(p float64) bool { return c.Float64() < p }

func (c chance) of(some ...int) int { return some[c.IntN(len(some))] }

// rate is a random share, with an interval but for one in twenty.
func (c chance) rate(n int, p float64) (v, low, high *float64) {
	if n == 0 {
		return nil, nil, nil
	}
	k := 0
	for range n {
		if c.often(p) {
			k++
		}
	}
	r := stats.Rate{Count: k, Of: n}
	if c.often(.05) {
		return r.Value(), nil, nil
	}
	low, high = stats.Wilson(r, 1)
	return r.Value(), low, high
}

func (c chance) difference() metrics.Difference {
	if c.often(.15) {
		return metrics.Difference{}
	}
	v := c.NormFloat64() / 5
	if c.often(.1) {
		return metrics.Difference{Value: &v}
	}
	return metrics.Difference{Value: &v, Low: new(v - c.Float64()/3), High: new(v + c.Float64()/3)}
}

var variantNames = []string{"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"}

// run is a run of random results: of any number of variants, methods, settings and
// items, with ties, empty cells and unknown rates.
func (c chance) run() Run {
	r := Run{Name: "run", State: "finished", Dataset: "data", Items: 100}
	some := func(all []string) []string {
		kept := slices.DeleteFunc(slices.Clone(all), func(string) bool { return c.often(.4) })
		if len(kept) == 0 {
			return all[:1]
		}
		return kept
	}
	methods, settings := some(texts(prompt.Methods())), some(texts(prompt.Settings()[1:]))
	names := variantNames[:c.of(1, 2, 2, 3, 4, 6, 12)]
	sizes, judged := c.of(3, 10, 60, 300, 1000), c.of(0, 1, 1, 2) // nothing, all or some are rated
	spread := []float64{0, .05, .3, .9}[c.IntN(4)]
	kinds := []string{"clarity", "context", "creative"}[:c.of(1, 2, 3)]
	for k, name := range names {
		v := Variant{Name: name}
		if c.often(.8) {
			v.Series = names[k/c.of(2, 3)]
			v.Bits = []float64{0, 2.6, 4.8, 8.5, 16}[c.IntN(5)]
		}
		r.Variants = append(r.Variants, v)
	}
	for _, method := range methods {
		for _, setting := range settings {
			first := len(r.Metrics)
			for _, name := range names {
				if c.often(.08) {
					continue // the cell is not there
				}
				m := data.Metric{Variant: name, Method: method, Setting: setting, Source: metrics.All, Repeats: int64(c.of(1, 1, 1, 3)), N: int64(sizes)}
				n := c.of(0, 1, sizes, sizes, sizes, sizes)
				p := min(max(.3+(c.Float64()-.5)*spread*2, 0), 1) * float64(c.of(0, 1, 1, 1, 1, 1))
				m.NBaselineCorrect = int64(n)
				m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh = c.rate(n, p)
				if setting == "irrelevant" {
					m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh = m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh
				} else if judged == 1 || judged == 2 && c.often(.5) {
					m.AlignmentFailure, m.AlignmentFailureLow, m.AlignmentFailureHigh = c.rate(n, c.Float64())
					m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh = c.rate(n, min(p*1.5, 1))
				}
				m.Accuracy, m.AccuracyLow, m.AccuracyHigh = c.rate(sizes, .6)
				m.AccuracyBaseline, m.AccuracyBaselineLow, m.AccuracyBaselineHigh = c.rate(sizes, .7)
				if c.often(.7) {
					m.Unread, m.UnreadBaseline = new(float64(c.of(0, 0, 1, 3, 25))/100), new(float64(c.of(0, 0, 1, 40))/100)
				}
				if d := c.difference(); m.BreakageRate != nil && d.Value != nil && c.often(.5) {
					m.NullBreakage, m.NNull = new(float64(c.IntN(101))/100), int64(n)
					m.NetBreakage, m.NetBreakageLow, m.NetBreakageHigh = d.Value, d.Low, d.High
				}
				if len(r.Metrics) > first && c.often(.25) { // the very same as another
					m = r.Metrics[first+c.IntN(len(r.Metrics)-first)]
					m.Variant = name
				}
				if c.often(.5) {
					m.OutputTokensPerSecond = new(c.Float64() * 100)
				}
				r.Metrics = append(r.Metrics, m)
				for _, kind := range kinds {
					if of := c.of(0, 1, 5, 40, 200); of > 0 && setting != "irrelevant" {
						r.Breakages = append(r.Breakages, Breakage{name, method, setting, "source", kind, stats.Rate{Count: c.IntN(of + 1), Of: of}})
					}
				}
				if method != "zero-shot" && slices.Contains(methods, "zero-shot") {
					i := metrics.Improvement{Variant: name, Method: prompt.Method(method), Setting: prompt.Setting(setting), Breakage: c.difference()}
					if judged > 0 {
						i.Robustness = c.difference()
					}
					r.Improvements = append(r.Improvements, i)
				}
				if c.often(.3) && m.BreakageRate != nil {
					b := report.Beside{PublishedModel: "paper", Metric: "breakage_rate", Value: m.BreakageRate, Low: m.BreakageRateLow, High: m.BreakageRateHigh, Published: new(c.Float64() / 2)}
					b.Variant, b.Method, b.Setting, b.Source = name, method, setting, metrics.All
					if b.Low != nil {
						b.InInterval = new(*b.Low <= *b.Published && *b.Published <= *b.High)
					}
					r.Published.Rows = append(r.Published.Rows, b)
				}
			}
		}
	}
	return r
}

const randomPages = 400
