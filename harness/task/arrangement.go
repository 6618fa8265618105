package task

import (
	"perg/harness/prompt"
)

// An Arrangement is a variant's generations in the order in which they are
// asked: cell by cell, the baseline first. A generation's place in it is a number,
// so that none of them has to be kept.
type Arrangement struct {
	task   *Task
	cells  []Cell
	orders []*order // of each cell
}

// Arrange is a variant's arrangement.
func (t *Task) Arrange(v *Variant) Arrangement {
	a := Arrangement{task: t, cells: t.Cells(v)}
	type kind struct{ examples, own bool }
	known := make(map[kind]*order)
	for _, c := range a.cells {
		k := kind{c.Method.ShowsExamples(), c.Setting == prompt.Relevant || c.Setting == prompt.Mixed}
		if known[k] == nil {
			known[k] = new(t.order(t.beginnings(c)))
		}
		a.orders = append(a.orders, known[k])
	}
	return a
}

// Len is the number of generations.
func (a Arrangement) Len() int { return len(a.cells) * a.task.PerCell() }

// Generation is that at a place, from 0.
func (a Arrangement) Generation(place int) Generation {
	cell, within := place/a.task.PerCell(), place%a.task.PerCell()
	item := a.orders[cell].items[within/a.task.Repeats]
	return Generation{a.cells[cell], &a.task.Dataset.Items[item], within % a.task.Repeats, place}
}

// baseline is the place of the baseline of the generation at a place.
func (a Arrangement) baseline(place int) int {
	cell, within := place/a.task.PerCell(), place%a.task.PerCell()
	item := a.orders[cell].items[within/a.task.Repeats]
	return item*a.task.Repeats + within%a.task.Repeats // its one group is in the dataset's order
}

// Groups are for each cell the places at which its groups end: within one,
// prompts begin alike.
func (a Arrangement) Groups() [][]int {
	cells := make([][]int, len(a.cells))
	for c, o := range a.orders {
		for _, end := range o.ends {
			cells[c] = append(cells[c], c*a.task.PerCell()+end*a.task.Repeats)
		}
	}
	return cells
}

// Everywhere gives the generations of several variants by their places in all
// of them, one after the other.
func (t *Task) Everywhere(variants []*Variant) func(place int) Generation {
	var all []Arrangement
	for _, v := range variants {
		all = append(all, t.Arrange(v))
	}
	return func(place int) Generation {
		for _, a := range all {
			if place < a.Len() {
				return a.Generation(place)
			}
			place -= a.Len()
		}
		panic("task: no generation at that place")
	}
}
