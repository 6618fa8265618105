package explore

import (
	"cmp"
	"slices"
	"strings"

	"perg/harness/results"
)

// A Sort is an order of lists; the zero Sort is that of the run's tables.
type Sort struct {
	By   Column
	Down bool // the greatest first
}

// A Column is what lists are sorted by.
type Column string

// The columns.
const (
	SortOutcome  Column = "outcome"
	SortPlain    Column = "plain" // the baseline's letter
	SortAnswer   Column = "answer"
	SortScore    Column = "score" // the judges'
	SortRating   Column = "rating"
	SortVariant  Column = "variant"
	SortSetting  Column = "setting"
	SortMethod   Column = "method"
	SortRepeat   Column = "repeat"
	SortQuestion Column = "question"
	SortType     Column = "type"
	SortReader   Column = "reader"
	SortSource   Column = "source"
	SortCategory Column = "category"
)

// Columns lists the columns, in the order of lists.
func Columns() []Column {
	return []Column{
		SortOutcome, SortPlain, SortAnswer, SortScore, SortRating, SortVariant, SortSetting, SortMethod, SortRepeat,
		SortQuestion, SortType, SortReader, SortSource, SortCategory,
	}
}

// sort puts rows, which are in the order of the tables, into another, in which
// those that are alike stay in that of the tables. What has no value comes last
// either way.
func (x *rows) sort(rows []int32, s Sort) {
	rank := x.rank(s.By)
	if rank == nil {
		return
	}
	keys := make([]uint64, len(rows))
	for i, row := range rows {
		n := rank(int(row))
		if s.Down && n != last {
			n = last - 1 - n
		}
		keys[i] = uint64(n)<<32 | uint64(row)
	}
	slices.Sort(keys)
	for i, key := range keys {
		rows[i] = int32(uint32(key))
	}
}

// last is the rank of what has no value.
const last = 1<<32 - 1

// rank gives the place of a row's value in a column; nil: there is no such column.
func (x *rows) rank(by Column) func(row int) uint32 {
	of := func(cell func(results.Cell) string, f Facet) func(row int) uint32 {
		ranks := ranked(x.cells, cell, func(a, b string) int { return compareValues(f, a, b) })
		return func(row int) uint32 { return ranks[x.cell[row]] }
	}
	item := func(value func(Item) string) func(row int) uint32 {
		ranks := ranked(x.items, value, strings.Compare)
		return func(row int) uint32 { return ranks[x.item[row]] }
	}
	letters := func(l labels, of func(row int) int) func(row int) uint32 {
		ranks := ranked(l.texts, func(s string) string { return s }, strings.Compare)
		return func(row int) uint32 {
			if at := of(row); at >= 0 {
				return ranks[l.rows[at]]
			}
			return last
		}
	}
	itself := func(row int) int { return row }
	switch by {
	case SortOutcome:
		ranks := make([]uint32, allMarks)
		for m := range ranks {
			ranks[m] = uint32(compareRank(marks(m)))
		}
		return func(row int) uint32 { return ranks[x.marks[row]] }
	case SortPlain:
		return letters(x.answers, x.baseline)
	case SortAnswer:
		return letters(x.answers, itself)
	case SortReader:
		return letters(x.readers, itself)
	case SortScore:
		return func(row int) uint32 { return unlessZero(uint32(x.score[row])) }
	case SortRating:
		return func(row int) uint32 {
			if x.person == nil {
				return last
			}
			return unlessZero(uint32(personMark(x.person[row]).rating()))
		}
	case SortRepeat:
		return func(row int) uint32 { return uint32(x.repeat[row]) }
	case SortVariant:
		return of(func(c results.Cell) string { return c.Variant }, ByVariant)
	case SortSetting:
		return of(func(c results.Cell) string { return string(c.Setting) }, BySetting)
	case SortMethod:
		return of(func(c results.Cell) string { return string(c.Method) }, ByMethod)
	case SortQuestion:
		return item(func(it Item) string { return it.Question })
	case SortType:
		return item(func(it Item) string { return it.PreferenceType })
	case SortSource:
		return item(func(it Item) string { return it.Source })
	case SortCategory:
		return item(func(it Item) string { return it.Category })
	}
	return nil
}

func unlessZero(n uint32) uint32 {
	if n == 0 {
		return last
	}
	return n
}

// compareRank is the place of an outcome, in the order of its facet.
func compareRank(m marks) int {
	if m < firstOutcome {
		return 0 // no row is like that
	}
	return rank(ByOutcome, OutcomeValue(m.outcome()))
}

// ranked gives each its place among the texts of all; last where it has none.
func ranked[T any](all []T, text func(T) string, compare func(a, b string) int) []uint32 {
	texts := make([]string, len(all))
	order := make([]int, len(all))
	for i, one := range all {
		texts[i], order[i] = text(one), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(compare(texts[a], texts[b]), cmp.Compare(a, b)) })
	ranks := make([]uint32, len(all))
	n := uint32(0)
	for i, at := range order {
		if i > 0 && texts[at] != texts[order[i-1]] {
			n++
		}
		ranks[at] = n
		if texts[at] == "" {
			ranks[at] = last
		}
	}
	return ranks
}
