package results

import (
	"maps"
	"slices"
)

// Places keep a number for each generation of a run, such as that of its row,
// under the numbers that a Reader gives cells and items: four bytes for each
// item of a cell. The zero Places are empty.
type Places struct {
	cells []cellPlaces
}

// cellPlaces hold numbers by item, plus one: 0 is none.
type cellPlaces struct {
	first   []int32           // of repeat 0, which most runs have alone
	repeats map[int32][]int32 // of the others
}

// Set keeps n, from 0, for a generation.
func (p *Places) Set(cell, item, repeat, n int32) {
	for int(cell) >= len(p.cells) {
		p.cells = append(p.cells, cellPlaces{})
	}
	c := &p.cells[cell]
	if repeat == 0 {
		c.first = put(c.first, item, n)
		return
	}
	if c.repeats == nil {
		c.repeats = make(map[int32][]int32)
	}
	c.repeats[repeat] = put(c.repeats[repeat], item, n)
}

func put(to []int32, item, n int32) []int32 {
	if missing := int(item) + 1 - len(to); missing > 0 {
		to = append(to, make([]int32, missing)...)
	}
	to[item] = n + 1
	return to
}

// Find gives the number of a generation. A cell or an item that is -1 has none.
func (p *Places) Find(cell, item, repeat int32) (n int32, ok bool) {
	if cell < 0 || int(cell) >= len(p.cells) {
		return 0, false
	}
	at := p.cells[cell].first
	if repeat != 0 {
		at = p.cells[cell].repeats[repeat]
	}
	if item < 0 || int(item) >= len(at) || at[item] == 0 {
		return 0, false
	}
	return at[item] - 1, true
}

// Of gives the numbers of an item's generations, by cell and repeat.
func (p *Places) Of(item int32) []int32 {
	var all []int32
	for cell, c := range p.cells {
		repeats := append(slices.Collect(maps.Keys(c.repeats)), 0)
		slices.Sort(repeats)
		for _, repeat := range repeats {
			if n, ok := p.Find(int32(cell), item, repeat); ok {
				all = append(all, n)
			}
		}
	}
	return all
}
