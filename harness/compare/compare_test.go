package compare_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perg/data"
	"perg/harness/compare"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/stats"
)

// cells loads a run that holds the outcomes of each cell: r and w for an item
// that is right and wrong, R and W the same and rated as not following, f for
// a failed one. With several repeats an item has a letter for each.
func cells(t *testing.T, repeats int, outcomes map[[3]string]string) map[[3]string]*metrics.Cell {
	t.Helper()
	var rows []data.Generation
	var ratings []data.Judgment
	for at, letters := range outcomes {
		letters = strings.ReplaceAll(letters, " ", "")
		for i := range letters {
			if at[0] == "b" { // whose items come in another order
				i = len(letters) - 1 - i
			}
			letter := rune(letters[i])
			id, repeat := fmt.Sprintf("%03d", i/repeats), int32(i%repeats)
			g := data.Generation{ItemID: id, Variant: at[0], Method: at[1], Setting: at[2], Repeat: repeat}
			score := int32(5)
			switch letter {
			case 'r', 'R':
				g.Answer, g.Correct = new("A"), new(true)
			case 'w', 'W':
				g.Answer, g.Correct = new("B"), new(false)
			}
			if letter < 'a' {
				score = 1
			}
			rows = append(rows, g)
			ratings = append(ratings, data.Judgment{ItemID: id, Variant: at[0], Method: at[1], Setting: at[2], Repeat: repeat, JudgeModel: "j", Score: &score})
		}
	}
	by := make(map[[3]string]*metrics.Cell)
	for _, c := range loaded(t, rows, ratings) {
		by[[3]string{c.Variant, string(c.Method), string(c.Setting)}] = c
	}
	return by
}

// loaded are the cells of a run with these rows.
func loaded(t *testing.T, rows []data.Generation, ratings []data.Judgment) []*metrics.Cell {
	t.Helper()
	dir := t.TempDir()
	if err := data.WriteTable(filepath.Join(dir, "generations"), rows); err != nil {
		t.Fatal(err)
	}
	if err := data.WriteTable(filepath.Join(dir, "judgments"), ratings); err != nil {
		t.Fatal(err)
	}
	table, err := metrics.Load(dir, metrics.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := table.Cells("")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func at(variant, setting string) [3]string {
	return [3]string{variant, string(prompt.ZeroShot), setting}
}

func compared(o compare.Options, pairs ...compare.Pair) []compare.Comparison {
	return compare.Compare(pairs, func(*metrics.Cell) string { return "run" }, o)
}

func row(t *testing.T, c compare.Comparison, m metrics.Metric) compare.Row {
	t.Helper()
	for _, r := range c.Rows {
		if r.Metric == m {
			return r
		}
	}
	t.Fatalf("no row %s in %+v", m, c)
	return compare.Row{}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

// Twelve items, worked out by hand. a is right on 8 of the 11 that both
// answered and b on 5. Both are right in the baseline on items 0 to 6; of
// these a breaks item 6 alone, b items 2 to 5 alone.
func TestCompareByHand(t *testing.T) {
	c := cells(t, 1, map[[3]string]string{
		at("a", "none"):     "rrrrrrrr wwww",
		at("b", "none"):     "rrrrrrrw rwww",
		at("a", "relevant"): "rRrrrrwr wrwr",
		at("b", "relevant"): "rrWWwwrr wrwf",
	})
	all := compared(compare.Options{Detect: 0.2}, compare.Pair{A: c[at("a", "relevant")], B: c[at("b", "relevant")]})
	got := all[0]
	if want := (compare.Split{Both: 4, OnlyA: 4, OnlyB: 1, Neither: 2}); got.Common != 12 || got.N != 11 || got.Counts != want {
		t.Errorf("%d common, %d compared, %+v", got.Common, got.N, got.Counts)
	}
	if got.A.Failed != 0 || got.B.Failed != 1 {
		t.Errorf("failed: %d, %d", got.A.Failed, got.B.Failed)
	}
	right := row(t, got, metrics.Accuracy)
	if !near(*right.A, 8.0/11) || !near(*right.B, 5.0/11) || !near(*right.Difference, 3.0/11) || right.OfA != 11 || !(*right.Low < 3.0/11 && 3.0/11 < *right.High) {
		t.Errorf("right: %+v", right)
	}
	// Five items differ, one of them against: (2 (1 + 5) - 5) / 2^5.
	if !near(right.Test.P, 7.0/32) {
		t.Errorf("p %v", right.Test.P)
	}
	broke := row(t, got, metrics.BreakageRate)
	// a: 1 of the 7 in both Q*, b: 4. Of all its Q* a: 1 of 8; b: 5 of 8, item 8 among them.
	if !near(*broke.A, 1.0/7) || !near(*broke.B, 4.0/7) || broke.OfA != 7 || broke.OfB != 7 || broke.N != 7 || got.QStar != 7 || !near(*broke.Difference, -3.0/7) {
		t.Errorf("breakage: %v of %d, %v of %d", *broke.A, broke.OfA, *broke.B, broke.OfB)
	}
	if w := broke.Whole; !near(*w.A, 1.0/8) || !near(*w.B, 5.0/8) || w.OfA != 8 || w.OfB != 8 || right.Whole != nil || right.N != 11 {
		t.Errorf("breakage of the whole Q*: %+v", w)
	}
	if want := (compare.Split{OnlyA: 1, OnlyB: 4, Neither: 2}); broke.Test.Split != want || !near(broke.Test.P, 7.0/32) {
		t.Errorf("breakage is tested over %+v, p %v", broke.Test.Split, broke.Test.P)
	}
	// Items 1 and 6 fail in a alone, 2 to 5 in b alone: (2 (1 + 6 + 15) - 15) / 2^6.
	robust := row(t, got, metrics.RobustnessError)
	if want := (compare.Split{OnlyA: 2, OnlyB: 4, Neither: 1}); robust.Test.Split != want || !near(robust.Test.P, 29.0/64) || !near(*robust.Difference, -2.0/7) {
		t.Errorf("robustness is tested over %+v, p %v, difference %v", robust.Test.Split, robust.Test.P, *robust.Difference)
	}
	// Three tests, two of 7/32: each of these is tripled.
	if !near(right.Test.Holm, 21.0/32) || !near(broke.Test.Holm, 21.0/32) || !near(robust.Test.Holm, 21.0/32) || compare.Tests(all) != 3 {
		t.Errorf("Holm: %v, %v of %d", right.Test.Holm, broke.Test.Holm, compare.Tests(all))
	}
	n, _ := stats.Needed(5.0/11, 0.2, 0.05, 0.8)
	m, _ := stats.Needed(5.0/7, 0.2, 0.05, 0.8)
	if *right.Test.Needed != n || *broke.Test.Needed != int(math.Ceil(float64(m)*11/7)) {
		t.Errorf("needed: %d and %d, want %d and %d x 11/7", *right.Test.Needed, *broke.Test.Needed, n, m)
	}
	alignment := row(t, got, metrics.AlignmentFailure)
	if !near(*alignment.A, 1.0/7) || !near(*alignment.B, 2.0/7) || alignment.Test != nil {
		t.Errorf("alignment: %+v", alignment)
	}
}

// Two models whose Q* differ: where the Breakage of all of Q* is the same, or far
// apart, and that of the items in both Q* says otherwise. 1,000 items each.
func TestBreakageIsComparedOverTheSameItems(t *testing.T) {
	repeated := func(parts ...any) string {
		var b strings.Builder
		for i := 0; i < len(parts); i += 2 {
			b.WriteString(strings.Repeat(parts[i+1].(string), parts[i].(int)))
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		a, b           [2]string // baseline and under the setting
		wholeA, wholeB float64
		n              int
		rateA, rateB   float64
		significant    bool
	}{
		// Both are right on 400 items; A alone on 200 more, of which it breaks 80.
		"hidden": {
			[2]string{repeated(600, "r", 400, "w"), repeated(360, "r", 40, "w", 120, "r", 80, "w", 400, "w")},
			[2]string{repeated(400, "r", 600, "w"), repeated(280, "r", 80, "w", 40, "r", 600, "w")},
			0.2, 0.2, 400, 0.1, 0.2, true,
		},
		"made up": {
			[2]string{repeated(600, "r", 400, "w"), repeated(360, "r", 40, "w", 100, "r", 100, "w", 400, "w")},
			[2]string{repeated(400, "r", 600, "w"), repeated(40, "w", 360, "r", 600, "w")},
			140.0 / 600, 0.1, 400, 0.1, 0.1, false,
		},
	} {
		c := cells(t, 1, map[[3]string]string{
			at("a", "none"): tt.a[0], at("a", "irrelevant"): tt.a[1], at("b", "none"): tt.b[0], at("b", "irrelevant"): tt.b[1],
		})
		got := compared(compare.Options{Detect: 0.02}, compare.Pair{A: c[at("a", "irrelevant")], B: c[at("b", "irrelevant")]})[0]
		r := row(t, got, metrics.BreakageRate)
		if !near(*r.Whole.A, tt.wholeA) || !near(*r.Whole.B, tt.wholeB) || r.N != tt.n || !near(*r.A, tt.rateA) || !near(*r.B, tt.rateB) || !near(*r.Difference, tt.rateA-tt.rateB) {
			t.Errorf("%s: %v and %v over %d items, %v and %v of the whole Q*", name, *r.A, *r.B, r.N, *r.Whole.A, *r.Whole.B)
		}
		if shown := *r.High < 0 || *r.Low > 0; (r.Test.P < 0.05) != tt.significant || shown != tt.significant || (r.Test.Needed == nil) != tt.significant {
			t.Errorf("%s: from %v to %v, p %v, needed %v", name, *r.Low, *r.High, r.Test.P, r.Test.Needed)
		}
	}
}

// With repeats an item counts once, for the side that is right more often.
func TestCompareRepeats(t *testing.T) {
	c := cells(t, 3, map[[3]string]string{
		at("a", "none"): "rrw rww rrr www rrw rff fff",
		at("b", "none"): "rww rrw rrr www wrr rrw rrr",
	})
	got := compared(compare.Options{Detect: 0.1}, compare.Pair{A: c[at("a", "none")], B: c[at("b", "none")]})[0]
	// The sixth: one of one against two of three. The last has no response.
	if want := (compare.Split{Both: 2, OnlyA: 2, OnlyB: 1, Neither: 1}); got.Counts != want || got.N != 6 || got.A.Failed != 5 {
		t.Errorf("%+v of %d, %d failed", got.Counts, got.N, got.A.Failed)
	}
	if len(got.Rows) != 1 || got.Rows[0].Metric != metrics.Accuracy {
		t.Errorf("without a preference there is more to compare than accuracy: %+v", got.Rows)
	}
}

func TestCompareOrderNegates(t *testing.T) {
	c := cells(t, 1, map[[3]string]string{
		at("a", "none"):     strings.Repeat("rrrrwrrwrr", 9),
		at("b", "none"):     strings.Repeat("rrrwrrrrrw", 9),
		at("a", "relevant"): strings.Repeat("rRwrWrrwwr", 9),
		at("b", "relevant"): strings.Repeat("rrrWwrrRrr", 9),
	})
	a, b := c[at("a", "relevant")], c[at("b", "relevant")]
	all := compared(compare.Options{Seed: 3, Detect: 0.02}, compare.Pair{A: a, B: b}, compare.Pair{A: b, B: a})
	for i, r := range all[0].Rows {
		o := all[1].Rows[i]
		if *r.Difference != -*o.Difference || *r.Low != -*o.High || *r.High != -*o.Low {
			t.Errorf("%s: %v (%v to %v) and %v (%v to %v)", r.Metric, *r.Difference, *r.Low, *r.High, *o.Difference, *o.Low, *o.High)
		}
		if r.Test != nil && (r.Test.P != o.Test.P || r.Test.OnlyA != o.Test.OnlyB || (r.Test.Needed == nil) != (r.Test.Holm < compare.Level) || r.Test.Needed != nil && *r.Test.Needed != *o.Test.Needed) {
			t.Errorf("%s: %+v and %+v", r.Metric, r.Test, o.Test)
		}
	}
	self := compared(compare.Options{Detect: 0.02}, compare.Pair{A: a, B: a})[0]
	// Where nothing differs, a difference would be all that does.
	if n, _ := stats.Needed(0.02, 0.02, 0.05, 0.8); *self.Rows[0].Test.Needed != n {
		t.Errorf("needed: %d, want %d", *self.Rows[0].Test.Needed, n)
	}
	for _, r := range self.Rows {
		if *r.Difference != 0 || !near(*r.Low, -*r.High) || r.Test != nil && r.Test.P != 1 {
			t.Errorf("with itself: %+v", r)
		}
	}
}

// What is compared together is the same as alone, but for the family.
func TestCompareFamily(t *testing.T) {
	outcomes := map[[3]string]string{}
	for i, v := range []string{"a", "b", "c"} {
		outcomes[at(v, "none")] = strings.Repeat("r", 40)
		outcomes[at(v, "irrelevant")] = strings.Repeat("w", 8*i) + strings.Repeat("r", 40-8*i)
	}
	outcomes[at("c", "none")] = strings.Repeat("r", 39) + "f" // over other items
	c := cells(t, 1, outcomes)
	ab := compare.Pair{A: c[at("a", "irrelevant")], B: c[at("b", "irrelevant")]}
	ac := compare.Pair{A: c[at("a", "irrelevant")], B: c[at("c", "irrelevant")]}
	o := compare.Options{Seed: 1, Detect: 0.02}
	both := compared(o, ab, ac)
	for i, alone := range [][]compare.Comparison{compared(o, ab), compared(o, ac)} {
		for j := range both[i].Rows {
			if test := both[i].Rows[j].Test; test != nil {
				test.Holm, alone[0].Rows[j].Test.Holm = 0, 0
			}
		}
		if diff := cmp.Diff(alone[0], both[i]); diff != "" {
			t.Error(diff)
		}
	}
	// p of a and b: 1/2^8, twice; of a and c: 1/2^16, twice.
	both = compared(o, ab, ac)
	if got, want := both[0].Rows[0].Test.Holm, 2*1/256.0; !near(got, want) {
		t.Errorf("the larger p is adjusted to %v, want %v", got, want)
	}
	if got, want := both[1].Rows[0].Test.Holm, 4*1/65536.0; !near(got, want) {
		t.Errorf("the smaller p is adjusted to %v, want %v", got, want)
	}
}

func TestCaveats(t *testing.T) {
	c := cells(t, 1, map[[3]string]string{
		at("a", "none"): "rwww", at("b", "none"): "wrrf",
		at("a", "relevant"): "rwww", at("b", "relevant"): "wrr",
	})
	got := compare.Caveats(compared(compare.Options{Detect: 0.02}, compare.Pair{A: c[at("a", "relevant")], B: c[at("b", "relevant")]},
		compare.Pair{A: c[at("a", "none")], B: c[at("b", "none")]}))
	want := []string{
		"caveat: in 2 of 2 comparisons fewer than 30 items are compared: the intervals are wide",
		"caveat: in 2 of 2 comparisons the answers to fewer than 6 items differ: no p of such a test can be below 0.05",
		"caveat: in 1 of 2 comparisons no item is right in both baselines: Breakage, Alignment failure and Robustness error are not compared",
		"caveat: in 1 of 2 comparisons generations failed, there or in the baseline: 1, which leaves out 1 of the common items",
		"caveat: in 1 of 2 comparisons only one of the two was asked some items (A 1, B 0): they are left out",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A side without any response leaves nothing to compare, and no number.
func TestCompareNothing(t *testing.T) {
	c := cells(t, 1, map[[3]string]string{at("a", "none"): "rrr", at("a", "mixed"): "fff", at("b", "none"): "rrr", at("b", "mixed"): "rrw"})
	got := compared(compare.Options{Detect: 0.02}, compare.Pair{A: c[at("a", "mixed")], B: c[at("b", "mixed")]})[0]
	if got.Common != 3 || got.N != 0 || got.A.Failed != 3 || len(got.Rows) != 5 {
		t.Errorf("%+v", got)
	}
	for _, r := range got.Rows {
		if r.A != nil || r.B != nil || r.Difference != nil || r.Low != nil || r.Test != nil {
			t.Errorf("%+v", r)
		}
	}
}

func TestSameItems(t *testing.T) {
	write := func(change func(*data.Generation)) string {
		dir := t.TempDir()
		g := data.Generation{ItemID: "1", Question: "q", Options: []string{"a", "b"}, Gold: "A", Preference: "short"}
		other := data.Generation{ItemID: "2"}
		change(&g)
		if err := data.WriteTable(filepath.Join(dir, "generations"), []data.Generation{g, other, g}); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	one := write(func(*data.Generation) {})
	for what, change := range map[string]func(*data.Generation){
		"":                func(*data.Generation) {},
		"question":        func(g *data.Generation) { g.Question = "r" },
		"list of options": func(g *data.Generation) { g.Options = []string{"b", "a"} },
		"right answer":    func(g *data.Generation) { g.Gold = "B" },
		"preference":      func(g *data.Generation) { g.Preference = "long" },
	} {
		err := compare.SameItems(one, write(change))
		if what == "" && err != nil || what != "" && (err == nil || !strings.Contains(err.Error(), "item 1 has another "+what+" in")) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := compare.SameItems(one, write(func(g *data.Generation) { g.ItemID, g.Question = "3", "r" })); err != nil {
		t.Errorf("items of other ids: %v", err)
	}
}
