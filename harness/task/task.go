// Package task is the benchmark: which items are asked of which models in which
// cells and in which order, which calls that takes, and what a generation comes
// to. It knows neither servers nor devices nor how a run was asked for: it is
// handed replies by an Ask.
package task

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"perg/data"
	"perg/harness/prompt"
)

// A Task is what is asked.
type Task struct {
	Dataset    data.Dataset
	Shard      Shard // which of its items are asked
	Prompts    *prompt.Set
	Examples   prompt.Examples  // worked, for methods that show some
	Irrelevant []string         // the preferences that mixed and irrelevant state
	Settings   []prompt.Setting // the baseline first
	Methods    []prompt.Method
	Repeats    int
	Null       int  // how often the baseline is asked again, as a control
	Rotate     bool // and as often with its options in another order
	Seed       int
	NumPredict int // most new tokens of an answer; 0: the protocol's
	Thought    int // most tokens of a thought before it; 0: the protocol's one limit for both
	// Temperature: 0 takes the likeliest token; with another each repeat has a seed
	// of its own.
	Temperature float64
	JudgeAll    bool // also items whose baseline is wrong
	JudgeSwap   bool // also with the two responses in the other order

	Given Given // where generations were made elsewhere; nil: they are asked for
}

// A Given gives a generation that was made elsewhere, with its response and its
// answer: Reply is nil where the letter alone is known. The error is ErrNotGiven
// where there is none.
type Given func(Generation) (Evaluated, error)

// ErrNotGiven: what was made elsewhere has not every item in every cell.
var ErrNotGiven = errors.New("the generation was not made")

// DrawIrrelevant takes the irrelevant preferences of a task from a pool: the
// same ones for the same seed.
func DrawIrrelevant(pool []data.Preference, seed int) ([]string, error) {
	if len(pool) < prompt.NIrrelevant {
		return nil, fmt.Errorf("%d irrelevant preferences; the settings mixed and irrelevant state %d", len(pool), prompt.NIrrelevant)
	}
	drawn := rand.New(rand.NewPCG(uint64(seed), drawIrrelevant)).Perm(len(pool))[:prompt.NIrrelevant]
	slices.Sort(drawn)
	texts := make([]string, len(drawn))
	for i, d := range drawn {
		texts[i] = pool[d].Text
	}
	return texts, nil
}

// Cells lists a variant's cells, its baseline first: all others are measured
// against it. Its controls come next.
func (t *Task) Cells(v *Variant) []Cell {
	cells := []Cell{{Variant: v, Method: prompt.ZeroShot, Setting: prompt.None}}
	for _, c := range prompt.Controls() {
		if t.Null > 0 && (c == prompt.Again || t.Rotate) {
			cells = append(cells, Cell{v, prompt.ZeroShot, prompt.None, c})
		}
	}
	for _, m := range t.Methods {
		for _, s := range t.Settings {
			if s != prompt.None {
				cells = append(cells, Cell{v, m, s, prompt.NoControl})
			}
		}
	}
	return cells
}

// each is the number of an item's generations in a cell.
func (t *Task) each(c Cell) int {
	if c.Control != prompt.NoControl {
		return t.Null
	}
	return t.Repeats
}

// In is the number of generations in a cell.
func (t *Task) In(c Cell) int { return t.Asking() * t.each(c) }

// Count is the number of a variant's generations.
func (t *Task) Count(v *Variant) int {
	n := 0
	for _, c := range t.Cells(v) {
		n += t.In(c)
	}
	return n
}

// Controls is the number of those that ask the baseline again.
func (t *Task) Controls(v *Variant) int {
	n := 0
	for _, c := range t.Cells(v) {
		if c.Control != prompt.NoControl {
			n += t.In(c)
		}
	}
	return n
}

// Total is the number of the generations of some variants.
func (t *Task) Total(variants []*Variant) int {
	n := 0
	for _, v := range variants {
		n += t.Count(v)
	}
	return n
}

// AnswerTokens is the most new tokens of what a variant answers in the last
// call of a method, its thought included where that has no limit of its own.
func (t *Task) AnswerTokens(v *Variant, m prompt.Method) int {
	switch {
	case t.NumPredict > 0:
		return t.NumPredict
	case v.Thinks() && t.Thought == 0:
		return prompt.ThinkingTokens
	default:
		return m.Tokens()
	}
}

// ThoughtTokens is the most tokens of a thought that a variant has beside those of
// its answer.
func (t *Task) ThoughtTokens(v *Variant) int {
	if !v.Thinks() {
		return 0
	}
	return t.Thought
}

// isDraft says whether a generation's response is also the draft of others.
func (t *Task) isDraft(g Generation) bool {
	kind := prompt.NoDraft
	switch {
	case g.Control != prompt.NoControl:
	case g.Setting == prompt.None:
		kind = prompt.BaselineDraft
	case g.Method == prompt.ZeroShot:
		kind = prompt.ZeroShotDraft
	}
	return kind != prompt.NoDraft && slices.ContainsFunc(t.Methods, func(m prompt.Method) bool { return m.Draft() == kind })
}

// Hashes are the SHA-256, hex, of all that the task's prompts are made of, by
// name.
func (t *Task) Hashes() map[string]string {
	all := t.Prompts.HashesOf(t.Methods)
	if slices.ContainsFunc(t.Methods, prompt.Method.ShowsExamples) {
		for source, hash := range t.Examples.Hashes() {
			all["examples of "+cmp.Or(source, "every source")] = hash
		}
	}
	return all
}
