package data

import (
	"fmt"
	"io"
	"os"
	"slices"

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
// costs a seek and a window.
type RowReader[T any] struct {
	parts   []openedPart[T]
	windows []window[T] // the last used first
}

// A window is some rows that follow each other.
type window[T any] struct {
	first int64 // the number of the first row
	rows  []T
}

func (w window[T]) has(n int64) bool { return n >= w.first && n < w.first+int64(len(w.rows)) }

type openedPart[T any] struct {
	file   *os.File
	reader *parquet.GenericReader[T]
	first  int64 // the number of its first row
	next   int64 // the number of the row that it would read
}

// OpenRows opens the table in dir; ErrNoTable where there is none.
func OpenRows[T any](dir string) (r *RowReader[T], err error) {
	paths, err := TableParts(dir)
	if err != nil {
		return nil, err
	}
	r = new(RowReader[T])
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	first := int64(0)
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		reader, err := openPart[T](f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		r.parts = append(r.parts, openedPart[T]{f, reader, first, first})
		first += reader.NumRows()
	}
	return r, nil
}

// At is the row with a number; the first one of the table is row 0.
func (r *RowReader[T]) At(n int64) (T, error) {
	i := slices.IndexFunc(r.windows, func(w window[T]) bool { return w.has(n) })
	if i < 0 {
		if len(r.windows) < windows {
			r.windows = append(r.windows, window[T]{rows: make([]T, 0, windowRows)})
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
func (r *RowReader[T]) fill(w *window[T], n int64) error {
	w.rows = w.rows[:0] // has no row, should this fail
	i := len(r.parts) - 1
	for i > 0 && r.parts[i].first > n {
		i--
	}
	p := &r.parts[i]
	if n < 0 || n-p.first >= p.reader.NumRows() {
		return fmt.Errorf("%s has no row %d", p.file.Name(), n)
	}
	w.first = n - (n-p.first)%windowRows
	if p.next != w.first {
		if err := p.seek(w.first); err != nil {
			return fmt.Errorf("read %s: %w", p.file.Name(), err)
		}
	}
	for len(w.rows) < windowRows {
		some, err := readRows(p.reader, w.rows[len(w.rows):windowRows])
		w.rows = w.rows[:len(w.rows)+some]
		p.next = w.first + int64(len(w.rows))
		if err == io.EOF {
			break
		}
		if err != nil {
			w.rows = w.rows[:0]
			return fmt.Errorf("read %s: %w", p.file.Name(), err)
		}
	}
	if !w.has(n) {
		return fmt.Errorf("%s ends before row %d", p.file.Name(), n)
	}
	return nil
}

func (p *openedPart[T]) seek(n int64) (err error) {
	defer recoverDamage(&err)
	return p.reader.SeekToRow(n - p.first)
}

// Close closes the table's files.
func (r *RowReader[T]) Close() error {
	var first error
	for _, p := range r.parts {
		if err := p.reader.Close(); first == nil {
			first = err
		}
		if err := p.file.Close(); first == nil {
			first = err
		}
	}
	return first
}
