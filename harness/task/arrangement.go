package task

import (
	"slices"
	"sort"

	"perg/harness/prompt"
)

// An Arrangement is a variant's generations in an order: that in which they are
// asked, or that in which they stand in tables. They come in rounds, and in each
// cell by cell, the baseline first. A generation's place is a number, so that none
// of them has to be kept. At one place all variants have the same item, cell and
// repeat, as they have the same cells.
type Arrangement struct {
	task   *Task
	cells  []Cell
	orders []*order // of each cell
	rounds []int    // where each begins, as a number of items, and where the last ends
	each   []int    // of each cell the generations of an item
	before []int    // of each cell those of an item in the cells before it; at last in all
	at     []int    // by item of the dataset its place in the order of the baseline
	groups [][]int
}

// Arrange is the order in which a variant's generations are asked: each round is
// a random sample of the items over sources and preferences, so that whatever is
// answered by the time a run is looked at stands for all of it. Within a round
// the prompts of a cell that begin alike follow each other.
func (t *Task) Arrange(v *Variant) Arrangement {
	a := t.arrangement(v, t.rounds(t.Cells(v)))
	drawn := t.drawn()
	type kind struct {
		examples, own bool
		control       prompt.Control
	}
	known := make(map[kind]*order)
	for _, c := range a.cells {
		k := kind{c.Method.ShowsExamples(), c.ownPreference(), c.Control}
		if known[k] == nil {
			items := drawn
			if c.Control != prompt.NoControl {
				items = t.mixed(drawn, a.rounds, c.Control)
			}
			known[k] = new(t.order(items, a.rounds, t.beginnings(c)))
		}
		a.orders = append(a.orders, known[k])
	}
	return a.placed()
}

// Arrangements are those of some variants, which share what they are made of.
func (t *Task) Arrangements(variants []*Variant) (all []Arrangement) {
	for i, v := range variants {
		if i == 0 {
			all = append(all, t.Arrange(v))
			continue
		}
		a := all[0]
		a.cells = t.Cells(v)
		all = append(all, a)
	}
	return all
}

// Listed is the order in which a variant's generations stand in tables: cell by
// cell, in that of the dataset.
func (t *Task) Listed(v *Variant) Arrangement {
	items := t.Asked()
	n := len(items)
	a := t.arrangement(v, []int{0, n})
	for range a.cells {
		a.orders = append(a.orders, &order{items: items, ends: []int{n}})
	}
	return a.placed()
}

func (t *Task) arrangement(v *Variant, rounds []int) Arrangement {
	a := Arrangement{task: t, cells: t.Cells(v), rounds: rounds, before: []int{0}}
	for i, c := range a.cells {
		a.each = append(a.each, t.each(c))
		a.before = append(a.before, a.before[i]+a.each[i])
	}
	return a
}

func (a Arrangement) placed() Arrangement {
	a.at = make([]int, len(a.task.Dataset.Items))
	for place, item := range a.orders[0].items {
		a.at[item] = place
	}
	a.groups = a.sections()
	return a
}

// perItem is the number of generations of an item in all cells.
func (a Arrangement) perItem() int { return a.before[len(a.cells)] }

// Len is the number of generations.
func (a Arrangement) Len() int { return a.perItem() * a.task.Asking() }

// find takes a place apart: its round and cell, its item, and which of the item's
// generations in that cell it is.
func (a Arrangement) find(place int) (round, cell, item, repeat int) {
	per := a.perItem()
	round = sort.Search(len(a.rounds)-1, func(r int) bool { return a.rounds[r+1]*per > place })
	from, size := a.rounds[round], a.rounds[round+1]-a.rounds[round]
	within := place - from*per
	cell = sort.Search(len(a.cells), func(c int) bool { return a.before[c+1]*size > within })
	within -= a.before[cell] * size
	return round, cell, a.orders[cell].items[from+within/a.each[cell]], within % a.each[cell]
}

// Generation is that at a place, from 0.
func (a Arrangement) Generation(place int) Generation {
	_, cell, item, repeat := a.find(place)
	return Generation{a.cells[cell], &a.task.Dataset.Items[item], repeat, place}
}

// baseline is the place of the baseline of the generation at a place.
func (a Arrangement) baseline(place int) int {
	round, cell, item, repeat := a.find(place)
	if a.cells[cell].Control != prompt.NoControl {
		repeat = 0
	}
	from := a.rounds[round]
	return from*a.perItem() + (a.at[item]-from)*a.each[0] + repeat
}

// Groups are for each cell in each round the places at which its groups end:
// within one, prompts begin alike. The caller does not change them.
func (a Arrangement) Groups() [][]int { return a.groups }

func (a Arrangement) sections() [][]int {
	var sections [][]int
	for r, from := range a.rounds[:len(a.rounds)-1] {
		to := a.rounds[r+1]
		for c, o := range a.orders {
			first, _ := slices.BinarySearch(o.ends, from+1)
			var ends []int
			for _, end := range o.ends[first:] {
				if end > to {
					break
				}
				ends = append(ends, from*a.perItem()+a.before[c]*(to-from)+(end-from)*a.each[c])
			}
			sections = append(sections, ends)
		}
	}
	return sections
}

// Everywhere gives the generations of several variants by their places in all
// of them, one after the other.
func (t *Task) Everywhere(variants []*Variant) func(place int) Generation {
	all := t.Arrangements(variants)
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
