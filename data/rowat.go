package data

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/parquet-go/parquet-go"
)

// Rows are read in windows, of which the last ones are kept: as many rows as the
// benchmark has items, twice over, because some cells of a run go through the
// items in the order of their preferences.
const (
	windowRows = 256
	windows    = 64
)

// A RowReader reads rows of a table by their number, with T naming the columns
// that are wanted. Rows that are asked for in order, either way, or near others
// that were lately, cost no more than reading the table through; any other row
// costs a seek and a window. One goroutine may use it.
type RowReader[T any] struct {
	table      *Table
	windowRows int
	windows    []window[T] // the last used first

	reader *parquet.GenericReader[T] // of group; nil before the first row
	group  int
	next   int // the number of the row that reader would read
}

// A window is some rows of one group that follow each other.
type window[T any] struct {
	first int // the number of the first row
	rows  []T
}

func (w window[T]) has(n int) bool { return n >= w.first && n < w.first+len(w.rows) }

// NewRowReader makes a reader of the table's rows. Close it before the table.
func NewRowReader[T any](t *Table) *RowReader[T] {
	return &RowReader[T]{table: t, windowRows: windowRows}
}

// ReadRows reads the rows with the given numbers, which cost a seek each, in
// their order; T names the columns that are wanted.
func ReadRows[T any](t *Table, numbers []int) ([]T, error) {
	r := &RowReader[T]{table: t, windowRows: 1}
	defer r.Close()
	rows := make([]T, len(numbers))
	for i, n := range numbers {
		var err error
		if rows[i], err = r.At(n); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// At is the row with a number; the first one of the table is row 0.
func (r *RowReader[T]) At(n int) (T, error) {
	i := slices.IndexFunc(r.windows, func(w window[T]) bool { return w.has(n) })
	if i < 0 {
		if len(r.windows) < windows {
			r.windows = append(r.windows, window[T]{rows: make([]T, 0, r.windowRows)})
		}
		i = len(r.windows) - 1
		if err := r.fill(&r.windows[i], n); err != nil {
			var zero T
			return zero, err
		}
	}
	w := r.windows[i]
	copy(r.windows[1:i+1], r.windows[:i])
	r.windows[0] = w
	return w.rows[n-w.first], nil
}

// fill reads the window that row n is in.
func (r *RowReader[T]) fill(w *window[T], n int) error {
	w.rows = w.rows[:0] // has no row, should this fail
	if n < 0 || n >= r.table.rows {
		return fmt.Errorf("read row %d of a table of %d", n, r.table.rows)
	}
	at := sort.Search(len(r.table.groups), func(i int) bool { return r.table.groups[i].row > n }) - 1
	g := r.table.groups[at]
	first := n - (n-g.row)%r.windowRows
	rows, err := r.read(at, first, w.rows[:min(r.windowRows, g.row+int(g.NumRows())-first)])
	if err != nil {
		return fmt.Errorf("read %s: %w", g.path, err)
	}
	w.first, w.rows = first, rows
	return nil
}

// read reads the rows of a group from the number first on.
func (r *RowReader[T]) read(group, first int, rows []T) (_ []T, err error) {
	defer recoverDamage(&err)
	g := r.table.groups[group]
	if r.reader == nil || r.group != group {
		r.Close()
		r.reader, r.group, r.next = parquet.NewGenericRowGroupReader[T](g.RowGroup), group, g.row
	}
	if r.next != first {
		if err := r.reader.SeekToRow(int64(first - g.row)); err != nil {
			return nil, err
		}
	}
	r.next = -1 // not known, should this fail
	for n := 0; n < len(rows); {
		some, err := readRows(r.reader, rows[n:])
		if n += some; n < len(rows) && err != nil {
			if err == io.EOF {
				err = errors.New("damaged file: it lacks rows")
			}
			return nil, err
		}
	}
	r.next = first + len(rows)
	return rows, nil
}

// Close ends the reading; the table stays open.
func (r *RowReader[T]) Close() error {
	if r.reader == nil {
		return nil
	}
	return r.reader.Close()
}
