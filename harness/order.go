package harness

import (
	"iter"
	"slices"

	"perg/data"
	"perg/harness/prompt"
)

// An order is the sequence in which a cell asks its items: those whose prompts
// begin alike stand together, as a group.
type order struct {
	items []int // positions in the dataset
	ends  []int // of the groups, as positions in items
}

// order sorts items by what comes first in a cell's prompts: with icl the
// worked examples of the source, where the setting states it the item's own
// preference. Both are in the order in which the dataset has them.
func (p *Plan) order(bySource, byPreference bool) order {
	prefix := func(it data.Item) [2]string {
		var parts [2]string
		if bySource {
			parts[0] = it.Source
		}
		if byPreference {
			parts[1] = it.Preference
		}
		return parts
	}
	// A preference that two sources share is two groups with icl, so ranks are
	// by source first.
	sources, groups := make(map[string]int), make(map[[2]string]int)
	o := order{items: make([]int, len(p.Dataset.Items))}
	for i, it := range p.Dataset.Items {
		o.items[i] = i
		parts := prefix(it)
		if _, ok := sources[parts[0]]; !ok {
			sources[parts[0]] = len(sources)
		}
		if _, ok := groups[parts]; !ok {
			groups[parts] = len(groups)
		}
	}
	rank := func(i int) (source, group int) {
		parts := prefix(p.Dataset.Items[i])
		return sources[parts[0]], groups[parts]
	}
	slices.SortStableFunc(o.items, func(a, b int) int {
		sourceA, groupA := rank(a)
		sourceB, groupB := rank(b)
		if sourceA != sourceB {
			return sourceA - sourceB
		}
		return groupA - groupB
	})
	for i := range o.items {
		if i+1 == len(o.items) || prefix(p.Dataset.Items[o.items[i]]) != prefix(p.Dataset.Items[o.items[i+1]]) {
			o.ends = append(o.ends, i+1)
		}
	}
	return o
}

// An arrangement is a variant's generations in the order in which they are
// asked: cell by cell, the baseline first. A generation's place in it is a
// number, so that none of them has to be kept.
type arrangement struct {
	plan   *Plan
	cells  []Cell
	orders []*order // of each cell
}

func (p *Plan) arrange(v *Variant) arrangement {
	a := arrangement{plan: p, cells: p.cells(v)}
	type kind struct{ bySource, byPreference bool }
	known := make(map[kind]*order)
	for _, c := range a.cells {
		k := kind{c.Method == prompt.ICL, c.Setting == prompt.Relevant || c.Setting == prompt.Mixed}
		if known[k] == nil {
			known[k] = new(p.order(k.bySource, k.byPreference))
		}
		a.orders = append(a.orders, known[k])
	}
	return a
}

func (a arrangement) cellSize() int { return len(a.plan.Dataset.Items) * a.plan.Repeats }

func (a arrangement) len() int { return len(a.cells) * a.cellSize() }

func (a arrangement) generation(place int) generation {
	cell, within := place/a.cellSize(), place%a.cellSize()
	item := a.orders[cell].items[within/a.plan.Repeats]
	return generation{a.cells[cell], &a.plan.Dataset.Items[item], within % a.plan.Repeats, place}
}

// baseline is the place of the baseline of the generation at a place.
func (a arrangement) baseline(place int) int {
	cell, within := place/a.cellSize(), place%a.cellSize()
	item := a.orders[cell].items[within/a.plan.Repeats]
	return item*a.plan.Repeats + within%a.plan.Repeats // its one group is in the dataset's order
}

// groups are for each cell the places at which its groups end.
func (a arrangement) groups() [][]int {
	cells := make([][]int, len(a.cells))
	for c, o := range a.orders {
		for _, end := range o.ends {
			cells[c] = append(cells[c], c*a.cellSize()+end*a.plan.Repeats)
		}
	}
	return cells
}

// generations yields a variant's generations in their order.
func (p *Plan) generations(v *Variant) iter.Seq[generation] {
	return func(yield func(generation) bool) {
		a := p.arrange(v)
		for place := range a.len() {
			if !yield(a.generation(place)) {
				return
			}
		}
	}
}

// all yields every variant's generations.
func (p *Plan) all() iter.Seq[generation] {
	return func(yield func(generation) bool) {
		for _, v := range p.Variants {
			for g := range p.generations(v) {
				if !yield(g) {
					return
				}
			}
		}
	}
}

// everywhere gives the generations of all variants by their places in the
// whole run.
func (p *Plan) everywhere() func(place int) generation {
	var all []arrangement
	for _, v := range p.Variants {
		all = append(all, p.arrange(v))
	}
	return func(place int) generation {
		for _, a := range all {
			if place < a.len() {
				return a.generation(place)
			}
			place -= a.len()
		}
		panic("harness: no generation at that place")
	}
}
