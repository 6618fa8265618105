package task

import (
	"perg/data"
	"perg/harness/prompt"
)

// A Cell is a variant, a method and a setting: one row of the results table.
type Cell struct {
	Variant *Variant
	Method  prompt.Method
	Setting prompt.Setting
}

// A Generation is one item in one cell, in one repeat.
type Generation struct {
	Cell
	Item   *data.Item
	Repeat int
	Place  int // among its variant's
}

// Names are what those who watch are told of it: its method and its setting.
func (g Generation) Names() []string { return []string{string(g.Method), string(g.Setting)} }

// Baseline is the generation that it is measured against.
func (g Generation) Baseline() Generation {
	g.Method, g.Setting = prompt.ZeroShot, prompt.None
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
