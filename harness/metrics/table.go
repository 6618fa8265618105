package metrics

import (
	"gonum.org/v1/gonum/stat"

	"perg/harness/prompt"
	"perg/harness/results"
)

// All is the group that holds every item of a cell.
const All = "all"

// A Table is a run as metrics see it.
type Table struct {
	Items   []results.Item // in order of first appearance
	Repeats int            // generations of each item in each cell

	seed     uint64
	cells    []*Cell // over all items, in the order in which the run made them
	controls []*Cell // so, too

	divisions [properties]division // in the order of GroupBys
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
	families, err := t.families(by)
	if err != nil {
		return nil, err
	}
	var all []*Cell
	for family := range families {
		all = append(all, family...)
	}
	return all, nil
}

// A Cell is one variant x method x setting over one group of items, with its
// pairs by item. Its Tally is over all repeats.
type Cell struct {
	Variant, Model, Quantization string
	Method                       prompt.Method
	Group                        string // All, or a value of the property; "" where the item has none
	Tally
	Cost

	BaselineReads  Reads
	Letters        Letters // none where the cell is not over all items
	Again, Rotated *Cell   // controls of its variant over the same group; nil: there are none
	Usage                  // of the GPUs, where they were sampled

	table *Table
	// The cell's generations in the order of the run's table, five bytes each
	// where there is one repeat.
	items   []int32 // positions in the table
	repeats []int32 // nil: all are 0
	pairs   []results.Pair
	paces   []pace             // nil: no speed is known
	costs   [properties][]Cost // by group of each property; none where the cell is not over all items
	base    *Cell              // that of its baselines; nil: there is none
}

// A row is one generation.
type row struct {
	item, repeat int32 // item is a position in the table
	pair         results.Pair
	pace         pace
}

// name is the cell's in the run's tables, whatever its group.
func (c *Cell) name() results.Cell {
	return results.Cell{Variant: c.Variant, Method: c.Method, Setting: c.Setting, Control: c.Control}
}

// row is generation i of the cell.
func (c *Cell) row(i int) row { return row{c.items[i], c.repeat(i), c.pairs[i], c.paceOf(i)} }

func (c *Cell) repeat(i int) int32 {
	if c.repeats == nil {
		return 0
	}
	return c.repeats[i]
}

// place adds a generation whose pair is not known yet.
func (c *Cell) place(item, repeat int32) {
	if repeat != 0 && c.repeats == nil {
		c.repeats = make([]int32, len(c.items), cap(c.items))
	}
	c.items = append(c.items, item)
	if c.repeats != nil {
		c.repeats = append(c.repeats, repeat)
	}
	c.pairs = append(c.pairs, 0)
}

func (c *Cell) add(r row) {
	c.place(r.item, r.repeat)
	c.pairs[len(c.pairs)-1] = r.pair
	c.Add(r.pair, 1)
	c.setPace(r.pace)
}

// Reads are responses by who read their answers.
type Reads struct {
	ByRules, ByModel, Unread int
	Responses                int
	Truncated                int // num_predict or the context ended them
	Thoughts, Loops          int // ended in a thought; of those and of the truncated, in a loop
}

func (r *Reads) add(s Reads) {
	r.ByRules, r.ByModel, r.Unread = r.ByRules+s.ByRules, r.ByModel+s.ByModel, r.Unread+s.Unread
	r.Responses, r.Truncated = r.Responses+s.Responses, r.Truncated+s.Truncated
	r.Thoughts, r.Loops = r.Thoughts+s.Thoughts, r.Loops+s.Loops
}

// Repeats is how often the cell's run asked each item.
func (c *Cell) Repeats() int { return c.table.Repeats }

// PairsOf are the cell's pairs by item, in the order of ids, and within an
// item by repeat: as many as the run has repeats. The pair of a generation that
// is not in the table is not complete; an item that is not is nil.
func (c *Cell) PairsOf(ids []string) [][]results.Pair {
	at := c.table.positions(ids)
	pairs := make([][]results.Pair, len(ids))
	for n, item := range c.items {
		i := at[item]
		if i < 0 {
			continue
		}
		if pairs[i] == nil {
			pairs[i] = make([]results.Pair, c.table.Repeats)
		}
		pairs[i][c.repeat(n)] = c.pairs[n]
	}
	return pairs
}

// A Repeat is what a cell's generations of one repeat come to.
type Repeat struct {
	Tally
	tokens, seconds float64
}

// Speed is the repeat's tokens per second of one slot; nil where it is not known.
func (r Repeat) Speed() *float64 {
	if r.seconds == 0 {
		return nil
	}
	return new(r.tokens / r.seconds)
}

// ByRepeat are the cell's repeats, each over all its items.
func (c *Cell) ByRepeat() []Repeat {
	all := make([]Repeat, c.table.Repeats)
	for i := range all {
		all[i].Tally = c.Tally.empty()
	}
	for i, p := range c.pairs {
		r, pace := &all[c.repeat(i)], c.paceOf(i)
		r.Add(p, 1)
		r.tokens, r.seconds = r.tokens+float64(pace.tokens), r.seconds+float64(pace.micros)/1e6
	}
	return all
}

// repeatsSD is the standard deviation of a metric from one repeat to another,
// each over all items; nil where it is defined in fewer than two.
func (c *Cell) repeatsSD(m Metric) *float64 {
	if c.table.Repeats < 2 {
		return nil
	}
	var values []float64
	for _, r := range c.ByRepeat() {
		if v := r.Rate(m).Value(); v != nil {
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
		for _, item := range c.items {
			id := c.table.Items[item].ID
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

// Questions gives for each item of the given ids the position in ids of the first
// that is the same question: its own where no other is.
func (c *Cell) Questions(ids []string) []int {
	own, first := c.table.positions(ids), c.table.drawn(ids)
	all := make([]int, len(ids))
	for i, at := range own {
		if at >= 0 {
			all[at] = int(first[i])
		}
	}
	return all
}

// drawn gives for each of the table's items the position in ids that it is drawn
// with, or -1: its own, or of those that are one question the first one's.
func (t *Table) drawn(ids []string) []int32 {
	positions := t.positions(ids)
	first := make(map[string]int32)
	for i, it := range t.Items {
		if it.QuestionID == "" || positions[i] < 0 {
			continue
		}
		if at, ok := first[it.QuestionID]; !ok || positions[i] < at {
			first[it.QuestionID] = positions[i]
		}
	}
	for i, it := range t.Items {
		if it.QuestionID != "" && positions[i] >= 0 {
			positions[i] = first[it.QuestionID]
		}
	}
	return positions
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
