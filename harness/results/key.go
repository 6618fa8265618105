package results

import (
	"cmp"
	"fmt"
	"strings"

	"perg/harness/prompt"
)

// A Cell names a cell of a run.
type Cell struct {
	Variant string // its label in the tables
	Method  prompt.Method
	Setting prompt.Setting
	Control prompt.Control
}

// CellOf is the cell that the columns variant, method, setting and control name.
func CellOf(variant, method, setting, control string) Cell {
	return Cell{variant, prompt.Method(method), prompt.Setting(setting), prompt.Control(control)}
}

// Baseline is the cell that holds the baselines of this one: of the same
// variant, asked once and without a preference. It is its own.
func (c Cell) Baseline() Cell { return Cell{c.Variant, prompt.ZeroShot, prompt.None, prompt.NoControl} }

// IsBaseline says whether the cell is its own baseline.
func (c Cell) IsBaseline() bool { return c == c.Baseline() }

// A Key names a generation of a run.
type Key struct {
	Cell
	ItemID string
	Repeat int32 // from 0
}

// Baseline is the key of the generation that this one is held against: of the
// same item in the same repeat. A control is held against those of all repeats;
// the first stands for them.
func (k Key) Baseline() Key {
	if k.Control != prompt.NoControl {
		k.Repeat = 0
	}
	k.Cell = k.Cell.Baseline()
	return k
}

func (k Key) String() string {
	setting := string(k.Setting)
	if k.Control != prompt.NoControl {
		setting += " " + string(k.Control)
	}
	return fmt.Sprintf("item %s, %s, %s, %s, repeat %d", k.ItemID, k.Variant, k.Method, setting, k.Repeat)
}

// Compare orders keys by cell, item and repeat.
func (k Key) Compare(o Key) int {
	return cmp.Or(
		strings.Compare(k.Variant, o.Variant), cmp.Compare(k.Method, o.Method), cmp.Compare(k.Setting, o.Setting),
		cmp.Compare(k.Control, o.Control),
		strings.Compare(k.ItemID, o.ItemID), cmp.Compare(k.Repeat, o.Repeat),
	)
}

// An Item is what the tables tell of one item but its texts. What is not known
// is "".
type Item struct {
	ID, Source, Category, Preference, PreferenceType string
	QuestionID                                       string // of the question that several items are; "": it is this one's alone
}
