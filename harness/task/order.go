package task

import (
	"cmp"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/prompt"
)

// An order is the sequence in which a cell asks its items: in each round those
// whose prompts begin alike stand together, as a group.
type order struct {
	items []int // positions in the dataset
	ends  []int // of the groups, as positions in items
}

// A beginning is what the prompts of some items of a cell have in common and
// others do not: in the order of the templates the item's own preference, where
// the setting states it, and the worked examples of a method that shows some.
type beginning struct {
	preference string
	examples   int // the number of a set of them
}

// order sorts the items of each round by what their prompts begin with, each
// beginning in the place of the first item that has it.
func (t *Task) order(drawn, rounds []int, of func(data.Item) beginning) order {
	o := order{items: slices.Clone(drawn)}
	beginnings := make([]beginning, len(t.Dataset.Items))
	for i, it := range t.Dataset.Items {
		beginnings[i] = of(it)
	}
	for r, from := range rounds[:len(rounds)-1] {
		items := o.items[from:rounds[r+1]]
		preferences, firsts := make(map[string]int), make(map[beginning]int)
		for place, i := range items {
			b := beginnings[i]
			if _, ok := preferences[b.preference]; !ok {
				preferences[b.preference] = place
			}
			if _, ok := firsts[b]; !ok {
				firsts[b] = place
			}
		}
		slices.SortStableFunc(items, func(x, y int) int {
			a, b := beginnings[x], beginnings[y]
			return cmp.Or(preferences[a.preference]-preferences[b.preference], firsts[a]-firsts[b])
		})
		for i, item := range items {
			if i+1 == len(items) || beginnings[item] != beginnings[items[i+1]] {
				o.ends = append(o.ends, from+i+1)
			}
		}
	}
	return o
}

// beginnings is what tells the prompts of a cell apart.
func (t *Task) beginnings(c Cell) func(data.Item) beginning {
	examples := make(map[string]int) // by source
	if c.Method.ShowsExamples() {
		sets := make(map[string]int)
		for _, it := range t.Dataset.Items {
			if _, ok := examples[it.Source]; ok {
				continue
			}
			texts, _ := t.Examples.For(it.Source) // that there are some was checked
			set := strings.Join(texts, "\x00")
			if _, ok := sets[set]; !ok {
				sets[set] = len(sets)
			}
			examples[it.Source] = sets[set]
		}
	}
	own := c.ownPreference()
	return func(it data.Item) beginning {
		b := beginning{examples: examples[it.Source]}
		if own {
			b.preference = it.Preference
		}
		return b
	}
}

// ownPreference says whether prompts of the cell state the item's own preference.
func (c Cell) ownPreference() bool {
	return c.Setting == prompt.Relevant || c.Setting == prompt.Mixed
}
