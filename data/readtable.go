package data

import (
	"fmt"
	"io"
	"iter"

	"github.com/parquet-go/parquet-go"
)

// ReadTable streams the rows of the table in dir. All are of one table, the one
// that is there when reading begins. It ends at the first error, which is
// ErrNoTable where there is none and ErrTorn where files are missing.
func ReadTable[T any](dir string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		parts, err := openParts(dir)
		if err != nil {
			yield(zero, err)
			return
		}
		defer closeParts(parts)
		for _, p := range parts {
			if more, err := readPart(p.parquet, yield); err != nil {
				yield(zero, fmt.Errorf("read %s: %w", p.Name(), err))
				return
			} else if !more {
				return
			}
		}
	}
}

func readPart[T any](file *parquet.File, yield func(T, error) bool) (more bool, err error) {
	r, err := newReader[T](file)
	if err != nil {
		return false, err
	}
	defer r.Close()
	rows := make([]T, 64)
	for {
		n, err := readRows(r, rows)
		for _, row := range rows[:n] {
			if !yield(row, nil) {
				return false, nil
			}
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

func newReader[T any](file *parquet.File) (r *parquet.GenericReader[T], err error) {
	defer recoverDamage(&err)
	return parquet.NewGenericReader[T](file), nil
}

func readRows[T any](r *parquet.GenericReader[T], rows []T) (n int, err error) {
	defer recoverDamage(&err)
	clear(rows) // the reader leaves a null's field as it was
	return r.Read(rows)
}

// recoverDamage turns a panic of the Parquet reader, which some damaged files
// cause, into an error.
func recoverDamage(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the Parquet file is damaged, or of a form that is not read: %v", r)
	}
}
