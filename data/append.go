package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// An AppendWriter adds parts to a table that stays: what several executions of
// a run see, one after the other. A part has its final name when it is whole, and
// is then part of the table for good: how many there are none of them says.
type AppendWriter[T any] struct {
	dir    string
	number int // of the next part
	part   *FileWriter[T]
}

// AppendTable goes on with the table in dir, which the first row makes where
// it is missing. What a killed process left unfinished is removed: at most the
// rows since its last Rotate.
func AppendTable[T any](dir string) (*AppendWriter[T], error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !isMissing(err) {
		return nil, fmt.Errorf("append to table: %w", err)
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), unfinished); ok && isPart(name) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("remove an unfinished part: %w", err)
			}
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
		p, err := CreateFile[T](filepath.Join(w.dir, fmt.Sprintf("part-%05d.parquet", w.number)), nil)
		if err != nil {
			return err
		}
		w.part = p
	}
	if err := w.part.Write(row); err != nil || w.part.part.rows < rowsPerPart {
		return err
	}
	return w.Rotate()
}

// Rotate finishes the part that is being written, if there is one.
func (w *AppendWriter[T]) Rotate() error {
	if w.part == nil {
		return nil
	}
	p := w.part
	w.part = nil
	if err := p.Close(); err != nil {
		return err
	}
	w.number++
	return nil
}

// Close finishes the last part.
func (w *AppendWriter[T]) Close() error { return w.Rotate() }

// Abort removes the part that is being written; those before it stay.
func (w *AppendWriter[T]) Abort() {
	if w.part != nil {
		w.part.Abort()
		w.part = nil
	}
}
