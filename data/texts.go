package data

import (
	"iter"

	"github.com/parquet-go/parquet-go"
)

// A TextPage is the values of one text column for len(Texts) rows from the
// number Row on; nil is unknown. They are good until the next ones are asked
// for.
type TextPage struct {
	Row   int
	Texts [][]byte
}

// Texts reads a text column from the row with the given number on, a page of
// the file at a time, which makes of long texts no strings. It ends at the
// first error.
func (t *Table) Texts(column string, from int) iter.Seq2[TextPage, error] {
	return func(yield func(TextPage, error) bool) {
		for _, g := range t.groups {
			if skip := max(from-g.row, 0); skip < int(g.NumRows()) && !g.texts(column, skip, yield) {
				return
			}
		}
	}
}

func (g rowGroup) texts(column string, from int, yield func(TextPage, error) bool) (more bool) {
	r := columnReader{group: g, column: column, row: from}
	defer r.close()
	var some TextPage
	for {
		some.Row, some.Texts = g.row+r.row, some.Texts[:0]
		page, err := r.next(func(p parquet.Page) error {
			return eachText(p, func(text []byte) { some.Texts = append(some.Texts, text) })
		})
		if err != nil {
			yield(TextPage{}, err)
			return false
		}
		if !page {
			return true
		}
		if !yield(some, nil) {
			return false
		}
	}
}
