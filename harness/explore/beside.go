package explore

import (
	"slices"

	"perg/harness/prompt"
	"perg/harness/results"
)

// Beside names the generation that each is held against: of the same question in
// the same repeat, in another cell, or in another run. Fields that are empty are
// those of the generation itself.
type Beside struct {
	Run     bool // in the run that is beside this one (Run.SetBeside)
	Variant string
	Method  prompt.Method
	Setting prompt.Setting
}

// Values of the facets ByRight and ByBreaks, and of ByLetter.
const (
	Both    = "both"
	Here    = "here"  // this one alone
	There   = "there" // the one beside it alone
	Neither = "neither"
	Same    = "same"
	Other   = "other"
)

// A besideMark is what becomes of a row and of the one that it is held against;
// 0 where there is none, or either lacks a response there or in its baseline.
type besideMark uint8

const (
	compared besideMark = 1 << iota
	rightHere
	rightThere
	inBoth // in Q* of both
	brokenHere
	brokenThere
	sameLetter

	allBeside = 1 << 7
)

func (m besideMark) value(f Facet) string {
	side := func(here, there besideMark) string {
		switch m & (here | there) {
		case here | there:
			return Both
		case here:
			return Here
		case there:
			return There
		}
		return Neither
	}
	switch {
	case m&compared == 0, f == ByBreaks && m&inBoth == 0:
		return ""
	case f == ByRight:
		return side(rightHere, rightThere)
	case f == ByBreaks:
		return side(brokenHere, brokenThere)
	case m&sameLetter != 0:
		return Same
	default:
		return Other
	}
}

// of is the cell that rows of a cell are held against.
func (b Beside) of(c results.Cell) results.Cell {
	if b.Variant != "" {
		c.Variant = b.Variant
	}
	if b.Method != "" {
		c.Method = b.Method
	}
	if b.Setting != "" {
		c.Setting = b.Setting
	}
	return c
}

// A pairing finds the rows that those of a run are held against, in the same run
// or in another.
type pairing struct {
	here, there *index
	cells       []int32 // by cell here: the one there, or -1
	items       []int32 // by item here: nil where both are the same run
}

func pair(here, there *index, b Beside) pairing {
	p := pairing{here: here, there: there}
	for i, c := range here.cells {
		other := int32(slices.Index(there.cells, b.of(c)))
		if here == there && other == int32(i) {
			other = -1 // itself
		}
		p.cells = append(p.cells, other)
	}
	if here != there {
		numbers := make(map[string]int32)
		for i := range there.items {
			numbers[there.items[i].ID] = int32(i)
		}
		for i := range here.items {
			n, ok := numbers[here.items[i].ID]
			if !ok || there.items[n].Question != here.items[i].Question || there.items[n].Preference != here.items[i].Preference {
				n = -1
			}
			p.items = append(p.items, n)
		}
	}
	return p
}

// row is the one that a row is held against, or -1.
func (p pairing) row(row int) int {
	item := p.here.item[row]
	if p.items != nil {
		item = p.items[item]
	}
	if n, ok := p.there.places.Find(p.cells[p.here.cell[row]], item, p.here.repeat[row]); ok {
		return int(n)
	}
	return -1
}

// marks are those of all rows.
func (p pairing) marks() []uint8 {
	all := make([]uint8, len(p.here.item))
	for row := range all {
		if other := p.row(row); other >= 0 {
			all[row] = uint8(besideOf(p.here.marks[row].outcome(), p.there.marks[other].outcome(), p.here.answer(row) == p.there.answer(other)))
		}
	}
	return all
}

func besideOf(here, there results.Outcome, same bool) besideMark {
	if here == results.Error || there == results.Error {
		return 0
	}
	m := compared
	set := func(bit besideMark, yes bool) {
		if yes {
			m |= bit
		}
	}
	right := func(o results.Outcome) bool {
		return o == results.Kept || o == results.Mended || o == results.PlainRight || o == results.NullKept
	}
	qstar := func(o results.Outcome) bool { return o == results.Kept || o == results.Broken }
	set(rightHere, right(here))
	set(rightThere, right(there))
	set(inBoth, qstar(here) && qstar(there))
	set(brokenHere, here == results.Broken)
	set(brokenThere, there == results.Broken)
	set(sameLetter, same)
	return m
}

// SetBeside puts another run beside this one, which stays open as long. Wait comes
// first, for both.
func (r *Run) SetBeside(other *Run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.beside != other {
		r.beside, r.hits = other, nil
	}
}

// pairing is that of a filter; ok is false where it has none.
func (r *Run) pairing(b Beside) (p pairing, ok bool) {
	there := r
	if b.Run {
		there = r.beside
	}
	if b == (Beside{}) || there == nil {
		return p, false
	}
	return pair(r.index, there.index, b), true
}
