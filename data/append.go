package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// An AppendWriter adds parts to a table that stays: what several executions of
// a run see, one after the other. A part has its final name when it is whole.
type AppendWriter[T any] struct {
	dir    string
	number int // of the next part
	part   *part[T]
	batch  []T
}

// AppendTable goes on with the table in dir, which the first row makes where
// it is missing. What a killed
// process left unfinished is removed: at most the rows since its last Rotate.
func AppendTable[T any](dir string) (*AppendWriter[T], error) {
	killed, err := filepath.Glob(filepath.Join(dir, "part-*.parquet"+unfinished))
	if err != nil {
		return nil, err
	}
	for _, p := range killed {
		if err := os.Remove(p); err != nil {
			return nil, fmt.Errorf("remove an unfinished part: %w", err)
		}
	}
	w := &AppendWriter[T]{dir: dir}
	parts, err := TableParts(dir)
	if err != nil && !errors.Is(err, ErrNoTable) {
		return nil, err
	}
	if n := len(parts); n > 0 {
		last := filepath.Base(parts[n-1])
		if _, err := fmt.Sscanf(last, "part-%d.parquet", &w.number); err != nil {
			return nil, fmt.Errorf("table in %s: %s is not the name of a part", dir, last)
		}
		w.number++
	}
	return w, nil
}

// Write adds a row. It is durable after the next Rotate or Close.
func (w *AppendWriter[T]) Write(row T) error {
	if w.part == nil {
		if err := os.MkdirAll(w.dir, 0o755); err != nil {
			return fmt.Errorf("create table: %w", err)
		}
		p, err := createPart[T](w.dir, w.number)
		if err != nil {
			return err
		}
		w.part = p
	}
	w.batch = append(w.batch, row)
	if len(w.batch) < rowsPerBatch {
		return nil
	}
	if err := w.flush(); err != nil || w.part.rows < rowsPerPart {
		return err
	}
	return w.Rotate()
}

func (w *AppendWriter[T]) flush() error {
	err := w.part.write(w.batch)
	clear(w.batch)
	w.batch = w.batch[:0]
	return err
}

// Rotate finishes the part that is being written, if there is one.
func (w *AppendWriter[T]) Rotate() error {
	if w.part == nil {
		return nil
	}
	err := w.flush()
	p := w.part
	w.part = nil
	if e := p.finish(); err == nil {
		err = e
	}
	tmp := p.file.Name()
	if err != nil {
		os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, strings.TrimSuffix(tmp, unfinished)); err != nil {
		return fmt.Errorf("finish table: %w", err)
	}
	w.number++
	return SyncDir(w.dir)
}

// Close finishes the last part.
func (w *AppendWriter[T]) Close() error { return w.Rotate() }

// Abort removes the part that is being written; those before it stay.
func (w *AppendWriter[T]) Abort() {
	if w.part == nil {
		return
	}
	w.part.file.Close()
	os.Remove(w.part.file.Name())
	w.part, w.batch = nil, nil
}
