package metrics

import (
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"perg/harness/prompt"
	"perg/harness/results"
)

// unratedBroken is an answer of Q* that broke and that no judge could rate.
var (
	unratedBroken = results.PairOf(right, results.Result{Responded: true})
	unratedKept   = results.PairOf(right, results.Result{Responded: true, Correct: true})
	ignored       = results.PairOf(right, results.Result{Responded: true, Correct: true, Rated: true})
)

// Ratings fail where answers break: of 40 in Q* 8 broke, unrated, and the others
// are right and follow the preference. Robustness Error is the Breakage Rate of
// 20 %, where leaving the unrated out would make it 0.
func TestRobustnessIsNeverBelowBreakage(t *testing.T) {
	tally := func(pairs map[results.Pair]int) *Tally {
		t := &Tally{Setting: prompt.Relevant, Judged: true}
		for p, n := range pairs {
			t.Add(p, n)
		}
		return t
	}
	for _, tt := range []struct {
		name  string
		pairs map[results.Pair]int
		want  float64
	}{
		{"unrated where it broke", map[results.Pair]int{kept: 32, unratedBroken: 8}, 0.2},
		{"half of the right ones rated", map[results.Pair]int{kept: 12, ignored: 4, unratedKept: 16, unratedBroken: 8}, 0.2 + 0.8*0.25},
		{"all broke", map[results.Pair]int{unratedBroken: 5}, 1},
		{"no right one rated", map[results.Pair]int{unratedKept: 5, broken: 5}, -1},
	} {
		got := tally(tt.pairs).Rate(RobustnessError).Value()
		if tt.want < 0 {
			if got != nil {
				t.Errorf("%s: %v, want nothing", tt.name, *got)
			}
			continue
		}
		if !near(got, tt.want, 1e-12) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		some := Tally{Setting: prompt.Mixed, Judged: true}
		for range rng.IntN(40) {
			some.Add(results.PairOf(drawResult(rng), drawResult(rng)), 1)
		}
		br, re := some.Rate(BreakageRate).Value(), some.Rate(RobustnessError).Value()
		if re != nil && *re < *br {
			t.Fatalf("Robustness Error %v is below the Breakage Rate %v: %+v", *re, *br, some)
		}
	}
}

// covers is the share of cells whose interval of a metric holds the truth.
func covers(table *Table, m Metric, truth float64) float64 {
	covered := 0
	for _, r := range table.Resample(table.cells) {
		if low, high := r.Interval(m); low != nil && *low <= truth && truth <= *high {
			covered++
		}
	}
	return float64(covered) / float64(len(table.cells))
}

func nominal(t *testing.T, what string, share float64) {
	t.Helper()
	t.Logf("%s: %.1f %%", what, 100*share)
	if share < 0.93 || share > 0.97 {
		t.Errorf("%s: the interval covers %.3f", what, share)
	}
}

// Robustness Error holds its truth where ratings fail more often on answers that
// broke: 2 % of the right ones and 15 % of the others, 5 and 40, and half of all.
func TestCoverageWithUnratedAnswers(t *testing.T) {
	withoutRaceDetector(t)
	const p, f, trials = 0.2, 0.15, 800
	for _, tt := range []struct {
		n                       int
		unratedKept, unratedBad float64
	}{{100, 0.05, 0.4}, {150, 0.02, 0.15}, {150, 0.5, 0.5}, {817, 0.05, 0.4}} {
		rng := rand.New(rand.NewPCG(22, uint64(tt.n)))
		table := tableOf(tt.n, 1)
		for range trials {
			table.cellOfPairs(prompt.Relevant, func(int, int) results.Pair {
				base := results.Result{Responded: true, Correct: rng.Float64() < 0.6}
				o := results.Result{Responded: true, Correct: rng.Float64() >= p}
				unrated := tt.unratedBad
				if o.Correct {
					unrated = tt.unratedKept
				}
				o.Rated = rng.Float64() >= unrated
				o.Followed = rng.Float64() >= f
				return results.PairOf(base, o)
			})
		}
		nominal(t, "Robustness Error", covers(table, RobustnessError, p+(1-p)*f))
	}
}

// beta draws from Beta(a, b).
func beta(rng *rand.Rand, a, b float64) float64 {
	return distuv.Beta{Alpha: a, Beta: b, Src: rng}.Rand()
}

// Three and five answers to each of 60 to 200 questions, which differ in how
// easily they break: where they agree little, and where they agree much.
func TestCoverageWithRepeats(t *testing.T) {
	withoutRaceDetector(t)
	const trials = 800
	for _, tt := range []struct {
		n, repeats int
		a, b       float64
	}{{60, 3, 0.4, 1.6}, {60, 3, 4, 16}, {150, 3, 0.4, 1.6}, {150, 5, 4, 16}, {200, 3, 0.1, 1.9}, {60, 3, 2, 2}} {
		rng := rand.New(rand.NewPCG(23, uint64(tt.n)+uint64(10*tt.b)))
		table := tableOf(tt.n, tt.repeats)
		for range trials {
			rates := make([]float64, tt.n)
			for i := range rates {
				rates[i] = beta(rng, tt.a, tt.b)
			}
			table.cellOfPairs(prompt.Relevant, func(i, _ int) results.Pair {
				if rng.Float64() < rates[i] {
					return broken
				}
				return kept
			})
		}
		nominal(t, "Breakage of repeats", covers(table, BreakageRate, tt.a/(tt.a+tt.b)))
	}
}

// Questions that stand in the data two and four times break together more often
// than others.
func TestCoverageWithDuplicateQuestions(t *testing.T) {
	withoutRaceDetector(t)
	const n, times, trials = 240, 4, 800
	rng := rand.New(rand.NewPCG(24, 24))
	table := tableOf(n, 1)
	for i := range n / 2 { // half of the items are a quarter as many questions
		table.Items[i].QuestionID = table.Items[i/times*times].ID
	}
	for range trials {
		var rates [n]float64
		for i := range rates {
			rates[i] = beta(rng, 0.4, 0.6*2)
			if i < n/2 {
				rates[i] = rates[i/times*times]
			}
		}
		table.cellOfPairs(prompt.Relevant, func(i, _ int) results.Pair {
			if rng.Float64() < rates[i] {
				return broken
			}
			return kept
		})
	}
	nominal(t, "Breakage with duplicates", covers(table, BreakageRate, 0.25))
}
