package harness

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"perg/data"
	"perg/harness/prompt"
	"perg/harness/schedule"
)

// A Cell is a variant, a method and a setting: one row of the results table.
type Cell struct {
	Variant *Variant
	Method  prompt.Method
	Setting prompt.Setting
}

// A Plan is everything that determines a run: what is asked, of which models,
// in which order.
type Plan struct {
	Dataset    data.Dataset
	Prompts    *prompt.Set
	Irrelevant []string // the preferences that mixed and irrelevant state
	Variants   []*Variant
	Judges     []*Variant // each rates alone; none: nothing is rated
	JudgeAll   bool
	JudgeSwap  bool
	Extractor  *Variant // reads the answers that rules cannot; perhaps a judge, too; nil: rules alone
	// Rerating: the generations are there, and only the judges work.
	Rerating   bool
	Examples   prompt.Examples  // worked, for icl
	Settings   []prompt.Setting // the baseline first
	Methods    []prompt.Method
	Repeats    int
	Seed       int
	NumPredict int // 0: the protocol's
	Placement  schedule.Placement

	meanPrompt float64 // tokens, by estimate, of a variant's generations
	meanRating float64 // likewise of the judges' prompts without the responses
}

// A generation is one item in one cell, in one repeat.
type generation struct {
	Cell
	item   *data.Item
	repeat int
	at     int // its place among its variant's
}

func (g generation) baseline() generation {
	g.Method, g.Setting = prompt.ZeroShot, prompt.None
	return g
}

// asked is the generation's question as the templates take it.
func (p *Plan) asked(g generation) (prompt.Query, error) {
	q := prompt.Query{Item: *g.item, Method: g.Method, Setting: g.Setting, Preferences: g.Setting.Stated(g.item.Preference, p.Irrelevant)}
	var err error
	if g.Method == prompt.ICL {
		q.Examples, err = p.Examples.For(g.item.Source)
	}
	return q, err
}

// firstStage is the generation whose response is the draft of a method of two
// calls: the zero-shot one under the same preferences, or the baseline.
func (g generation) firstStage() generation {
	switch g.Method {
	case prompt.SelfCritic:
		g.Method = prompt.ZeroShot
	case prompt.PrefAligner:
		return g.baseline()
	}
	return g
}

// isDraft says whether a generation's response is also the draft of others.
func (p *Plan) isDraft(g generation) bool {
	if g.Setting == prompt.None {
		return slices.Contains(p.Methods, prompt.PrefAligner)
	}
	return g.Method == prompt.ZeroShot && slices.Contains(p.Methods, prompt.SelfCritic)
}

// cells lists a variant's cells, its baseline first: all others are measured
// against it.
func (p *Plan) cells(v *Variant) []Cell {
	cells := []Cell{{v, prompt.ZeroShot, prompt.None}}
	for _, m := range p.Methods {
		for _, s := range p.Settings {
			if s != prompt.None {
				cells = append(cells, Cell{v, m, s})
			}
		}
	}
	return cells
}

// Count is the number of a variant's generations.
func (p *Plan) Count(v *Variant) int {
	return len(p.cells(v)) * len(p.Dataset.Items) * p.Repeats
}

// Total is the number of generations of the run.
func (p *Plan) Total() int {
	n := 0
	for _, v := range p.Variants {
		n += p.Count(v)
	}
	return n
}

// drawIrrelevant takes the irrelevant preferences of a run from the pool: the
// same ones for the same seed.
func drawIrrelevant(pool []data.Preference, seed int) ([]string, error) {
	if len(pool) < prompt.NIrrelevant {
		return nil, fmt.Errorf("%d irrelevant preferences; the settings mixed and irrelevant state %d", len(pool), prompt.NIrrelevant)
	}
	drawn := rand.New(rand.NewPCG(uint64(seed), 0)).Perm(len(pool))[:prompt.NIrrelevant]
	slices.Sort(drawn)
	texts := make([]string, len(drawn))
	for i, d := range drawn {
		texts[i] = pool[d].Text
	}
	return texts, nil
}

// scorers are the models that read and rate answers, the extractor first:
// what the others rate depends on which baseline answers are right.
func (p *Plan) scorers() []*Variant {
	var all []*Variant
	if p.Extractor != nil && !p.Rerating {
		all = append(all, p.Extractor)
	}
	for _, j := range p.Judges {
		if !slices.Contains(all, j) {
			all = append(all, j)
		}
	}
	return all
}

// models are all that are loaded: the variants and the scorers.
func (p *Plan) models() []*Variant {
	if p.Rerating {
		return p.scorers()
	}
	return append(slices.Clone(p.Variants), p.scorers()...)
}

func (p *Plan) scores(v *Variant) bool { return slices.Contains(p.scorers(), v) }
