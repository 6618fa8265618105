package explore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"perg/harness/prompt"
	"perg/harness/results"
)

// A Facet is a property that lists are narrowed by.
type Facet string

// The facets.
const (
	ByOutcome        Facet = "outcome"
	ByFollowed       Facet = "followed"
	BySetting        Facet = "setting"
	ByPreferenceType Facet = "type"
	ByVariant        Facet = "variant"
	ByMethod         Facet = "method"
	BySource         Facet = "source"
	ByCategory       Facet = "category"
)

// Facets lists the facets, the most telling first.
func Facets() []Facet {
	return []Facet{ByOutcome, ByFollowed, BySetting, ByPreferenceType, ByVariant, ByMethod, BySource, ByCategory}
}

// A markedValue is a value of one of the two facets that marks have.
type markedValue struct {
	facet Facet
	value string
	mark  marks
}

var markedValues = []markedValue{
	outcomeOf(results.Broken), outcomeOf(results.Kept), outcomeOf(results.Mended), outcomeOf(results.WrongTwice),
	outcomeOf(results.NullBroken), outcomeOf(results.NullKept), outcomeOf(results.PlainRight), outcomeOf(results.PlainWrong), {ByOutcome, "unscored", unscored}, outcomeOf(results.Error),
	{ByFollowed, "yes", followed}, {ByFollowed, "no", notFollowed},
}

func outcomeOf(o results.Outcome) markedValue {
	return markedValue{ByOutcome, OutcomeValue(o), outcomeMark(o)}
}

// OutcomeValue is an outcome as a value of the facet ByOutcome: "wrong-twice".
func OutcomeValue(o results.Outcome) string { return strings.ReplaceAll(string(o), " ", "-") }

// A Filter says which generations are listed: for each facet those with one of
// the values, where it has any; and those whose question, preference or response
// has Text in it, in whichever case.
type Filter struct {
	Values map[Facet][]string
	Text   string
}

// key is the same for filters that list the same.
func (f Filter) key() string {
	var b strings.Builder
	for _, facet := range Facets() {
		values := slices.Clone(f.Values[facet])
		slices.Sort(values)
		fmt.Fprintf(&b, "%q", slices.Compact(values))
	}
	return b.String() + f.Text
}

// A Count is how many generations have a value of a facet, of those that all
// other facets of the filter let through; every value that the run has is
// counted, so that lists of them stay as they are. The filter's text is left out of it:
// it would have to be looked for in every response.
type Count struct {
	Value    string
	N        int
	Selected bool
}

// A compiled filter knows which facets keep a row out: bit i of a mask stands
// for Facets()[i].
type compiled struct {
	cells, items []uint16 // masks by cell, by item
	marks        []uint16 // masks by marks
}

func (x *index) compile(f Filter) compiled {
	c := compiled{make([]uint16, len(x.cells)), make([]uint16, len(x.items)), make([]uint16, allMarks)}
	for bit, facet := range Facets() {
		wanted := f.Values[facet]
		if len(wanted) == 0 {
			continue
		}
		out := func(value string) uint16 {
			if slices.Contains(wanted, value) {
				return 0
			}
			return 1 << bit
		}
		switch facet {
		case ByOutcome, ByFollowed:
			for m := range c.marks {
				if !slices.ContainsFunc(markedValues, func(v markedValue) bool {
					return v.facet == facet && marks(m)&v.mark != 0 && out(v.value) == 0
				}) {
					c.marks[m] |= 1 << bit
				}
			}
		case BySource, ByCategory, ByPreferenceType:
			for i := range x.items {
				c.items[i] |= out(x.items[i].value(facet))
			}
		default:
			for i := range x.cells {
				c.cells[i] |= out(cellValue(x.cells[i], facet))
			}
		}
	}
	return c
}

func cellValue(c results.Cell, f Facet) string {
	switch f {
	case ByVariant:
		return c.Variant
	case ByMethod:
		return string(c.Method)
	default:
		return string(c.Setting)
	}
}

func (it *Item) value(f Facet) string {
	switch f {
	case BySource:
		return it.Source
	case ByCategory:
		return it.Category
	default:
		return it.PreferenceType
	}
}

// out is the mask of the facets that keep a row out.
func (c *compiled) out(x *index, row int) uint16 {
	return c.cells[x.cell[row]] | c.items[x.item[row]] | c.marks[x.marks[row]]
}

// count goes through all rows once. A row counts for a facet's values where no
// other facet keeps it out. It gives the rows that nothing keeps out, too.
func (x *index) count(f Filter) (c compiled, through int, counts map[Facet][]Count) {
	c = x.compile(f)
	facets := Facets()
	// By cell, item and marks: how many rows nothing keeps out (at 0), and how
	// many the facet i alone (at i+1).
	kinds := len(facets) + 1
	byCell := make([]int32, kinds*len(x.cells))
	byItem := make([]int32, kinds*len(x.items))
	byMarks := make([]int32, kinds*allMarks)
	alone := make([]int8, 1<<len(facets))
	for mask := range alone {
		alone[mask] = -1
	}
	alone[0] = 0
	for i := range facets {
		alone[1<<i] = int8(i + 1)
	}
	for row := range x.item {
		kind := alone[c.out(x, row)]
		if kind < 0 {
			continue
		}
		if kind == 0 {
			through++
		}
		k := int(kind)
		byCell[int(x.cell[row])*kinds+k]++
		byItem[int(x.item[row])*kinds+k]++
		byMarks[int(x.marks[row])*kinds+k]++
	}
	counts = make(map[Facet][]Count)
	for i, facet := range facets {
		sums := make(map[string]int)
		add := func(value string, by []int32, at int) {
			sums[value] += int(by[at*kinds] + by[at*kinds+i+1])
		}
		switch facet {
		case ByOutcome, ByFollowed:
			for _, v := range markedValues {
				if v.facet != facet || x.seen&v.mark == 0 {
					continue
				}
				for m := range allMarks {
					if marks(m)&v.mark != 0 {
						add(v.value, byMarks, m)
					}
				}
			}
		case BySource, ByCategory, ByPreferenceType:
			for it := range x.items {
				add(x.items[it].value(facet), byItem, it)
			}
		default:
			for cell := range x.cells {
				add(cellValue(x.cells[cell], facet), byCell, cell)
			}
		}
		for _, v := range f.Values[facet] {
			sums[v] += 0 // what is selected stays in sight, to be let go of
		}
		for value, n := range sums {
			counts[facet] = append(counts[facet], Count{value, n, slices.Contains(f.Values[facet], value)})
		}
		slices.SortFunc(counts[facet], func(a, b Count) int {
			return cmp.Or(cmp.Compare(rank(facet, a.Value), rank(facet, b.Value)), cmp.Compare(a.Value, b.Value))
		})
	}
	return c, through, counts
}

// rank is the place of a value in its facet, where that is not the alphabet's.
func rank(f Facet, value string) int {
	switch f {
	case ByOutcome, ByFollowed:
		return slices.IndexFunc(markedValues, func(v markedValue) bool { return v.facet == f && v.value == value })
	case BySetting:
		return slices.Index(prompt.Settings(), prompt.Setting(value))
	case ByMethod:
		return slices.Index(prompt.Methods(), prompt.Method(value))
	}
	return 0
}
