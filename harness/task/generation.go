package task

import (
	"perg/data"
	"perg/harness/prompt"
)

// A Cell is a variant, a method and a setting: one row of the results table. A
// control stands beside them: the baseline asked again.
type Cell struct {
	Variant *Variant
	Method  prompt.Method
	Setting prompt.Setting
	Control prompt.Control
}

// A Generation is one item in one cell, in one repeat.
type Generation struct {
	Cell
	Item   *data.Item // as the dataset has it: see Asked
	Repeat int        // of a control, how often it was asked again before
	Place  int        // among its variant's
}

// Names are what those who watch are told of it: its method, its setting and,
// where it is one, its control.
func (g Generation) Names() []string {
	names := []string{string(g.Method), string(g.Setting)}
	if g.Control != prompt.NoControl {
		names = append(names, string(g.Control))
	}
	return names
}

// Asked is the item as it is asked.
func (g Generation) Asked() data.Item {
	if g.Control == prompt.Rotated {
		return rotated(*g.Item, g.Repeat)
	}
	return *g.Item
}

// Baseline is the generation that it is measured against; a control is against
// those of all repeats.
func (g Generation) Baseline() Generation {
	if g.Control != prompt.NoControl {
		g.Repeat = 0
	}
	g.Method, g.Setting, g.Control = prompt.ZeroShot, prompt.None, prompt.NoControl
	return g
}

// firstStage is the generation whose response is the draft of a method of two
// calls; of a method of one call the generation itself.
func (g Generation) firstStage() Generation {
	switch g.Method.Draft() {
	case prompt.ZeroShotDraft:
		g.Method = prompt.ZeroShot
	case prompt.BaselineDraft:
		return g.Baseline()
	}
	return g
}
