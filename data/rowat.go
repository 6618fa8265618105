package data

import (
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
)

// windowRows are read at once by a RowReader.
const windowRows = 256

// A RowReader reads rows of a table by their number, with T naming the columns
// that are wanted. It holds one window of rows: those that are asked for in
// order, either way, or nearly so, cost no more than reading the table through;
// any other row costs a seek and a window.
type RowReader[T any] struct {
	parts []openedPart[T]

	window []T   // rows that were read last
	first  int64 // the number of the window's first row
	read   int   // rows in the window
}

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
	r = &RowReader[T]{window: make([]T, windowRows)}
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
	if n < r.first || n >= r.first+int64(r.read) {
		if err := r.fill(n); err != nil {
			var zero T
			return zero, err
		}
	}
	return r.window[n-r.first], nil
}

// fill reads the window that row n is in.
func (r *RowReader[T]) fill(n int64) error {
	r.read = 0
	i := len(r.parts) - 1
	for i > 0 && r.parts[i].first > n {
		i--
	}
	p := &r.parts[i]
	if n < 0 || n-p.first >= p.reader.NumRows() {
		return fmt.Errorf("%s has no row %d", p.file.Name(), n)
	}
	r.first = n - (n-p.first)%windowRows
	if p.next != r.first {
		if err := p.seek(r.first); err != nil {
			return fmt.Errorf("read %s: %w", p.file.Name(), err)
		}
	}
	for r.read < len(r.window) {
		some, err := readRows(p.reader, r.window[r.read:])
		r.read += some
		p.next = r.first + int64(r.read)
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", p.file.Name(), err)
		}
	}
	if n >= r.first+int64(r.read) {
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
