package harness

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/prompt"
)

// An order is the sequence in which a cell asks its items: those whose prompts
// begin alike stand together, as a group.
type order struct {
	items []int // positions in the dataset
	ends  []int // of the groups, as positions in items
}

// A beginning is what the prompts of some items of a cell have in common and
// others do not: in the order of the templates the item's own preference, where
// the setting states it, and the worked examples of icl.
type beginning struct {
	preference string
	examples   int // the number of a set of them
}

// order sorts items by what their prompts begin with, each beginning in the
// place of the first item that has it.
func (p *Plan) order(of func(data.Item) beginning) order {
	o := order{items: make([]int, len(p.Dataset.Items))}
	preferences, beginnings := make(map[string]int), make(map[beginning]int)
	for i, it := range p.Dataset.Items {
		o.items[i] = i
		b := of(it)
		if _, ok := preferences[b.preference]; !ok {
			preferences[b.preference] = i
		}
		if _, ok := beginnings[b]; !ok {
			beginnings[b] = i
		}
	}
	slices.SortStableFunc(o.items, func(x, y int) int {
		a, b := of(p.Dataset.Items[x]), of(p.Dataset.Items[y])
		return cmp.Or(preferences[a.preference]-preferences[b.preference], beginnings[a]-beginnings[b])
	})
	for i, item := range o.items {
		if i+1 == len(o.items) || of(p.Dataset.Items[item]) != of(p.Dataset.Items[o.items[i+1]]) {
			o.ends = append(o.ends, i+1)
		}
	}
	return o
}

// beginnings is what tells the prompts of a cell apart.
func (p *Plan) beginnings(c Cell) func(data.Item) beginning {
	examples := make(map[string]int) // by source
	if c.Method == prompt.ICL {
		sets := make(map[string]int)
		for _, it := range p.Dataset.Items {
			if _, ok := examples[it.Source]; ok {
				continue
			}
			texts, _ := p.Examples.For(it.Source) // that there are some was checked
			set := strings.Join(texts, "\x00")
			if _, ok := sets[set]; !ok {
				sets[set] = len(sets)
			}
			examples[it.Source] = sets[set]
		}
	}
	own := c.Setting == prompt.Relevant || c.Setting == prompt.Mixed
	return func(it data.Item) beginning {
		b := beginning{examples: examples[it.Source]}
		if own {
			b.preference = it.Preference
		}
		return b
	}
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
	type kind struct{ icl, own bool }
	known := make(map[kind]*order)
	for _, c := range a.cells {
		k := kind{c.Method == prompt.ICL, c.Setting == prompt.Relevant || c.Setting == prompt.Mixed}
		if known[k] == nil {
			known[k] = new(p.order(p.beginnings(c)))
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
