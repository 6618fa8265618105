package metrics

import (
	"fmt"

	"gonum.org/v1/gonum/stat"

	"perg/harness/prompt"
)

// All is the group that holds every item of a cell.
const All = "all"

// A GroupBy is a property of items to break cells down by.
type GroupBy string

// The properties.
const (
	BySource         GroupBy = "source"
	ByCategory       GroupBy = "category"
	ByPreference     GroupBy = "preference"
	ByPreferenceType GroupBy = "preference_type"
)

// GroupBys lists the properties.
func GroupBys() []GroupBy {
	return []GroupBy{BySource, ByCategory, ByPreference, ByPreferenceType}
}

// An Item is what a run knows of one item.
type Item struct {
	ID, Source, Category, Preference, PreferenceType string
}

func (it Item) group(by GroupBy) (string, error) {
	switch by {
	case BySource:
		return it.Source, nil
	case ByCategory:
		return it.Category, nil
	case ByPreference:
		return it.Preference, nil
	case ByPreferenceType:
		return it.PreferenceType, nil
	default:
		return "", fmt.Errorf("metrics by %q: not a property of items", by)
	}
}

// A Table is a run as metrics see it.
type Table struct {
	Items   []Item // in order of first appearance
	Repeats int    // generations of each item in each cell

	seed  uint64
	cells []*Cell // over all items, in the order in which the run made them
}

// IDs are those of the table's items, in order.
func (t *Table) IDs() []string {
	ids := make([]string, len(t.Items))
	for i, it := range t.Items {
		ids[i] = it.ID
	}
	return ids
}

// Cells are the run's cells by variant, method and setting in the order of its
// table: each over all items and, where by is set, then over those of each
// value of the property, in order of appearance.
func (t *Table) Cells(by GroupBy) ([]*Cell, error) {
	var all []*Cell
	for _, c := range t.cells {
		all = append(all, c)
		if by == "" {
			continue
		}
		groups := make(map[string]*Cell)
		for _, r := range c.rows {
			name, err := t.Items[r.item].group(by)
			if err != nil {
				return nil, err
			}
			g := groups[name]
			if g == nil {
				g = &Cell{Variant: c.Variant, Model: c.Model, Quantization: c.Quantization, Method: c.Method, Group: name, table: t}
				g.Setting, g.Judged = c.Setting, c.Judged
				groups[name] = g
				all = append(all, g)
			}
			g.add(r)
		}
	}
	return all, nil
}

// A Cell is one variant x method x setting over one group of items, with its
// outcomes by item. Its Tally is over all repeats.
type Cell struct {
	Variant, Model, Quantization string
	Method                       prompt.Method
	Group                        string // All, or a value of the property; "" where the item has none
	Tally

	OutputTokens int64 // with a known duration
	EvalNS       int64
	PeakVRAM     *int64 // as Ollama reported it after the load
	FellBack     *int64 // second calls that could not be read; nil: the method has one call
	Usage               // of the GPUs, where they were sampled

	table *Table
	rows  []row
}

// A row is one generation.
type row struct {
	item, repeat int32 // item is a position in the table
	pair         Pair
	cost
}

// A cost is what a generation took; fields are zero where known is not.
type cost struct {
	tokens, evalNS, vram int64
	timed, placed        bool
	twoCalls, fellBack   bool
}

func costOf(g generation) cost {
	var c cost
	if c.timed = g.OutputTokens != nil && g.EvalNS != nil; c.timed {
		c.tokens, c.evalNS = *g.OutputTokens, *g.EvalNS
	}
	if c.placed = g.VRAMBytes != nil; c.placed {
		c.vram = *g.VRAMBytes
	}
	if c.twoCalls = g.FellBack != nil; c.twoCalls {
		c.fellBack = *g.FellBack
	}
	return c
}

func (c *Cell) add(r row) {
	c.rows = append(c.rows, r)
	c.Add(r.pair, 1)
	c.OutputTokens += r.tokens
	c.EvalNS += r.evalNS
	if r.placed && (c.PeakVRAM == nil || r.vram > *c.PeakVRAM) {
		c.PeakVRAM = new(r.vram)
	}
	if r.twoCalls {
		if c.FellBack == nil {
			c.FellBack = new(int64)
		}
		if r.fellBack {
			*c.FellBack++
		}
	}
}

// Repeats is how often the cell's run asked each item.
func (c *Cell) Repeats() int { return c.table.Repeats }

// Outcomes are the cell's pairs by item, in the order of ids, and within an
// item by repeat: as many as the run has repeats. A generation that is not in
// the table is a pair that failed; an item that is not is nil.
func (c *Cell) Outcomes(ids []string) [][]Pair {
	at := c.table.positions(ids)
	outcomes := make([][]Pair, len(ids))
	for _, r := range c.rows {
		i := at[r.item]
		if i < 0 {
			continue
		}
		if outcomes[i] == nil {
			outcomes[i] = make([]Pair, c.table.Repeats)
		}
		outcomes[i][r.repeat] = r.pair
	}
	return outcomes
}

// RepeatsSD is the standard deviation of a metric from one repeat to another,
// each over all items; nil where it is defined in fewer than two.
func (c *Cell) RepeatsSD(m Metric) *float64 {
	repeats := make([]Tally, c.table.Repeats)
	for _, r := range c.rows {
		t := &repeats[r.repeat]
		t.Setting, t.Judged = c.Setting, c.Judged
		t.Add(r.pair, 1)
	}
	var values []float64
	for _, t := range repeats {
		if v := t.Rate(m).Value(); v != nil {
			values = append(values, *v)
		}
	}
	if len(values) < 2 {
		return nil
	}
	return new(stat.StdDev(values, nil))
}

// Common are the ids of items that every cell has, in the order of the first.
func Common(cells ...*Cell) []string {
	var ids []string
	seen := make(map[string]int) // number of cells
	for n, c := range cells {
		for _, r := range c.rows {
			id := c.table.Items[r.item].ID
			if n == 0 && seen[id] == 0 {
				ids = append(ids, id)
			}
			if seen[id] == n {
				seen[id] = n + 1
			}
		}
	}
	kept := ids[:0]
	for _, id := range ids {
		if seen[id] == len(cells) {
			kept = append(kept, id)
		}
	}
	return kept
}

// positions gives for each of the table's items its position in ids, or -1.
func (t *Table) positions(ids []string) []int32 {
	at := make(map[string]int32, len(ids))
	for i, id := range ids {
		at[id] = int32(i)
	}
	positions := make([]int32, len(t.Items))
	for i, it := range t.Items {
		positions[i] = -1
		if p, ok := at[it.ID]; ok {
			positions[i] = p
		}
	}
	return positions
}
