package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/stats"
)

// tableOf is a table without cells, of items "0" to "n-1".
func tableOf(n, repeats int) *Table {
	t := &Table{Repeats: repeats, seed: 42}
	for i := range n {
		t.Items = append(t.Items, results.Item{ID: fmt.Sprint(i)})
	}
	return t
}

// cellOfPairs adds a cell whose generations are drawn by item and repeat.
func (t *Table) cellOfPairs(setting prompt.Setting, draw func(item, repeat int) results.Pair) *Cell {
	c := &Cell{Variant: fmt.Sprint("v", len(t.cells)), Group: All, table: t}
	c.Setting, c.Judged = setting, true
	for i := range t.Items {
		for r := range t.Repeats {
			c.add(row{item: int32(i), repeat: int32(r), pair: draw(i, r)})
		}
	}
	t.cells = append(t.cells, c)
	return c
}

var (
	right  = results.Result{Responded: true, Correct: true, Rated: true, Followed: true}
	kept   = results.PairOf(right, right)
	broken = results.PairOf(right, results.Result{Responded: true, Rated: true, Followed: true})
)

// The metrics of every resample are those of the plain definitions over the
// drawn items, one by one.
func TestResamplesAgainstTheDefinitions(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for range 5 {
		n, repeats := 1+rng.IntN(25), 1+rng.IntN(3)
		table := tableOf(n, repeats)
		came := make([][][2]results.Result, n)
		cell := table.cellOfPairs(prompt.Mixed, func(i, _ int) results.Pair {
			p := [2]results.Result{drawResult(rng), drawResult(rng)}
			came[i] = append(came[i], p)
			return results.PairOf(p[0], p[1])
		})
		r := table.Resample([]*Cell{cell})[0]
		weights := make([][]uint16, stats.Resamples)
		stats.NewBootstrap(n, stats.Resamples, table.seed).Each(func(n int, w []uint16) { weights[n] = slices.Clone(w) })
		for b, w := range weights {
			var drawn [][2]results.Result
			valid := false
			for i, m := range w {
				for range m {
					drawn = append(drawn, came[i]...)
				}
			}
			for _, p := range drawn {
				valid = valid || p[0].Responded && p[1].Responded
			}
			breakage, alignment, robustness, variation := definitions(drawn, true)
			if !valid {
				variation = math.NaN()
			}
			for m, want := range map[Metric]float64{BreakageRate: breakage, AlignmentFailure: alignment, RobustnessError: robustness, PerformanceVariation: variation} {
				got := r.Values(m)[b]
				if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > 1e-12 {
					t.Fatalf("%s in resample %d: %v, want %v", m, b, got, want)
				}
			}
		}
	}
}

// raced says whether the race detector watches. It makes every draw twenty times
// slower and finds nothing in billions of them that it does not in the first.
var raced bool

func withoutRaceDetector(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("waits for a run without -race, as in 'make test': it simulates much")
	}
}

// The nominal 95 % interval holds the truth in 93 to 97 % of random runs of 200
// items, whose Q* and union are random too. A thousand trials measure coverage
// to 0.7 points.
func TestCoverage(t *testing.T) {
	withoutRaceDetector(t)
	const n, trials, perTable = 200, 1000, 250
	const right, mended = 0.7, 0.2 // in the baseline; under the setting, of those wrong in the baseline
	for _, p := range []float64{0.02, 0.05, 0.1, 0.3, 0.5, 0.9} {
		rng := rand.New(rand.NewPCG(20, uint64(p*100)))
		truth := map[Metric]float64{
			BreakageRate:         p,
			RobustnessError:      1 - (1-p)*(1-p/2),
			PerformanceVariation: 1 - right*(1-p)/(right+(1-right)*mended),
			Accuracy:             right*(1-p) + (1-right)*mended,
		}
		covered := make(map[Metric]int)
		for range trials / perTable {
			table := tableOf(n, 1)
			table.seed = rng.Uint64()
			for range perTable {
				table.cellOfPairs(prompt.Relevant, func(int, int) results.Pair {
					base := results.Result{Responded: true, Correct: rng.Float64() < right}
					o := results.Result{Responded: true, Rated: true, Followed: rng.Float64() >= p/2, Correct: rng.Float64() < mended}
					if base.Correct {
						o.Correct = rng.Float64() >= p
					}
					return results.PairOf(base, o)
				})
			}
			for _, r := range table.Resample(table.cells) {
				for m, v := range truth {
					if low, high := r.Interval(m); *low <= v && v <= *high {
						covered[m]++
					}
				}
			}
		}
		for m := range truth {
			if share := float64(covered[m]) / trials; share < 0.93 || share > 0.97 {
				t.Errorf("%s, p = %v: the interval covers %.3f", m, p, share)
			}
		}
	}
}

// The interval of a difference between two cells over the same items, of which
// the second mends some of what the first breaks and breaks some anew.
func TestCoverageOfDifferences(t *testing.T) {
	withoutRaceDetector(t)
	const n, trials = 300, 800
	for _, p := range []struct{ breaks, mends, anew float64 }{{0.1, 0.5, 0.05}, {0.3, 0.2, 0.1}, {0.5, 0.2, 0.2}} {
		rng := rand.New(rand.NewPCG(21, uint64(p.breaks*100)))
		table := tableOf(n, 1)
		for range trials {
			var again [n]results.Pair
			pair := func(base, right bool) results.Pair {
				return results.PairOf(results.Result{Responded: true, Correct: base}, results.Result{Responded: true, Correct: right, Rated: true, Followed: true})
			}
			table.cellOfPairs(prompt.Relevant, func(i, _ int) results.Pair {
				base, right := rng.Float64() < 0.7, rng.Float64() >= p.breaks
				other := right
				if right && rng.Float64() < p.anew || !right && rng.Float64() < p.mends {
					other = !right
				}
				again[i] = pair(base, other)
				return pair(base, right)
			})
			table.cellOfPairs(prompt.Relevant, func(i, _ int) results.Pair { return again[i] })
		}
		truth, covered := p.breaks*p.mends-(1-p.breaks)*p.anew, 0
		all := table.Resample(table.cells)
		for i := 0; i < len(all); i += 2 {
			if d := all[i].Difference(all[i+1], BreakageRate); *d.Low <= truth && truth <= *d.High {
				covered++
			}
		}
		if share := float64(covered) / trials; share < 0.93 || share > 0.97 {
			t.Errorf("%+v: the interval covers %.3f", p, share)
		}
	}
}

// Two cells alike differ by nothing in any resample, also across runs that
// list the same items in another order; and the interval still has a width.
func TestSameItemsAreDrawnForAllCells(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	const n = 150
	one, two := tableOf(n, 2), tableOf(n, 2)
	slices.Reverse(two.Items)
	pairs := make(map[string]results.Pair)
	a := one.cellOfPairs(prompt.Mixed, func(i, r int) results.Pair {
		p := kept
		if rng.IntN(4) == 0 {
			p = results.PairOf(right, results.Result{Responded: true, Rated: true})
		}
		pairs[fmt.Sprint(one.Items[i].ID, "/", r)] = p
		return p
	})
	same := func(t *Table) func(i, r int) results.Pair {
		return func(i, r int) results.Pair { return pairs[fmt.Sprint(t.Items[i].ID, "/", r)] }
	}
	b := one.cellOfPairs(prompt.Mixed, same(one))
	c := two.cellOfPairs(prompt.Mixed, same(two))
	all := Resample(one.IDs(), 5, []*Cell{a, b, c})
	for _, m := range Metrics() {
		for i, v := range all[0].Values(m) {
			if v != all[1].Values(m)[i] || v != all[2].Values(m)[i] {
				t.Fatalf("%s differs between cells alike in resample %d", m, i)
			}
		}
	}
	d := all[0].Difference(all[2], BreakageRate)
	if *d.Value != 0 || *d.Low >= 0 || *d.High <= 0 {
		t.Errorf("the difference of cells alike: %v from %v to %v", *d.Value, *d.Low, *d.High)
	}
	again := Resample(one.IDs(), 5, []*Cell{a})[0]
	other := Resample(one.IDs(), 6, []*Cell{a})[0]
	if !slices.Equal(again.Values(BreakageRate), all[0].Values(BreakageRate)) {
		t.Error("the same seed draws otherwise")
	}
	if slices.Equal(other.Values(BreakageRate), all[0].Values(BreakageRate)) {
		t.Error("another seed draws the same")
	}
}

// Repeats that agree tell nothing more of the items: 200 items of which 60
// break, asked once or five times, have the same interval. By hand it is
// 0.3 -+ 1.96 sqrt(0.3 0.7 / 200) = 0.3 -+ 0.0635.
func TestRepeatsThatAgreeNarrowNothing(t *testing.T) {
	interval := func(items, breaks, repeats int) (low, high *float64) {
		table := tableOf(items, repeats)
		cell := table.cellOfPairs(prompt.Relevant, func(i, _ int) results.Pair {
			if i < breaks {
				return broken
			}
			return kept
		})
		r := table.Resample([]*Cell{cell})[0]
		if sd := cell.repeatsSD(BreakageRate); repeats == 1 && sd != nil || repeats > 1 && *sd != 0 {
			t.Errorf("%d repeats that agree have the standard deviation %v", repeats, sd)
		}
		return r.Interval(BreakageRate)
	}
	low1, high1 := interval(200, 60, 1)
	low5, high5 := interval(200, 60, 5)
	if *low1 != *low5 || *high1 != *high5 {
		t.Errorf("once %v to %v, five times %v to %v", *low1, *high1, *low5, *high5)
	}
	if !near(low1, 0.3-0.0635, 0.01) || !near(high1, 0.3+0.0635, 0.01) {
		t.Errorf("%v to %v, want 0.2365 to 0.3635", *low1, *high1)
	}
	low1, high1 = interval(20, 5, 1)
	low5, high5 = interval(20, 5, 5)
	if math.Abs(*low1-*low5) > 1e-12 || math.Abs(*high1-*high5) > 1e-12 {
		t.Errorf("Wilson's: once %v to %v, five times %v to %v", *low1, *high1, *low5, *high5)
	}
}

// By hand: repeat 0 breaks one of four, repeat 1 three of four: 0.25 and 0.75,
// whose sample standard deviation is 0.5 / sqrt 2.
func TestRepeatsSD(t *testing.T) {
	table := tableOf(4, 2)
	cell := table.cellOfPairs(prompt.Relevant, func(i, r int) results.Pair {
		if i < 1+2*r {
			return broken
		}
		return kept
	})
	if sd := cell.repeatsSD(BreakageRate); !near(sd, 0.5/math.Sqrt2, 1e-12) {
		t.Errorf("%v, want 0.3536", *sd)
	}
	m := table.Resample([]*Cell{cell})[0].record(table.drawn(table.IDs()))
	if m.Repeats != 2 || *m.BreakageRate != 0.5 || m.BreakageRateRepeatsSD == nil || m.BreakageRateItemsSD == nil {
		t.Errorf("%+v", m)
	}
}

// Where every item is alike no resample differs; the intervals do not close.
func TestExtremesHaveWilsonsInterval(t *testing.T) {
	for _, tt := range []struct {
		items     int
		pair      results.Pair
		low, high float64
	}{
		{1, kept, 0, 0.7935}, // z^2 / (1 + z^2)
		{1, broken, 0.2065, 1},
		{20, kept, 0, 0.1611}, // Newcombe (1998), table I
		{20, broken, 0.8389, 1},
		{1000, kept, 0, 0.0038},
	} {
		table := tableOf(tt.items, 1)
		r := table.Resample([]*Cell{table.cellOfPairs(prompt.Relevant, func(int, int) results.Pair { return tt.pair })})[0]
		low, high := r.Interval(BreakageRate)
		if !near(low, tt.low, 5e-5) || !near(high, tt.high, 5e-5) {
			t.Errorf("%d items, %v: %v to %v, want %v to %v", tt.items, tt.pair, *low, *high, tt.low, tt.high)
		}
	}
	table := tableOf(3, 1)
	r := table.Resample([]*Cell{table.cellOfPairs(prompt.Relevant, func(int, int) results.Pair { return 0 })})[0]
	if low, high := r.Interval(BreakageRate); low != nil || high != nil || r.itemsSD(BreakageRate) != nil || r.Failed != 3 {
		t.Error("a cell that failed has an interval")
	}
	m := r.record(table.drawn(table.IDs()))
	if m.BreakageRateLow != nil || m.AccuracyLow != nil || m.NError != 3 {
		t.Errorf("%+v", m)
	}
}

func TestPairsAndCommon(t *testing.T) {
	one, two := tableOf(3, 2), tableOf(3, 1)
	two.Items[0].ID, two.Items[2].ID = "2", "9" // "2", "1", "9"
	a := one.cellOfPairs(prompt.Relevant, func(i, r int) results.Pair { return results.Pair(10*i + r) })
	b := two.cellOfPairs(prompt.Relevant, func(i, _ int) results.Pair { return results.Pair(i) })
	ids := Common(a, b)
	if !slices.Equal(ids, []string{"1", "2"}) {
		t.Fatalf("items in common: %v", ids)
	}
	if got := a.PairsOf(append(ids, "8")); !slices.EqualFunc(got, [][]results.Pair{{10, 11}, {20, 21}, nil}, slices.Equal) {
		t.Errorf("pairs of one: %v", got)
	}
	if got := b.PairsOf(ids); !slices.EqualFunc(got, [][]results.Pair{{1}, {0}}, slices.Equal) {
		t.Errorf("pairs of the other: %v", got)
	}
	if got := Resample(ids, 1, []*Cell{a, b}); got[0].Pairs+got[0].Failed != 4 || got[1].Pairs+got[1].Failed != 2 {
		t.Errorf("resampled over %d and %d generations", got[0].Pairs+got[0].Failed, got[1].Pairs+got[1].Failed)
	}
}
