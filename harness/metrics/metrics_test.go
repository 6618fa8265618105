package metrics

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"perg/data"
	"perg/harness/prompt"
)

// The four metrics as the protocol defines them, over sets: a second
// implementation to hold the first against.
func definitions(pairs [][2]Outcome, judged bool) (breakage, alignment, robustness, variation float64) {
	qstar, rated := 0, 0
	kept, followed, robust := 0, 0, 0
	a, b := map[int]bool{}, map[int]bool{}
	for i, p := range pairs {
		base, o := p[0], p[1]
		if !base.Responded || !o.Responded {
			continue
		}
		if o.Correct {
			a[i] = true
		}
		if base.Correct {
			b[i] = true
		}
	}
	for i := range b {
		qstar++
		if a[i] {
			kept++
		}
		if judged && pairs[i][1].Rated {
			rated++
			if pairs[i][1].Followed {
				followed++
			}
			if a[i] && pairs[i][1].Followed {
				robust++
			}
		}
	}
	union, both := map[int]bool{}, 0
	for i := range a {
		union[i] = true
		if b[i] {
			both++
		}
	}
	for i := range b {
		union[i] = true
	}
	variation = 0
	if len(union) > 0 {
		variation = 1 - float64(both)/float64(len(union))
	}
	share := func(n, of int) float64 {
		if of == 0 {
			return math.NaN()
		}
		return 1 - float64(n)/float64(of)
	}
	return share(kept, qstar), share(followed, rated), share(robust, rated), variation
}

func TestTallyAgainstTheDefinitions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	same := func(name string, got *float64, want float64) {
		t.Helper()
		if math.IsNaN(want) != (got == nil) || got != nil && math.Abs(*got-want) > 1e-12 {
			t.Fatalf("%s: got %v, want %v", name, got, want)
		}
	}
	for range 2000 {
		n := rng.IntN(40)
		pairs := make([][2]Outcome, n)
		draw := func() Outcome {
			o := Outcome{Responded: rng.IntN(10) > 0}
			if o.Responded {
				o.Answered = rng.IntN(8) > 0
				o.Correct = o.Answered && rng.IntN(3) > 0
				o.Rated = rng.IntN(6) > 0
				o.Followed = o.Rated && rng.IntN(2) > 0
			}
			return o
		}
		tally := Tally{Setting: prompt.Relevant, Judged: true}
		for i := range pairs {
			pairs[i] = [2]Outcome{draw(), draw()}
			tally.Add(pairs[i][0], pairs[i][1])
		}
		breakage, alignment, robustness, variation := definitions(pairs, true)
		if tally.Pairs == 0 {
			variation = math.NaN()
		}
		same("breakage", tally.BreakageRate().Value(), breakage)
		same("alignment", tally.AlignmentFailure().Value(), alignment)
		same("robustness", tally.RobustnessError().Value(), robustness)
		same("variation", tally.PerformanceVariation().Value(), variation)
		if tally.Pairs+tally.Failed != n {
			t.Fatalf("%d pairs and %d failed of %d", tally.Pairs, tally.Failed, n)
		}
	}
}

func TestWhatIsUndefinedIsNull(t *testing.T) {
	right := Outcome{Responded: true, Answered: true, Correct: true}
	wrong := Outcome{Responded: true, Answered: true}
	irrelevant := Tally{Setting: prompt.Irrelevant, Judged: true}
	irrelevant.Add(right, wrong)
	irrelevant.Add(right, right)
	if r := irrelevant.RobustnessError(); r != irrelevant.BreakageRate() || *r.Value() != 0.5 {
		t.Errorf("irrelevant: Robustness Error %v, Breakage Rate %v", r, irrelevant.BreakageRate())
	}
	if irrelevant.AlignmentFailure().Value() != nil || irrelevant.Unscored != 0 {
		t.Error("irrelevant has an Alignment Failure")
	}
	baseline := Tally{Setting: prompt.None, Judged: true}
	baseline.Add(right, right)
	if baseline.BreakageRate().Value() != nil || baseline.RobustnessError().Value() != nil || baseline.PerformanceVariation().Value() != nil {
		t.Error("the baseline has rates against itself")
	}
	unjudged := Tally{Setting: prompt.Relevant}
	unjudged.Add(right, right)
	if unjudged.RobustnessError().Value() != nil || unjudged.Unscored != 0 {
		t.Error("Robustness Error without a judge")
	}
	unscored := Tally{Setting: prompt.Relevant, Judged: true}
	unscored.Add(right, right)
	if unscored.RobustnessError().Value() != nil || unscored.Unscored != 1 {
		t.Errorf("unscored: %+v", unscored)
	}
	hopeless := Tally{Setting: prompt.Relevant, Judged: true}
	hopeless.Add(wrong, wrong)
	if v := hopeless.PerformanceVariation().Value(); v == nil || *v != 0 {
		t.Error("Performance Variation of an empty union is not 0")
	}
	if hopeless.BreakageRate().Value() != nil {
		t.Error("a Breakage Rate over an empty Q*")
	}
}

// Values of the R function prop.test(k, n, correct = FALSE) and of Newcombe
// (1998), table I.
func TestWilson(t *testing.T) {
	for _, tt := range []struct {
		k, n      int
		low, high float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{20, 20, 0.8389, 1},
	} {
		low, high := Wilson(Rate{tt.k, tt.n}, 1)
		if math.Abs(*low-tt.low) > 5e-5 || math.Abs(*high-tt.high) > 5e-5 {
			t.Errorf("Wilson(%d/%d) = %.4f to %.4f, want %.4f to %.4f", tt.k, tt.n, *low, *high, tt.low, tt.high)
		}
	}
	if low, high := Wilson(Rate{0, 0}, 1); low != nil || high != nil {
		t.Error("an undefined rate has bounds")
	}
	low1, _ := Wilson(Rate{30, 100}, 1)
	low3, _ := Wilson(Rate{90, 300}, 3)
	if math.Abs(*low1-*low3) > 1e-12 {
		t.Error("three repeats of the same items narrow the interval")
	}
}

func TestWilsonCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, p := range []float64{0.1, 0.3, 0.5, 0.9} {
		covered := 0
		const trials, n = 4000, 200
		for range trials {
			k := 0
			for range n {
				if rng.Float64() < p {
					k++
				}
			}
			if low, high := Wilson(Rate{k, n}, 1); *low <= p && p <= *high {
				covered++
			}
		}
		if share := float64(covered) / trials; share < 0.93 || share > 0.975 {
			t.Errorf("p = %v: the interval covers %.3f", p, share)
		}
	}
}

func write[T any](t *testing.T, dir string, rows []T) {
	t.Helper()
	if err := data.WriteTable(dir, rows); err != nil {
		t.Fatal(err)
	}
}

func TestOfRun(t *testing.T) {
	dir := t.TempDir()
	row := func(item, source, setting string, correct *bool) data.Generation {
		g := data.Generation{ItemID: item, Source: source, Setting: setting, Method: "zero-shot", Model: "m", Variant: "m",
			Correct: correct, OutputTokens: new(int64(10)), EvalNS: new(int64(2e9)), VRAMBytes: new(int64(5))}
		if correct != nil {
			g.Answer = new("A")
		}
		return g
	}
	write(t, filepath.Join(dir, "generations"), []data.Generation{
		row("1", "s", "none", new(true)), row("2", "s", "none", new(true)), row("3", "u", "none", new(false)), row("4", "u", "none", nil),
		row("1", "s", "relevant", new(true)), row("2", "s", "relevant", new(false)), row("3", "u", "relevant", new(true)), row("4", "u", "relevant", new(true)),
	})
	judged := func(item string, followed *bool) data.Judgment {
		return data.Judgment{ItemID: item, Setting: "relevant", Method: "zero-shot", Variant: "m", Followed: followed}
	}
	write(t, filepath.Join(dir, "judgments"), []data.Judgment{judged("1", new(false)), judged("2", nil)})
	cells, err := OfRun(dir, BySource)
	if err != nil {
		t.Fatal(err)
	}
	var all *Cell
	groups := map[string]int{}
	for _, c := range cells {
		groups[string(c.Setting)+"/"+c.Group] = c.Pairs
		if c.Setting == prompt.Relevant && c.Group == All {
			all = &c
		}
	}
	for name, want := range map[string]int{"none/all": 3, "none/s": 2, "none/u": 1, "relevant/all": 3, "relevant/s": 2, "relevant/u": 1} {
		if groups[name] != want {
			t.Errorf("%s has %d pairs, want %d", name, groups[name], want)
		}
	}
	m := all.Record(1)
	if m.N != 3 || m.NBaselineCorrect != 2 || m.NError != 1 || m.NUnscored != 1 {
		t.Errorf("counts: %+v", m)
	}
	if *m.BreakageRate != 0.5 || *m.AlignmentFailure != 1 || *m.RobustnessError != 1 || math.Abs(*m.PerformanceVariation-2.0/3) > 1e-12 {
		t.Errorf("rates: %v %v %v %v", *m.BreakageRate, *m.AlignmentFailure, *m.RobustnessError, *m.PerformanceVariation)
	}
	if *m.OutputTokensPerSecond != 5 || *m.PeakVRAMBytes != 5 || m.EnergyJoules != nil {
		t.Errorf("costs: %v %v %v", m.OutputTokensPerSecond, m.PeakVRAMBytes, m.EnergyJoules)
	}
}
