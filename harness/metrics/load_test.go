package metrics

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/results"
)

// randomRun draws the tables of a run with everything that can be missing:
// baselines, generations, responses, answers, ratings; with repeats, several
// judges and judgments of generations that are not there.
func randomRun(rng *rand.Rand) (generations []data.Generation, judgments []data.Judgment) {
	maybe := func(n int) bool { return rng.IntN(n) == 0 }
	items, repeats, methods := 1+rng.IntN(30), 1+rng.IntN(3), prompt.Methods()[:1+rng.IntN(4)]
	judges := []string{"a", "b", "c"}[:rng.IntN(4)]
	order := rng.Perm(items)
	for v := range 1 + rng.IntN(3) {
		for _, method := range methods {
			for _, setting := range prompt.Settings() {
				if maybe(8) { // sometimes the baseline
					continue
				}
				if maybe(5) {
					order = rng.Perm(items)
				}
				for _, i := range order {
					for r := range repeats {
						if maybe(9) {
							continue
						}
						g := data.Generation{
							ItemID: fmt.Sprint("item ", i), Source: fmt.Sprint("s", i%3), Category: []string{"", "c", "d"}[i%5%3],
							Preference: fmt.Sprint("p", i%7), PreferenceType: []string{"clarity", "", "depth"}[i%7%3],
							Variant: fmt.Sprint("v", v), Model: fmt.Sprint("m", v), Quantization: []string{"", "Q4"}[v%2],
							Method: string(method), Setting: string(setting), Repeat: int32(r), Status: data.StatusOK,
						}
						if !maybe(6) {
							g.Correct = new(rng.IntN(3) > 0)
							if *g.Correct || maybe(2) {
								g.Answer = new("A")
							}
						}
						if method.TwoCalls() && !maybe(4) {
							g.FellBack = new(maybe(3))
						}
						if !maybe(4) {
							g.OutputTokens = new(rng.Int64N(100))
						}
						if !maybe(4) {
							g.EvalNS = new(rng.Int64N(1e9))
						}
						if maybe(2) {
							g.VRAMBytes = new(rng.Int64N(1 << 33))
						}
						generations = append(generations, g)
					}
					for _, name := range judges {
						if maybe(4) {
							continue
						}
						j := data.Judgment{
							ItemID: fmt.Sprint("item ", i), Variant: fmt.Sprint("v", v), Method: string(method), Setting: string(setting),
							Repeat: rng.Int32N(int32(repeats) + 1), JudgeModel: name, Swapped: maybe(5),
						}
						if maybe(20) {
							j.ItemID = "none such"
						}
						if !maybe(5) {
							j.Score = new(1 + rng.Int32N(5))
						}
						judgments = append(judgments, j)
					}
				}
			}
		}
	}
	rng.Shuffle(len(judgments), func(i, k int) { judgments[i], judgments[k] = judgments[k], judgments[i] })
	return generations, judgments
}

// A plainCell is what a cell should be, worked out from rows one by one.
type plainCell struct {
	Name, Group string
	Tally       Tally
	Tokens, NS  int64
	VRAM, Fell  *int64
	Pairs       map[string][]results.Pair // by item
}

func plainCells(generations []data.Generation, judgments []data.Judgment, o Options, by GroupBy) []*plainCell {
	scores := make(map[results.Key][]int)
	judged := false
	for _, j := range judgments {
		if j.Swapped || len(o.Judges) > 0 && !slices.Contains(o.Judges, j.JudgeModel) {
			continue
		}
		judged = true
		if key := (results.Key{Cell: results.CellOf(j.Variant, j.Method, j.Setting, ""), ItemID: j.ItemID, Repeat: j.Repeat}); j.Score != nil {
			scores[key] = append(scores[key], int(*j.Score))
		}
	}
	came, repeats := make(map[results.Key]results.Result), int32(0)
	for _, g := range generations {
		key := results.Key{Cell: results.CellOf(g.Variant, g.Method, g.Setting, g.Control), ItemID: g.ItemID, Repeat: g.Repeat}
		repeats = max(repeats, g.Repeat+1)
		r := results.Result{Responded: g.Correct != nil, Invalid: g.Answer == nil, Correct: g.Correct != nil && *g.Correct}
		if s := scores[key]; len(s) > 0 {
			r.Rated, r.Followed = true, judge.Followed(o.Rule, s)
		}
		came[key] = r
	}
	var names []string
	cells := make(map[string][]*plainCell) // by name, over all items first
	for _, g := range generations {
		name := g.Variant + " " + g.Method + " " + g.Setting
		groups := []string{All}
		if by != "" {
			groups = append(groups, map[GroupBy]string{BySource: g.Source, ByCategory: g.Category, ByPreference: g.Preference, ByPreferenceType: g.PreferenceType}[by])
		}
		if cells[name] == nil {
			names = append(names, name)
		}
		for n, group := range groups {
			i := slices.IndexFunc(cells[name], func(c *plainCell) bool { return c.Group == group })
			if i < 0 || n > 0 && i == 0 {
				i = len(cells[name])
				cells[name] = append(cells[name], &plainCell{
					Name: name, Group: group, Tally: Tally{Setting: prompt.Setting(g.Setting), Judged: judged}, Pairs: make(map[string][]results.Pair),
				})
			}
			c := cells[name][i]
			key := results.Key{Cell: results.CellOf(g.Variant, g.Method, g.Setting, g.Control), ItemID: g.ItemID, Repeat: g.Repeat}
			p := results.PairOf(came[key.Baseline()], came[key])
			c.Tally.Add(p, 1)
			if c.Pairs[g.ItemID] == nil {
				c.Pairs[g.ItemID] = make([]results.Pair, repeats)
			}
			c.Pairs[g.ItemID][g.Repeat] = p
			if g.OutputTokens != nil && g.EvalNS != nil {
				c.Tokens += *g.OutputTokens
				c.NS += *g.EvalNS
			}
			if g.VRAMBytes != nil && (c.VRAM == nil || *c.VRAM < *g.VRAMBytes) {
				c.VRAM = g.VRAMBytes
			}
			if g.FellBack != nil {
				if c.Fell == nil {
					c.Fell = new(int64)
				}
				if *g.FellBack {
					*c.Fell++
				}
			}
		}
	}
	var all []*plainCell
	for _, name := range names {
		all = append(all, cells[name]...)
	}
	return all
}

// What Load makes of a run is what its rows say, one by one.
func TestLoadAgainstRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 34))
	for n := range 12 {
		generations, judgments := randomRun(rng)
		if len(generations) == 0 {
			continue
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "generations"), generations)
		if n%4 > 0 {
			write(t, filepath.Join(dir, "judgments"), judgments)
		} else {
			judgments = nil
		}
		o := Options{Rule: judge.Rules()[n%2], Judges: [][]string{nil, {"a"}, {"a", "c"}}[n%3]}
		table, err := Load(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, by := range append(GroupBys(), "") {
			cells, err := table.Cells(by)
			if err != nil {
				t.Fatal(err)
			}
			var got []*plainCell
			for _, c := range cells {
				p := &plainCell{
					Name: c.Variant + " " + string(c.Method) + " " + string(c.Setting), Group: c.Group, Tally: c.Tally,
					Tokens: c.OutputTokens, NS: c.EvalNS, VRAM: c.LoadedVRAM, Fell: c.FellBack, Pairs: make(map[string][]results.Pair),
				}
				ids := Common(c)
				for i, pairs := range c.PairsOf(ids) {
					p.Pairs[ids[i]] = pairs
				}
				got = append(got, p)
			}
			if diff := cmp.Diff(plainCells(generations, judgments, o, by), got, cmp.AllowUnexported(Tally{}), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("run %d by %q (-want +got):\n%s", n, by, diff)
			}
		}
	}
}
