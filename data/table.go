package data

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// rowsPerPart keeps one file of a large run near a hundred megabytes.
const rowsPerPart = 256 << 10

// A TableWriter writes one table of a run: a directory of files
// part-NUMBER-ID.parquet, zstd, one fixed schema. The table takes the place of an
// older one in Close, in one step and whole (see replacement). Its ID is
// random: a program that looks for files first and opens them then, as DuckDB
// does, finds some of them missing when another table came in between, and never
// reads rows of both.
//
// Rows are encoded on a goroutine of the writer, while its user makes the next
// ones: what they point to must not change once they are written. Close or
// Abort ends it.
type TableWriter[T any] struct {
	place   *replacement // nil when it is taken, or given up
	perPart int          // rows
	batch   []T
	batches chan []T // to encode; closed when there are no more
	closed  bool
	spent   chan []T // to fill again
	ended   chan struct{}

	// What follows is the goroutine's until it has ended.
	part  *part[T]
	parts int
	err   error
}

// CreateTable starts a table that is to be in dir. A table has one writer at a
// time: it removes what killed ones left.
func CreateTable[T any](dir string) (*TableWriter[T], error) {
	place, err := newReplacement(dir)
	if err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	const queued = 2 // is enough to keep both sides at work
	w := &TableWriter[T]{place: place, perPart: rowsPerPart, batches: make(chan []T, queued), spent: make(chan []T, queued), ended: make(chan struct{})}
	if err := w.open(); err != nil {
		place.abort()
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
	if w.part.rows >= w.perPart {
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
	p, err := createPart[T](filepath.Join(w.place.tmp, fmt.Sprintf("part-%05d-%s.parquet", w.parts, w.place.id)))
	if err != nil {
		return err
	}
	p.parquet.SetKeyValueMetadata(keyTable, w.place.id)
	p.parquet.SetKeyValueMetadata(keyPart, strconv.Itoa(w.parts))
	w.part = p
	w.parts++
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
		w.part.parquet.SetKeyValueMetadata(keyParts, strconv.Itoa(w.parts))
		err = w.part.finish()
	}
	if err == nil {
		if err = w.place.commit(); err != nil {
			err = fmt.Errorf("finish table: %w", err)
		}
	}
	if err != nil {
		w.Abort()
		return err
	}
	w.place = nil
	return nil
}

// Abort gives the table up and removes what was written of it. After Close it
// does nothing.
func (w *TableWriter[T]) Abort() {
	w.end()
	w.part.file.Close()
	if w.place != nil {
		w.place.abort()
		w.place = nil
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
