package report

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"perg/data"
	"perg/harness/metrics"
)

// lined are rows of some variants and methods, of which all is known.
func lined() ([]data.Metric, Costs) {
	costs := Costs{Bytes: make(map[string]int64), Times: make(map[metrics.Work]time.Duration)}
	row := func(variant, quantization, method, setting string, breakage, robustness float64) data.Metric {
		m := data.Metric{Variant: variant, Model: variant, Quantization: quantization, Method: method, Setting: setting, Source: metrics.All, Repeats: 1, N: 7208, NBaselineCorrect: 5210,
			Accuracy: new(0.61), AccuracyLow: new(0.599), AccuracyHigh: new(0.621), OutputTokensPerSecond: new(1234.5), OutputTokensPerSecondLow: new(1190.0), OutputTokensPerSecondHigh: new(1280.0),
			EnergyJoules: new(90_000.0), NEnergy: 7200}
		if setting == "none" {
			return m
		}
		m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh = &breakage, new(breakage-0.01), new(breakage+0.01)
		m.NullBreakage, m.NullBreakageLow, m.NullBreakageHigh = new(0.034), new(0.03), new(0.04)
		m.AlignmentFailure, m.AlignmentFailureLow, m.AlignmentFailureHigh = new(0.08), new(0.07), new(0.09)
		m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh = &robustness, new(robustness-0.01), new(robustness+0.01)
		return m
	}
	rows := []data.Metric{
		row("llama3.1:8b-instruct", "Q4_K_M", "zero-shot", "none", 0, 0),
		row("llama3.1:8b-instruct", "Q4_K_M", "zero-shot", "relevant", 0.18, 0.23),
		row("llama3.1:8b-instruct", "Q4_K_M", "pref-aligner", "relevant", 0.11, 0.15),
		row("hf.co/bartowski/a-long-name-of-a-model-GGUF:q8_0-perg-894f9e3a82b6", "Q8_0", "zero-shot", "none", 0, 0),
		row("hf.co/bartowski/a-long-name-of-a-model-GGUF:q8_0-perg-894f9e3a82b6", "Q8_0", "zero-shot", "relevant", 0.13, 0.16),
	}
	for _, m := range rows {
		costs.Bytes[m.Variant] = 5_600_000_000
		costs.Times[metrics.Work{Variant: m.Variant, Method: m.Method}] = 4 * time.Hour
	}
	return rows, costs
}

func shown(t *testing.T, o Overview, width int) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\n", ProseIn(o.Title(), width))
	leftOut, err := o.Write(&b, width)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "\n%s\n\n%s\n", o.Legend(leftOut, width), ProseIn(o.Sentence(), width))
	return b.String()
}

func TestOverview(t *testing.T) {
	rows, costs := lined()
	for _, width := range []int{40, 80, 120, 200} {
		got := shown(t, OverviewOf(rows, costs), width)
		if n := widest(got); n > width {
			t.Errorf("%d columns of %d", n, width)
		}
		golden(t, fmt.Sprint("overview_", width), got)
	}
}

// However many variants and methods there are, of whatever names, and whatever is
// known of them, no line is wider than the terminal, and every line is there with
// all of its rates.
func TestOverviewKeepsItsWidth(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 300 {
		all, costs := lined()
		var rows []data.Metric
		want := 0
		for v := range 1 + rng.IntN(4) {
			for _, method := range []string{"zero-shot", "self-critic"}[:1+rng.IntN(2)] {
				m := all[1]
				m.Variant = strings.Repeat("ab:c-d"[rng.IntN(3):], 1+rng.IntN(12)) + strconv.Itoa(v)
				m.Method, m.N = method, 1+rng.Int64N(9000)
				if rng.IntN(3) == 0 {
					m.BreakageRateLow, m.BreakageRateHigh, m.RobustnessError = nil, nil, nil
				}
				if rng.IntN(2) == 0 {
					m.EnergyJoules, m.OutputTokensPerSecond = nil, nil
				}
				rows = append(rows, m)
				want++
			}
		}
		width := 40 + rng.IntN(180)
		got := shown(t, OverviewOf(rows, costs), width)
		if n := widest(got); n > width {
			t.Fatalf("%d columns of %d:\n%s", n, width, got)
		}
		if n := strings.Count(got, "61.0"); n != want {
			t.Fatalf("%d lines have the share of right answers, want %d:\n%s", n, want, got)
		}
		for _, m := range rows {
			name := strings.Join(strings.Fields(m.Variant), "")
			if first := name[:min(len(name), 8)]; !strings.Contains(got, first) {
				t.Fatalf("no %s in\n%s", first, got)
			}
		}
	}
}

// What the first line says is what the intervals show, and no more.
func TestOverviewSentence(t *testing.T) {
	row := func(variant, method string, v, low, high float64) data.Metric {
		return data.Metric{Variant: variant, Method: method, Setting: "relevant", Source: metrics.All, N: 100, NBaselineCorrect: 70,
			BreakageRate: &v, RobustnessError: &v, RobustnessErrorLow: &low, RobustnessErrorHigh: &high}
	}
	breaks := func(variant string, v, low, high float64) data.Metric {
		return data.Metric{Variant: variant, Method: "zero-shot", Setting: "mixed", Source: metrics.All, BreakageRate: &v, BreakageRateLow: &low, BreakageRateHigh: &high}
	}
	plain := func(variant string, v, low, high float64) data.Metric {
		return data.Metric{Variant: variant, Method: "zero-shot", Setting: "none", Source: metrics.All, Accuracy: &v, AccuracyLow: &low, AccuracyHigh: &high}
	}
	unknown := data.Metric{Variant: "u", Method: "zero-shot", Setting: "relevant", Source: metrics.All}
	for _, tt := range []struct {
		want string
		rows []data.Metric
	}{
		{"Under relevant preferences, zero-shot: a is the most robust: Robustness error 10.0 % (5-15); the next is b with 30.0 % (20-40).",
			[]data.Metric{row("b", "zero-shot", 0.3, 0.2, 0.4), row("a", "zero-shot", 0.1, 0.05, 0.15)}},
		{"Under relevant preferences, zero-shot: a has the lowest Robustness error, 10.0 % (5-15), which may be chance: b 14.0 % (9-20) overlaps with it; higher beyond chance: c 30.0 % (20-40).",
			[]data.Metric{row("c", "zero-shot", 0.3, 0.2, 0.4), row("b", "zero-shot", 0.14, 0.09, 0.2), row("a", "zero-shot", 0.1, 0.05, 0.15)}},
		{"Under relevant preferences, zero-shot: a and b have the same and lowest Robustness error, 10.0 % (5-15); higher beyond chance: c 30.0 % (20-40).",
			[]data.Metric{row("a", "zero-shot", 0.1, 0.05, 0.15), row("b", "zero-shot", 0.1, 0.05, 0.15), row("c", "zero-shot", 0.3, 0.2, 0.4)}},
		{"Under relevant preferences, zero-shot: all 2 have the same Robustness error, 10.0 % (5-15).",
			[]data.Metric{row("a", "zero-shot", 0.1, 0.05, 0.15), row("b", "zero-shot", 0.1, 0.05, 0.15)}},
		{"Under relevant preferences, zero-shot: all 2 have the same Robustness error, 10.0 %.",
			[]data.Metric{row("a", "zero-shot", 0.1, 0.05, 0.15), row("b", "zero-shot", 0.1, 0.02, 0.3)}},
		{"Under relevant preferences, zero-shot: a and b have the same and lowest Robustness error, 10.0 %, which may be chance: c 30.0 % (20-40) overlaps with it.",
			[]data.Metric{row("a", "zero-shot", 0.1, 0.05, 0.15), row("c", "zero-shot", 0.3, 0.2, 0.4), row("b", "zero-shot", 0.1, 0.02, 0.3)}},
		{"Under relevant preferences: a with cot has the lowest Robustness error, 10.0 % (5-15), which may be chance: a with zero-shot 12.0 % (7-17) and b with zero-shot 14.0 % (9-20) overlap with it.",
			[]data.Metric{row("a", "zero-shot", 0.12, 0.07, 0.17), row("a", "cot", 0.1, 0.05, 0.15), row("b", "zero-shot", 0.14, 0.09, 0.2)}},
		{"Under relevant preferences, cot: Robustness error of a is 10.0 % (5-15).", []data.Metric{row("a", "cot", 0.1, 0.05, 0.15)}},
		{"Under relevant preferences, zero-shot: a is the most robust: Robustness error 10.0 % (5-15); the next is b with 30.0 % (20-40). Of 1 more nothing is known.",
			[]data.Metric{unknown, row("b", "zero-shot", 0.3, 0.2, 0.4), row("a", "zero-shot", 0.1, 0.05, 0.15)}},
		{"Under mixed preferences, zero-shot: a breaks least often: Breakage 10.0 % (5-15); the next is b with 30.0 % (20-40).",
			[]data.Metric{breaks("b", 0.3, 0.2, 0.4), breaks("a", 0.1, 0.05, 0.15)}},
		{"Without a preference, zero-shot: a is right most often: Right 80.0 % (75-85); the next is b with 60.0 % (55-65).",
			[]data.Metric{plain("b", 0.6, 0.55, 0.65), plain("a", 0.8, 0.75, 0.85)}},
		{"Without a preference, zero-shot: a has the highest Right, 80.0 % (75-85), which may be chance: b 74.0 % (69-79) overlaps with it; lower beyond chance: c 60.0 % (55-65).",
			[]data.Metric{plain("c", 0.6, 0.55, 0.65), plain("b", 0.74, 0.69, 0.79), plain("a", 0.8, 0.75, 0.85)}},
		{"", []data.Metric{unknown}},
	} {
		if got := OverviewOf(tt.rows, Costs{}).Sentence(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// Energy is shown where it is that of all answers; what is not known is a dash, and
// never 0.
func TestOverviewOfWhatIsNotKnown(t *testing.T) {
	rows, _ := lined()
	rows[1].NEnergy = 3000 // the rest was in the store
	rows[4].OutputTokensPerSecond, rows[4].OutputTokensPerSecondLow = nil, nil
	got := shown(t, OverviewOf(rows, Costs{}), 0)
	for name, want := range map[string]string{"llama3.1:8b-instruct (Q4_K_M)  zero-shot": "1,235 (1,190-1,280)  -  -  -", "GGUF:q8_0  zero-shot": "-  -  -  50.0", "pref-aligner": "1,235 (1,190-1,280)  -  -  25.0"} {
		found := false
		for line := range strings.Lines(got) {
			if words := strings.Join(strings.Fields(line), " "); strings.Contains(words, strings.Join(strings.Fields(name), " ")) {
				found = strings.HasSuffix(words, strings.Join(strings.Fields(want), " "))
				if found {
					break
				}
			}
		}
		if !found {
			t.Errorf("%s does not end in %s:\n%s", name, want, got)
		}
	}
}

func TestQuantitiesAndTimes(t *testing.T) {
	for v, want := range map[float64]string{0: "0.00", 0.001: "<0.01", 0.0099: "0.01", 0.5: "0.50", 0.999: "1.0", 5.62: "5.6", 99.9: "99.9", 99.96: "100", 12345.6: "12,346"} {
		if got := quantity(&v); got != want {
			t.Errorf("%v is shown as %s, want %s", v, got, want)
		}
	}
	for d, want := range map[time.Duration]string{400 * time.Millisecond: "0.4 s", 38 * time.Second: "38 s", 119 * time.Second: "119 s", 150 * time.Second: "2 min", 119 * time.Minute: "119 min", 150 * time.Minute: "2.5 h"} {
		if got := lasted(&d); got != want {
			t.Errorf("%v is shown as %s, want %s", d, got, want)
		}
	}
}
