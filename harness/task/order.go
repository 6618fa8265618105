package task

import (
	"cmp"
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
// the setting states it, and the worked examples of a method that shows some.
type beginning struct {
	preference string
	examples   int // the number of a set of them
}

// order sorts items by what their prompts begin with, each beginning in the
// place of the first item that has it.
func (t *Task) order(of func(data.Item) beginning) order {
	o := order{items: make([]int, len(t.Dataset.Items))}
	preferences, beginnings := make(map[string]int), make(map[beginning]int)
	for i, it := range t.Dataset.Items {
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
		a, b := of(t.Dataset.Items[x]), of(t.Dataset.Items[y])
		return cmp.Or(preferences[a.preference]-preferences[b.preference], beginnings[a]-beginnings[b])
	})
	for i, item := range o.items {
		if i+1 == len(o.items) || of(t.Dataset.Items[item]) != of(t.Dataset.Items[o.items[i+1]]) {
			o.ends = append(o.ends, i+1)
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
	own := c.Setting == prompt.Relevant || c.Setting == prompt.Mixed
	return func(it data.Item) beginning {
		b := beginning{examples: examples[it.Source]}
		if own {
			b.preference = it.Preference
		}
		return b
	}
}
