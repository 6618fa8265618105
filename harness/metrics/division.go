package metrics

import (
	"fmt"
	"iter"
	"slices"

	"perg/harness/results"
)

// A GroupBy is a property of items to break cells down by.
type GroupBy string

// The properties.
const (
	BySource         GroupBy = "source"
	ByCategory       GroupBy = "category"
	ByPreference     GroupBy = "preference"
	ByPreferenceType GroupBy = "preference_type"
)

// properties is the number of GroupBys.
const properties = 4

// GroupBys lists the properties.
func GroupBys() []GroupBy {
	return []GroupBy{BySource, ByCategory, ByPreference, ByPreferenceType}
}

// values are an item's, in the order of GroupBys.
func values(it results.Item) [properties]string {
	return [properties]string{it.Source, it.Category, it.Preference, it.PreferenceType}
}

// A division is the items of a table by their values of a property, which have
// numbers in order of appearance.
type division struct {
	names   []string
	numbers map[string]int32
	of      []int32 // by position of the item
}

// divide adds items to the divisions of the table.
func (t *Table) divide(items []results.Item) {
	for _, it := range items {
		for by, name := range values(it) {
			d := &t.divisions[by]
			n, ok := d.numbers[name]
			if !ok {
				if d.numbers == nil {
					d.numbers = make(map[string]int32)
				}
				n = int32(len(d.names))
				d.numbers[name] = n
				d.names = append(d.names, name)
			}
			d.of = append(d.of, n)
		}
	}
}

// parts divides a cell by the values of property by of GroupBys, in order of
// appearance.
func (c *Cell) parts(by int) (all []*Cell) {
	d := c.table.divisions[by]
	of, sizes := make([]*Cell, len(d.names)), make([]int, len(d.names))
	for _, item := range c.items {
		sizes[d.of[item]]++
	}
	for i, item := range c.items {
		n := d.of[item]
		g := of[n]
		if g == nil {
			g = &Cell{Variant: c.Variant, Model: c.Model, Quantization: c.Quantization, Method: c.Method, Group: d.names[n], table: c.table}
			g.items, g.pairs = make([]int32, 0, sizes[n]), make([]results.Pair, 0, sizes[n])
			g.Tally = c.Tally.empty()
			g.Cost, g.BaselineReads = c.costOf(by, n), c.base.costOf(by, n).Reads
			of[n] = g
			all = append(all, g)
		}
		g.add(c.row(i))
	}
	return all
}

// costOf is the cost of the cell's group n by a property. A cell that is not there
// cost nothing.
func (c *Cell) costOf(by int, n int32) Cost {
	if c == nil || int(n) >= len(c.costs[by]) {
		return Cost{}
	}
	return c.costs[by][n]
}

// families gives, one by one, the run's cells, each with its parts by a property
// behind it; none where by is "". Parts take as much as their cell, and are made
// as they are asked for.
func (t *Table) families(by GroupBy) (iter.Seq[[]*Cell], error) {
	property := slices.Index(GroupBys(), by)
	if property < 0 && by != "" {
		return nil, fmt.Errorf("metrics by %q: not a property of items", by)
	}
	return func(yield func([]*Cell) bool) {
		var controls []*Cell
		for _, c := range t.controls {
			if property >= 0 {
				controls = append(controls, c.parts(property)...)
			}
		}
		for _, c := range t.cells {
			family := []*Cell{c}
			if property >= 0 {
				family = append(family, c.parts(property)...)
				t.link(family[1:], controls)
			}
			if !yield(family) {
				return
			}
		}
	}, nil
}
