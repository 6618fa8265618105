package data

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// rowsPerPart keeps one file of a large run near a hundred megabytes.
const rowsPerPart = 256 << 10

// A TableWriter writes one table of a run: a directory of files
// part-*.parquet, zstd, one fixed schema. The table takes the place of an
// older one in Close, whole; until then nothing of it has its final name.
//
// Rows are encoded on a goroutine of the writer, while its user makes the next
// ones: what they point to must not change once they are written. Close or
// Abort ends it.
type TableWriter[T any] struct {
	dir     string
	batch   []T
	batches chan []T // to encode; closed when there are no more
	closed  bool
	spent   chan []T // to fill again
	ended   chan struct{}

	// What follows is the goroutine's until it has ended.
	parts []string // under their temporary names
	part  *part[T]
	err   error
}

// CreateTable starts a table in dir, which it makes where it is missing.
func CreateTable[T any](dir string) (*TableWriter[T], error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	const queued = 2 // is enough to keep both sides at work
	w := &TableWriter[T]{dir: dir, batches: make(chan []T, queued), spent: make(chan []T, queued), ended: make(chan struct{})}
	if err := w.open(); err != nil {
		return nil, err
	}
	go w.encode()
	return w, nil
}

// Write adds a row. It may give the error of a row before.
func (w *TableWriter[T]) Write(row T) error {
	w.batch = append(w.batch, row)
	if len(w.batch) < rowsPerBatch {
		return nil
	}
	return w.hand()
}

// hand gives the batch to the goroutine and takes another to fill.
func (w *TableWriter[T]) hand() error {
	select {
	case w.batches <- w.batch:
	case <-w.ended:
		return w.err
	}
	select {
	case w.batch = <-w.spent:
	default:
		w.batch = make([]T, 0, rowsPerBatch)
	}
	return nil
}

// encode writes batches until there are no more, or one cannot be written.
func (w *TableWriter[T]) encode() {
	defer close(w.ended)
	for rows := range w.batches {
		if w.err = w.write(rows); w.err != nil {
			return
		}
		clear(rows)
		select {
		case w.spent <- rows[:0]:
		default:
		}
	}
}

func (w *TableWriter[T]) write(rows []T) error {
	if w.part.rows >= rowsPerPart {
		if err := w.part.finish(); err != nil {
			return err
		}
		if err := w.open(); err != nil {
			return err
		}
	}
	return w.part.write(rows)
}

func (w *TableWriter[T]) open() error {
	p, err := createPart[T](w.dir, len(w.parts))
	if err != nil {
		return err
	}
	w.part = p
	w.parts = append(w.parts, p.file.Name())
	return nil
}

// end waits for the goroutine, which writes what it was given.
func (w *TableWriter[T]) end() error {
	if !w.closed {
		close(w.batches)
		w.closed = true
	}
	<-w.ended
	return w.err
}

// Close finishes the table and puts it in the place of an older one. After an
// error, and after Abort, an older table is as it was.
func (w *TableWriter[T]) Close() error {
	if !w.closed {
		w.hand() // its error is the goroutine's
	}
	err := w.end()
	if err == nil {
		err = w.part.finish()
	}
	if err != nil {
		w.Abort()
		return err
	}
	kept := make(map[string]bool, len(w.parts))
	for _, tmp := range w.parts {
		final := strings.TrimSuffix(tmp, unfinished)
		if err := os.Rename(tmp, final); err != nil {
			return fmt.Errorf("finish table: %w", err)
		}
		kept[final] = true
	}
	old, err := TableParts(w.dir)
	if err != nil && !errors.Is(err, ErrNoTable) {
		return err
	}
	killed, err := filepath.Glob(filepath.Join(w.dir, "part-*.parquet"+unfinished))
	if err != nil {
		return err
	}
	for _, p := range append(old, killed...) {
		if kept[p] {
			continue
		}
		if err := os.Remove(p); err != nil {
			return fmt.Errorf("remove a part of an older table: %w", err)
		}
	}
	return SyncDir(w.dir)
}

// Abort gives the table up and removes what was written of it.
func (w *TableWriter[T]) Abort() {
	w.end()
	w.part.file.Close()
	for _, tmp := range w.parts {
		os.Remove(tmp)
	}
}

// WriteTable writes the rows of a table that are at hand.
func WriteTable[T any](dir string, rows []T) error {
	w, err := CreateTable[T](dir)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			w.Abort()
			return err
		}
	}
	return w.Close()
}

// SyncDir makes renames in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}

// ErrNoTable: a directory holds no part of a table.
var ErrNoTable = errors.New("no table")

// TableParts lists the files of the table in dir, in order.
func TableParts(dir string) ([]string, error) {
	parts, err := filepath.Glob(filepath.Join(dir, "part-*.parquet"))
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNoTable, dir)
	}
	slices.Sort(parts)
	return parts, nil
}

// ReadTable streams the rows of the table in dir. It ends at the first error.
func ReadTable[T any](dir string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		parts, err := TableParts(dir)
		if err != nil {
			yield(zero, err)
			return
		}
		for _, p := range parts {
			if more, err := readPart(p, yield); err != nil {
				yield(zero, fmt.Errorf("read %s: %w", p, err))
				return
			} else if !more {
				return
			}
		}
	}
}

func readPart[T any](path string, yield func(T, error) bool) (more bool, err error) {
	f, file, err := openFile(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
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
		*err = fmt.Errorf("damaged file: %v", r)
	}
}
