package advise

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"perg/data"
	"perg/harness/compare"
	"perg/harness/metrics"
)

// A row of one metric; differences in points, of a variant less its reference.
func row(m metrics.Metric, difference, low, high float64) compare.Row {
	return compare.Row{Metric: m, N: 1000, Difference: new(difference / 100), Low: new(low / 100), High: new(high / 100)}
}

func comparison(variant string, right, breakage compare.Row) compare.Comparison {
	c := compare.Comparison{N: 1000, Rows: []compare.Row{right, breakage}}
	c.A.Variant, c.B.Variant, c.A.Method, c.A.Setting = variant, "f16", "zero-shot", "relevant"
	return c
}

func TestTheSmallestThatIsNoWorseIsTaken(t *testing.T) {
	sizes := map[string]Size{"q8": {Bits: 8.5}, "q6": {Bits: 6.6}, "q4": {Bits: 4.8}, "q2": {Bits: 2.6}}
	same := func(v string) compare.Comparison {
		return comparison(v, row(metrics.Accuracy, 0.1, -1.2, 1.4), row(metrics.BreakageRate, 0.2, -1.3, 1.7))
	}
	wide := func(v string) compare.Comparison {
		return comparison(v, row(metrics.Accuracy, 0, -3, 3), row(metrics.BreakageRate, 0, -1, 1))
	}
	worse := func(v string) compare.Comparison {
		return comparison(v, row(metrics.Accuracy, -6, -8, -4), row(metrics.BreakageRate, 5, 3, 7))
	}
	for what, tt := range map[string]struct {
		all  []compare.Comparison
		take string
	}{
		"all alike":                      {[]compare.Comparison{same("q2"), same("q8"), same("q4")}, "q2"},
		"the smallest is worse":          {[]compare.Comparison{worse("q2"), same("q4"), same("q8")}, "q4"},
		"one between is unknown":         {[]compare.Comparison{same("q8"), wide("q6"), same("q4")}, "q8"},
		"nothing is shown":               {[]compare.Comparison{wide("q8"), wide("q4")}, "f16"},
		"fewer right, same Breakage":     {[]compare.Comparison{comparison("q8", row(metrics.Accuracy, -3, -4, -2.5), row(metrics.BreakageRate, 0, -1, 1))}, "f16"},
		"better":                         {[]compare.Comparison{comparison("q8", row(metrics.Accuracy, 3, 1, 5), row(metrics.BreakageRate, -3, -5, -1))}, "q8"},
		"worse, by less than the margin": {[]compare.Comparison{comparison("q8", row(metrics.Accuracy, -0.9, -1.7, -0.1), row(metrics.BreakageRate, 0, -1, 1))}, "q8"},
	} {
		advice := Of(tt.all, sizes)
		if len(advice) != 1 || advice[0].Take != tt.take || advice[0].Reference != "f16" {
			t.Errorf("%s: %+v, want %s", what, advice, tt.take)
		}
	}
	v := Of([]compare.Comparison{wide("q8"), worse("q4")}, sizes)[0].Verdicts
	// An interval of 6 points at 1,000 items: se 1.53, (1.53 x 2.80 / 2)^2 as many.
	if v[0].Needed != 4598 || v[0].Worse || v[1].Needed != 0 || !v[1].Worse {
		t.Errorf("needed %d, worse %v; %d, %v", v[0].Needed, v[0].Worse, v[1].Needed, v[1].Worse)
	}
	if advice := Of([]compare.Comparison{{Rows: []compare.Row{{Metric: metrics.Accuracy}}}}, nil); len(advice) != 0 {
		t.Errorf("of nothing known: %+v", advice)
	}
}

// raced says whether the race detector watches. It makes every draw twenty times
// slower and finds nothing in millions of them that it does not in other tests of
// the same resamples.
var raced bool

// A variant that is worse by the margin is taken in 2.5 of 100 runs or fewer, and
// with as many items as are said to be needed one that is the same in four of five.
func TestHowOftenAdviceIsRight(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a run without -short: it simulates hundreds of runs")
	}
	if raced {
		t.Skip("waits for a run without -race, as in 'make test': it simulates much")
	}
	taken := func(items, trials int, gains, loses float64) float64 {
		rng := rand.New(rand.NewPCG(uint64(items), uint64(1000*loses)))
		n := 0
		for range trials {
			dir := t.TempDir()
			var rows []data.Generation
			add := func(variant, setting string, i int, right bool) {
				g := data.Generation{ItemID: fmt.Sprint(i), Source: "s", Variant: variant, Model: variant, Method: "zero-shot", Setting: setting, Status: data.StatusOK, Correct: &right}
				if right {
					g.Answer = new("A")
				}
				rows = append(rows, g)
			}
			for _, setting := range []string{"none", "relevant"} {
				for i := range items {
					right := rng.Float64() < 0.7
					add("f16", setting, i, right)
					if chance := rng.Float64(); right && chance < loses/0.7 || !right && chance < gains/0.3 {
						right = !right
					}
					add("q4", setting, i, right)
				}
			}
			if err := data.WriteTable(filepath.Join(dir, "generations"), rows); err != nil {
				t.Fatal(err)
			}
			table, err := metrics.Load(dir, metrics.Options{Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			cells, err := table.Cells("")
			if err != nil {
				t.Fatal(err)
			}
			of := func(v string) compare.Selector { return compare.Selector{Variant: v, Setting: "relevant"} }
			pairs, err := compare.Pairs(cells, cells, of("q4"), of("f16"))
			if err != nil {
				t.Fatal(err)
			}
			all := compare.Compare(pairs, func(*metrics.Cell) string { return dir }, compare.Options{Seed: 1, Detect: Margin})
			if advice := Of(all, map[string]Size{"q4": {Bits: 4.8}}); len(advice) == 1 && advice[0].Take == "q4" {
				n++
			}
		}
		return float64(n) / float64(trials)
	}
	// 5 of 100 right answers are lost and 3 of 100 won: 2 points fewer are right.
	if share := taken(1000, 80, 0.03, 0.05); share > 0.05 {
		t.Errorf("one that is worse by the margin is taken in %.1f %% of runs", 100*share)
	} else {
		t.Logf("worse by the margin: taken in %.1f %%", 100*share)
	}
	if share := taken(4000, 20, 0.02, 0.02); share < 0.7 {
		t.Errorf("one that is the same is taken in %.1f %% of runs", 100*share)
	} else {
		t.Logf("the same, with items enough: taken in %.1f %%", 100*share)
	}
}
