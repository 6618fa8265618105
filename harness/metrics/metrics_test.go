package metrics

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/results"
)

// The four metrics as the protocol defines them, over sets: a second
// implementation to hold the first against.
func definitions(pairs [][2]results.Result, judged bool) (breakage, alignment, robustness, variation float64) {
	qstar, rated := 0, 0
	kept, followed, robust, keptRated := 0, 0, 0, 0
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
			if a[i] {
				keptRated++
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
	// Of those that stayed right, the rated ones stand for all.
	robustness = share(kept, qstar)
	if kept > 0 {
		robustness += (1 - robustness) * share(robust, keptRated)
	}
	return share(kept, qstar), share(followed, rated), robustness, variation
}

func drawResult(rng *rand.Rand) results.Result {
	o := results.Result{Responded: rng.IntN(10) > 0}
	if o.Responded {
		o.Invalid = rng.IntN(8) == 0
		o.Correct = !o.Invalid && rng.IntN(3) > 0
		o.Rated = rng.IntN(6) > 0
		o.Followed = o.Rated && rng.IntN(2) > 0
	}
	return o
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
		pairs := make([][2]results.Result, n)
		tally := Tally{Setting: prompt.Relevant, Judged: true}
		for i := range pairs {
			pairs[i] = [2]results.Result{drawResult(rng), drawResult(rng)}
			tally.Add(results.PairOf(pairs[i][0], pairs[i][1]), 1)
		}
		breakage, alignment, robustness, variation := definitions(pairs, true)
		if tally.Pairs == 0 {
			variation = math.NaN()
		}
		same("breakage", tally.Rate(BreakageRate).Value(), breakage)
		same("alignment", tally.Rate(AlignmentFailure).Value(), alignment)
		same("robustness", tally.Rate(RobustnessError).Value(), robustness)
		same("variation", tally.Rate(PerformanceVariation).Value(), variation)
		if tally.Pairs+tally.Failed != n {
			t.Fatalf("%d pairs and %d failed of %d", tally.Pairs, tally.Failed, n)
		}
	}
}

func TestWhatIsUndefinedIsNull(t *testing.T) {
	right := results.Result{Responded: true, Correct: true}
	wrong := results.Result{Responded: true}
	irrelevant := Tally{Setting: prompt.Irrelevant, Judged: true}
	irrelevant.Add(results.PairOf(right, wrong), 1)
	irrelevant.Add(results.PairOf(right, right), 1)
	if r := irrelevant.Rate(RobustnessError); r != irrelevant.Rate(BreakageRate) || *r.Value() != 0.5 {
		t.Errorf("irrelevant: Robustness Error %v, Breakage Rate %v", r, irrelevant.Rate(BreakageRate))
	}
	if irrelevant.Rate(AlignmentFailure).Value() != nil || irrelevant.Unscored != 0 {
		t.Error("irrelevant has an Alignment Failure")
	}
	baseline := Tally{Setting: prompt.None, Judged: true}
	baseline.Add(results.PairOf(right, right), 1)
	if baseline.Rate(BreakageRate).Value() != nil || baseline.Rate(RobustnessError).Value() != nil || baseline.Rate(PerformanceVariation).Value() != nil {
		t.Error("the baseline has rates against itself")
	}
	unjudged := Tally{Setting: prompt.Relevant}
	unjudged.Add(results.PairOf(right, right), 1)
	if unjudged.Rate(RobustnessError).Value() != nil || unjudged.Unscored != 0 {
		t.Error("Robustness Error without a judge")
	}
	unscored := Tally{Setting: prompt.Relevant, Judged: true}
	unscored.Add(results.PairOf(right, right), 1)
	if unscored.Rate(RobustnessError).Value() != nil || unscored.Unscored != 1 {
		t.Errorf("unscored: %+v", unscored)
	}
	hopeless := Tally{Setting: prompt.Relevant, Judged: true}
	hopeless.Add(results.PairOf(wrong, wrong), 1)
	if v := hopeless.Rate(PerformanceVariation).Value(); v == nil || *v != 0 {
		t.Error("Performance Variation of an empty union is not 0")
	}
	if hopeless.Rate(BreakageRate).Value() != nil {
		t.Error("a Breakage Rate over an empty Q*")
	}
}

func write[T any](t *testing.T, dir string, rows []T) {
	t.Helper()
	if err := data.WriteTable(dir, rows); err != nil {
		t.Fatal(err)
	}
}

func TestLoad(t *testing.T) {
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
	judged := func(item string, score *int32) data.Judgment {
		return data.Judgment{ItemID: item, Setting: "relevant", Method: "zero-shot", Variant: "m", JudgeModel: "j", Score: score}
	}
	write(t, filepath.Join(dir, "judgments"), []data.Judgment{judged("1", new(int32(2))), judged("2", nil)})
	table, err := Load(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cells, err := table.Cells(BySource)
	if err != nil {
		t.Fatal(err)
	}
	var all *Cell
	groups := map[string]int{}
	for _, c := range cells {
		groups[string(c.Setting)+"/"+c.Group] = c.Pairs
		if c.Setting == prompt.Relevant && c.Group == All {
			all = c
		}
	}
	for name, want := range map[string]int{"none/all": 3, "none/s": 2, "none/u": 1, "relevant/all": 3, "relevant/s": 2, "relevant/u": 1} {
		if groups[name] != want {
			t.Errorf("%s has %d pairs, want %d", name, groups[name], want)
		}
	}
	m := table.Resample([]*Cell{all})[0].record(table.drawn(table.IDs()))
	if m.N != 3 || m.NBaselineCorrect != 2 || m.NError != 1 || m.NUnscored != 1 {
		t.Errorf("counts: %+v", m)
	}
	if *m.BreakageRate != 0.5 || *m.AlignmentFailure != 1 || *m.RobustnessError != 1 || math.Abs(*m.PerformanceVariation-2.0/3) > 1e-12 {
		t.Errorf("rates: %v %v %v %v", *m.BreakageRate, *m.AlignmentFailure, *m.RobustnessError, *m.PerformanceVariation)
	}
	if *m.OutputTokensPerSecond != 5 || *m.LoadedVRAMBytes != 5 || m.PeakVRAMBytes != nil || m.EnergyJoules != nil {
		t.Errorf("costs: %v %v %v %v", m.OutputTokensPerSecond, m.LoadedVRAMBytes, m.PeakVRAMBytes, m.EnergyJoules)
	}
}

func TestJudges(t *testing.T) {
	dir := t.TempDir()
	row := func(item, setting string) data.Generation {
		return data.Generation{ItemID: item, Setting: setting, Method: "zero-shot", Variant: "m", Answer: new("A"), Correct: new(true)}
	}
	var generations []data.Generation
	for _, item := range []string{"1", "2", "3"} {
		generations = append(generations, row(item, "none"), row(item, "relevant"))
	}
	write(t, filepath.Join(dir, "generations"), generations)
	score := func(item, judge string, score int32, swapped bool) data.Judgment {
		j := data.Judgment{ItemID: item, Setting: "relevant", Method: "zero-shot", Variant: "m", JudgeModel: judge, Swapped: swapped}
		if score > 0 {
			j.Score = &score
		}
		return j
	}
	write(t, filepath.Join(dir, "judgments"), []data.Judgment{
		score("1", "a", 5, false), score("1", "b", 2, false), score("1", "c", 2, false), // majority says no, the mean is 3
		score("2", "a", 3, false), score("2", "b", 1, false), score("2", "c", 0, false), // a tie of mean 2; c's cannot be read
		score("3", "a", 0, false), score("3", "b", 0, false), score("3", "c", 4, false),
		score("2", "a", 5, true), score("2", "b", 5, true), score("3", "b", 1, true), // swapped
	})
	for _, tt := range []struct {
		name     string
		options  Options
		failure  string
		unscored int
	}{
		{"majority", Options{Rule: judge.Majority}, "2/3", 0},
		{"no rule", Options{}, "2/3", 0},
		{"mean", Options{Rule: judge.Mean}, "1/3", 0},
		{"one", Options{Judges: []string{"a"}}, "0/2", 1},
		{"two", Options{Judges: []string{"a", "b"}, Rule: judge.Mean}, "1/2", 1},
		{"unknown", Options{Judges: []string{"z"}}, "0/0", 0},
	} {
		table, err := Load(dir, tt.options)
		if err != nil {
			t.Fatal(err)
		}
		cells, err := table.Cells("")
		if err != nil || len(cells) != 2 {
			t.Fatalf("%d cells, error %v", len(cells), err)
		}
		rate := cells[1].Rate(AlignmentFailure)
		if got := fmt.Sprintf("%v/%d", rate.Count, rate.Of); got != tt.failure || cells[1].Unscored != tt.unscored {
			t.Errorf("%s: %s not followed and %d unscored, want %s and %d", tt.name, got, cells[1].Unscored, tt.failure, tt.unscored)
		}
	}
}

// Groups by every property, repeats and fall-backs, as they come in a table. The
// second repeat of item 1 is wrong in both cells: its baseline is that of the
// same repeat, so nothing breaks.
func TestRecords(t *testing.T) {
	dir := t.TempDir()
	var generations []data.Generation
	for _, cell := range []struct{ method, setting string }{{"zero-shot", "none"}, {"self-critic", "mixed"}} {
		for i, item := range []string{"1", "2", "3"} {
			for repeat := range int32(2) {
				g := data.Generation{
					ItemID: item, Source: "s", Category: []string{"c", "d", ""}[i], Preference: "p" + item, PreferenceType: "clarity",
					Method: cell.method, Setting: cell.setting, Variant: "m", Repeat: repeat, Answer: new("A"), Correct: new(repeat == 0 || i > 0),
				}
				if cell.method == "self-critic" {
					g.FellBack = new(i == 1)
				}
				generations = append(generations, g)
			}
		}
	}
	write(t, filepath.Join(dir, "generations"), generations)
	table, err := Load(dir, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for by, want := range map[GroupBy]string{
		"":               "all",
		BySource:         "all s",
		ByCategory:       "all c d ",
		ByPreference:     "all p1 p2 p3",
		ByPreferenceType: "all clarity",
	} {
		rows, err := table.Records(by)
		if err != nil {
			t.Fatal(err)
		}
		var groups []string
		var n int64
		for _, m := range rows {
			if m.Method == "self-critic" {
				groups = append(groups, m.Source)
				n += m.N
			}
			if m.Repeats != 2 || (m.NFellBack != nil) != (m.Method == "self-critic") {
				t.Errorf("%s, %s: %d repeats, %v fell back", m.Method, m.Source, m.Repeats, m.NFellBack)
			}
		}
		if got := strings.Join(groups, " "); got != want {
			t.Errorf("by %q there are %q, want %q", by, got, want)
		}
		if by != "" && n != 12 || by == "" && n != 6 {
			t.Errorf("by %q there are %d rows", by, n)
		}
		if last := rows[len(rows)-1]; by == "" && (*last.NFellBack != 2 || *last.Accuracy != 5.0/6 || last.NBaselineCorrect != 5 || *last.BreakageRate != 0 || last.BreakageRateRepeatsSD == nil) {
			t.Errorf("%+v", last)
		}
	}
	if _, err := table.Records("colour"); err == nil {
		t.Error("a breakdown by colour")
	}
	if _, err := Load(t.TempDir(), Options{}); !errors.Is(err, data.ErrNoTable) {
		t.Errorf("without tables: %v", err)
	}
}
