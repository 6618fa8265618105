package explore

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"perg/harness/explore/fulltext"
	"perg/harness/results"
)

// A Filter says which generations are listed, and in which order: for each facet
// those with one of the values, where it has any; and those whose question,
// preference or response has Text in it.
type Filter struct {
	Values map[Facet][]string
	Text   string // words that all have to be in one of the three: fulltext.Parse
	Regexp bool   // Text is a regular expression instead
	Beside Beside
	Sort   Sort
}

// query is what is looked for in texts; nil: nothing.
func (f Filter) query() (*fulltext.Query, error) {
	text := strings.TrimSpace(f.Text)
	if text == "" {
		return nil, nil
	}
	parse := fulltext.Parse
	if f.Regexp {
		parse = fulltext.Regexp
	}
	q, err := parse(text)
	return &q, err
}

// key is the same for filters that list the same.
func (f Filter) key() string {
	var b strings.Builder
	for _, facet := range Facets() {
		values := slices.Clone(f.Values[facet])
		slices.Sort(values)
		fmt.Fprintf(&b, "%q", slices.Compact(values))
	}
	fmt.Fprintf(&b, "%v%v%q%q%q%v", f.Regexp, f.Beside.Run, f.Beside.Variant, f.Beside.Method, f.Beside.Setting, f.Sort)
	return b.String() + strings.TrimSpace(f.Text)
}

// A Count is how many generations have a value of a facet, of those that all
// other facets of the filter let through; every value that the run has is
// counted, so that lists of them stay as they are. List.TextCounted says whether the
// filter's text is one of these.
type Count struct {
	Value    string
	N        int
	Selected bool
}

// A compiled filter knows which facets keep a row out: bit i of a mask stands
// for Facets()[i].
type compiled struct {
	of    *rows
	masks [nKinds][]uint32 // by the number that a row has of each kind
	match rowSet           // rows that have the text; nil: all, as far as is known
}

// lacksText is the bit of a mask for rows without the text.
const lacksText = 1 << 31

// rows are what a filter asks of the rows of a run: numbers of several kinds, of
// which a facet looks at one.
type rows struct {
	*index
	person []uint8 // nil: nobody has marked anything
	beside []uint8 // nil: rows are held against none
}

// A kind of numbers that rows have.
type kind int

const (
	byCell kind = iota
	byItem
	byMarks
	byChosen
	byReader
	byPerson
	byBeside
	nKinds
)

// sizes are how many numbers there are of each kind.
func (x *rows) sizes() [nKinds]int {
	return [nKinds]int{len(x.cells), len(x.items), allMarks, len(x.answers.texts), len(x.readers.texts), allPersonMarks, allBeside}
}

// at are the numbers of a row.
func (x *rows) at(row int) [nKinds]int {
	at := [nKinds]int{int(x.cell[row]), int(x.item[row]), int(x.marks[row]), int(x.answers.rows[row]), int(x.readers.rows[row])}
	if x.person != nil {
		at[byPerson] = int(x.person[row])
	}
	if x.beside != nil {
		at[byBeside] = int(x.beside[row])
	}
	return at
}

func (x *rows) compile(f Filter) compiled {
	c := compiled{of: x}
	for kind, n := range x.sizes() {
		c.masks[kind] = make([]uint32, n)
	}
	for bit, facet := range Facets() {
		wanted := f.Values[facet]
		if len(wanted) == 0 {
			continue
		}
		masks := c.masks[facet.kind()]
		keepOut := func(n int) {
			if !slices.ContainsFunc(wanted, func(v string) bool { return x.has(facet, n, v) }) {
				masks[n] |= 1 << bit
			}
		}
		if facet.kind() == byMarks {
			for _, m := range x.alike {
				keepOut(int(m))
			}
			continue
		}
		for n := range masks {
			keepOut(n)
		}
	}
	return c
}

// out is the mask of the facets that keep a row out.
func (c *compiled) out(row int) (mask uint32) {
	if c.match != nil && !c.match.has(row) {
		return lacksText
	}
	for kind, n := range c.of.at(row) {
		mask |= c.masks[kind][n]
	}
	return mask
}

// count goes through all rows once. A row counts for a facet's values where no
// other facet keeps it out. It gives how many rows the
// facets let through, and how many of them have the text, too.
func (c *compiled) count(f Filter) (through, hits int, counts map[Facet][]Count) {
	x := c.of
	facets := Facets()
	// By kind and number: how many rows nothing keeps out (at 0), and how many the
	// facet i alone (at i+1).
	width := len(facets) + 1
	var sums [nKinds][]int32
	for kind, n := range x.sizes() {
		sums[kind] = make([]int32, width*n)
	}
	for row := range x.item {
		at := x.at(row)
		mask := c.masks[byCell][at[byCell]] | c.masks[byItem][at[byItem]] | c.masks[byMarks][at[byMarks]] |
			c.masks[byChosen][at[byChosen]] | c.masks[byReader][at[byReader]] | c.masks[byPerson][at[byPerson]] | c.masks[byBeside][at[byBeside]]
		if mask&(mask-1) != 0 {
			continue // several keep it out
		}
		if mask == 0 {
			through++
		}
		if c.match != nil && !c.match.has(row) {
			continue
		}
		alone := 0
		if mask == 0 {
			hits++
		} else {
			alone = bits.TrailingZeros32(mask) + 1
		}
		for kind, n := range at {
			sums[kind][n*width+alone]++
		}
	}
	counts = make(map[Facet][]Count)
	for i, facet := range facets {
		of := make(map[string]int)
		by := sums[facet.kind()]
		x.values(facet, func(n int, value string) { of[value] += int(by[n*width] + by[n*width+i+1]) })
		for _, v := range f.Values[facet] {
			of[v] += 0 // what is selected stays in sight, to be let go of
		}
		for value, n := range of {
			counts[facet] = append(counts[facet], Count{value, n, slices.Contains(f.Values[facet], value)})
		}
		slices.SortFunc(counts[facet], func(a, b Count) int { return compareValues(facet, a.Value, b.Value) })
	}
	return through, hits, counts
}

// readerOf is the value of ByReader of a way that a letter was read.
func readerOf(from string) string {
	if from == "" {
		return noReader
	}
	return from
}

// noReader is the reader of what nobody could read.
const noReader = "nobody"

func cellValue(c results.Cell, f Facet) string {
	switch f {
	case ByVariant:
		return c.Variant
	case ByMethod:
		return string(c.Method)
	case ByControl:
		return cmp.Or(string(c.Control), AskedFirst)
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
