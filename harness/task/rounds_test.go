package task

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/sizing"
)

// pergdata is a task of the size and make-up of PERGData: three sources of very
// different size, the preferences of each over its items in turn.
func pergdata(t *testing.T, share int, methods ...prompt.Method) *Task {
	p := testTask(t, 0)
	p.Methods, p.Null, p.Seed = methods, 1, 42
	sample, err := data.Sample()
	if err != nil {
		t.Fatal(err)
	}
	if p.Examples, err = p.Prompts.Examples(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		name               string
		items, preferences int
	}{{"mmlu", 5170, 11}, {"truthfulqa", 817, 14}, {"commonsenseqa", 1098, 12}} {
		for i := range s.items / share {
			it := sample.Items[i%len(sample.Items)]
			it.ID, it.Source = fmt.Sprint(s.name, i), s.name
			it.Question += fmt.Sprintf(" (%s %d)", s.name, i)
			it.Preference = fmt.Sprintf("I prefer answers of the kind that is number %d for %s", i%s.preferences, s.name)
			p.Dataset.Items = append(p.Dataset.Items, it)
		}
	}
	return p
}

// Whenever a run is looked at, each cell that has more than a round stands for
// all items: of every source and every preference it has its share.
func TestCellsFillAsRandomSamples(t *testing.T) {
	p := pergdata(t, 1, prompt.ZeroShot, prompt.CoT)
	generations := generations(p, named("a"))
	n := len(p.Dataset.Items)
	type part struct{ source, preference string }
	all := make(map[part]float64)
	for _, it := range p.Dataset.Items {
		all[part{it.Source, ""}]++
		all[part{it.Source, it.Preference}]++
	}
	for _, stop := range []float64{0.05, 0.2, 0.5, 0.8} {
		cells := make(map[string]map[part]float64)
		asked := make(map[string]float64)
		for _, g := range generations[:int(stop*float64(len(generations)))] {
			cell := fmt.Sprint(g.Names())
			if cells[cell] == nil {
				cells[cell] = make(map[part]float64)
			}
			asked[cell]++
			cells[cell][part{g.Item.Source, ""}]++
			cells[cell][part{g.Item.Source, g.Item.Preference}]++
		}
		if len(cells) != 1+1+2*3 {
			t.Errorf("%.0f %% in, %d cells are begun", 100*stop, len(cells))
		}
		for cell, parts := range cells {
			if off := math.Abs(asked[cell]/float64(n) - stop); off > 0.006 {
				t.Errorf("%.0f %% in, %s is asked to %.1f %%", 100*stop, cell, 100*asked[cell]/float64(n))
			}
			for of, whole := range all {
				// A round under way adds what begins alike of it; a preference
				// may be one item off besides.
				want, spread := asked[cell]*whole/float64(n), float64(roundItems)/2
				if got := parts[of]; math.Abs(got-want) > spread {
					t.Errorf("%.0f %% in, %s has %.0f items of %v, want %.1f", 100*stop, cell, got, of, want)
				}
			}
		}
	}
	other := pergdata(t, 1, prompt.ZeroShot)
	other.Seed = 7
	if slices.Equal(other.draw(), p.draw()) {
		t.Error("another seed asks in the same order")
	}
}

// Rounds leave worked examples to be read once for many items: a quarter of the
// prompts' tokens at most, in each setting.
func TestRoundsKeepTheReuseOfExamples(t *testing.T) {
	for _, share := range []int{1, 4} {
		p := pergdata(t, share, prompt.ICL)
		rounds := 0
		for _, s := range []prompt.Setting{prompt.Relevant, prompt.Mixed, prompt.Irrelevant} {
			p.Settings = []prompt.Setting{prompt.None, s}
			a := p.Arrange(named("a"))
			rounds = len(a.rounds) - 1
			var icl sizing.Calls
			for place := range a.Len() {
				g := a.Generation(place)
				if g.Setting == prompt.None {
					continue
				}
				c, err := p.first(g)
				if err != nil {
					t.Fatal(err)
				}
				icl.Add(c.Text, 0, "")
			}
			tokens := icl.Tokens()
			if reuse := tokens.All / tokens.Read; reuse < 4 {
				t.Errorf("%d items, %s: prompts of %.0f tokens are read for %.0f, a reuse of %.1f", len(p.Dataset.Items), s, tokens.All, tokens.Read, reuse)
			} else {
				t.Logf("%d items, %d rounds, %s: a reuse of %.1f", len(p.Dataset.Items), rounds, s, reuse)
			}
		}
		if share == 1 && rounds < 5 {
			t.Errorf("%d rounds", rounds)
		}
	}
}

// A control has another call than the baseline and than itself the next time,
// other neighbours, and where it is rotated the same options in another order
// with the same one right.
func TestControls(t *testing.T) {
	p := pergdata(t, 20, prompt.ZeroShot)
	p.Null, p.Rotate = 3, true
	v := named("a")
	keys := make(map[string]string)
	neighbours := make(map[string]map[string]string)
	before := make(map[string]string)
	for _, g := range generations(p, v) {
		c, err := p.first(g)
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(g.Names(), g.Item.ID, g.Repeat)
		if other, ok := keys[c.Key().String()]; ok {
			t.Fatalf("%s and %s are one call", other, id)
		}
		keys[c.Key().String()] = id
		cell := fmt.Sprint(g.Names())
		if neighbours[cell] == nil {
			neighbours[cell] = make(map[string]string)
		}
		if g.Repeat == 0 {
			neighbours[cell][g.Item.ID] = before[cell]
			before[cell] = g.Item.ID
		}
		asked := g.Asked()
		if asked.Options[asked.Gold] != g.Item.Options[g.Item.Gold] {
			t.Fatalf("%s: the right option is %q", id, asked.Options[asked.Gold])
		}
		if same := slices.Equal(asked.Options, g.Item.Options); same == (g.Control == prompt.Rotated) {
			t.Fatalf("%s: asked with %q, the item has %q", id, asked.Options, g.Item.Options)
		}
		if !slices.Equal(slices.Sorted(slices.Values(asked.Options)), slices.Sorted(slices.Values(g.Item.Options))) {
			t.Fatalf("%s has the options %q", id, asked.Options)
		}
		if g.Control != prompt.NoControl && c.Shared {
			t.Fatalf("%s is taken for a draft", id)
		}
	}
	base := fmt.Sprint([]string{"zero-shot", "none"})
	for _, control := range prompt.Controls() {
		cell := fmt.Sprint([]string{"zero-shot", "none", string(control)})
		of := neighbours[cell]
		if len(of) != len(p.Dataset.Items) {
			t.Errorf("%s has %d items", cell, len(of))
		}
		same := 0
		for item, neighbour := range of {
			if neighbours[base][item] == neighbour {
				same++
			}
		}
		if same > len(of)/5 {
			t.Errorf("%s: %d of %d items stand behind the same one as in the baseline", cell, same, len(of))
		}
	}
}
