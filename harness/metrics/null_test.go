package metrics

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/results"
)

// asked is a row of one variant, right or wrong, or without a response.
func asked(item int, setting prompt.Setting, control prompt.Control, repeat int, correct *bool) data.Generation {
	g := data.Generation{
		ItemID: fmt.Sprint("item ", item), Source: fmt.Sprint("s", item%2), Variant: "v", Model: "m", Method: "zero-shot",
		Setting: string(setting), Control: string(control), Repeat: int32(repeat), Status: data.StatusOK, Correct: correct,
	}
	if correct != nil && *correct {
		g.Answer = new("A")
	}
	return g
}

func recordsOf(t *testing.T, rows []data.Generation) []data.Metric {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "generations"), rows)
	table, err := Load(dir, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	records, err := table.Records(BySource)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// What is right and wrong is known for each item: of ten right ones the
// preference breaks four, asking again two of which one is among the four, and
// the last has no response when asked again.
func TestNullAndNet(t *testing.T) {
	var rows []data.Generation
	for i := range 12 {
		rows = append(rows, asked(i, prompt.None, "", 0, new(i < 10)))
	}
	for i := range 12 {
		again := new(i != 3 && i != 9)
		if i == 8 {
			again = nil
		}
		rows = append(rows,
			asked(i, prompt.None, prompt.Again, 0, again),
			asked(i, prompt.None, prompt.Rotated, 0, new(i >= 5)),
			asked(i, prompt.Relevant, "", 0, new(i >= 4)))
	}
	records := recordsOf(t, rows)
	if len(records) != 6 {
		t.Fatalf("%d rows: controls are no cells", len(records))
	}
	for _, m := range records {
		if m.Source != All {
			continue
		}
		if m.Repeats != 1 || m.NNull != 9 || !near(m.NullBreakage, 2.0/9, 1e-12) || m.NRotated != 10 || !near(m.RotatedBreakage, 0.5, 1e-12) {
			t.Errorf("%s: null %v of %d, rotated %v of %d, %d repeats", m.Setting, show(m.NullBreakage), m.NNull, show(m.RotatedBreakage), m.NRotated, m.Repeats)
		}
		if m.NullBreakageLow == nil || *m.NullBreakageLow > 2.0/9 || *m.NullBreakageHigh < 2.0/9 {
			t.Errorf("%s: null from %s to %s", m.Setting, show(m.NullBreakageLow), show(m.NullBreakageHigh))
		}
		switch prompt.Setting(m.Setting) {
		case prompt.None:
			if m.NetBreakage != nil || m.N != 12 || m.NError != 0 {
				t.Errorf("the baseline has a net of %s, %d rows, %d in error", show(m.NetBreakage), m.N, m.NError)
			}
		default:
			// Of the nine with both: 4 less 2.
			if !near(m.NetBreakage, 2.0/9, 1e-12) || !near(m.BreakageRate, 0.4, 1e-12) || m.NetBreakageLow == nil || *m.NetBreakageLow > 0 {
				t.Errorf("net %s from %s, Breakage %s", show(m.NetBreakage), show(m.NetBreakageLow), show(m.BreakageRate))
			}
		}
	}
	for _, m := range recordsOf(t, rows[:12]) {
		if m.NullBreakage != nil || m.NetBreakage != nil || m.NNull != 0 {
			t.Errorf("nothing was asked again, and null is %s", show(m.NullBreakage))
		}
	}
}

// With repeats, and where the baseline is asked again several times, each answer
// is held against each baseline of its item.
func TestNullWithRepeats(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		items, repeats, null := 1+rng.IntN(20), 1+rng.IntN(3), 1+rng.IntN(3)
		outcome := func() *bool {
			if rng.IntN(8) == 0 {
				return nil
			}
			return new(rng.IntN(3) > 0)
		}
		base, under, again := map[[2]int]*bool{}, map[[2]int]*bool{}, map[[2]int]*bool{}
		var rows []data.Generation
		for i := range items {
			for r := range repeats {
				base[[2]int{i, r}], under[[2]int{i, r}] = outcome(), outcome()
				rows = append(rows, asked(i, prompt.None, "", r, base[[2]int{i, r}]))
				rows = append(rows, asked(i, prompt.Relevant, "", r, under[[2]int{i, r}]))
			}
			for k := range null {
				again[[2]int{i, k}] = outcome()
				rows = append(rows, asked(i, prompt.None, prompt.Again, k, again[[2]int{i, k}]))
			}
		}
		var broken, right, more, both float64
		for i := range items {
			for r := range repeats {
				b, u := base[[2]int{i, r}], under[[2]int{i, r}]
				for k := range null {
					a := again[[2]int{i, k}]
					if b == nil || !*b || a == nil {
						continue
					}
					right++
					if !*a {
						broken++
					}
					if u == nil {
						continue
					}
					both++
					if !*u {
						more++
					}
					if !*a {
						more--
					}
				}
			}
		}
		for _, m := range recordsOf(t, rows) {
			if m.Source != All || m.Setting == string(prompt.None) {
				continue
			}
			if want := broken / right; right > 0 && !near(m.NullBreakage, want, 1e-12) || float64(m.NNull) != right || m.Repeats != int64(repeats) {
				t.Errorf("null %s of %d, want %.3f of %.0f", show(m.NullBreakage), m.NNull, want, right)
			}
			if want := more / both; both > 0 && !near(m.NetBreakage, want, 1e-12) {
				t.Errorf("net %s, want %.3f", show(m.NetBreakage), want)
			}
		}
	}
}

// The intervals of null and net Breakage hold the truth in 93 to 97 of 100 runs,
// where answers waver as those of models do: some questions' often, most never.
func TestCoverageOfNullAndNet(t *testing.T) {
	withoutRaceDetector(t)
	const trials = 500
	for _, c := range []struct {
		items, repeats, null int
		wavers               float64 // share of items whose answer does
	}{{250, 1, 1, 0.5}, {800, 1, 1, 0.2}, {250, 1, 3, 0.5}, {250, 2, 1, 0.5}} {
		rng := rand.New(rand.NewPCG(uint64(c.items), uint64(c.repeats*10+c.null)))
		chances := func() (plain, under float64) { // of an item's answers to be right
			if rng.Float64() < c.wavers {
				plain = 0.6 + 0.35*rng.Float64()
				return plain, 0.7 * plain
			}
			return 0.98, 0.9
		}
		var right, broken, brokenUnder float64
		for range 1_000_000 {
			plain, under := chances()
			right, broken, brokenUnder = right+plain, broken+plain*(1-plain), brokenUnder+plain*(1-under)
		}
		table := tableOf(c.items, c.repeats)
		came := func(chance float64) results.Result {
			return results.Result{Responded: true, Correct: rng.Float64() < chance}
		}
		for range trials {
			again := &Cell{Group: All, table: table}
			again.Setting, again.Control = prompt.None, prompt.Again
			var plain, under float64
			var baselines []results.Result
			table.cellOfPairs(prompt.Relevant, func(item, repeat int) results.Pair {
				if repeat == 0 {
					plain, under = chances()
					baselines = baselines[:0]
				}
				baselines = append(baselines, came(plain))
				if repeat == c.repeats-1 {
					for k := range c.null {
						answer := came(plain)
						for r, base := range baselines {
							again.add(row{item: int32(item), repeat: int32(k*c.repeats + r), pair: results.PairOf(base, answer)})
						}
					}
				}
				return results.PairOf(baselines[repeat], came(under))
			}).Again = again
		}
		null, net := 0.0, 0.0
		for _, r := range table.Resample(table.cells) {
			if low, high := r.Again.Interval(BreakageRate); *low <= broken/right && broken/right <= *high {
				null++
			}
			if truth := (brokenUnder - broken) / right; *r.Net.Low <= truth && truth <= *r.Net.High {
				net++
			}
		}
		what := fmt.Sprintf("%d items, %d repeats, asked again %d times", c.items, c.repeats, c.null)
		nominal(t, "null Breakage, "+what, null/trials)
		nominal(t, "net Breakage, "+what, net/trials)
	}
}
