package data

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"
)

const (
	// rowsPerGroup bounds what a writer holds: 8,192 rows of a few kilobytes.
	rowsPerGroup = 8 << 10

	unfinished = ".tmp"
)

// A part is one file of a table while it is written, under a temporary name.
type part[T any] struct {
	file    *os.File
	parquet *parquet.GenericWriter[T]
	buffer  []T
	rows    int // the buffer's included
}

func createPart[T any](dir string, number int) (*part[T], error) {
	return createFile[T](filepath.Join(dir, fmt.Sprintf("part-%05d.parquet", number)))
}

// createFile starts the file that is to have the given path.
func createFile[T any](path string, more ...parquet.WriterOption) (*part[T], error) {
	f, err := os.Create(path + unfinished)
	if err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	options := append([]parquet.WriterOption{
		parquet.Compression(&parquet.Zstd),
		parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.CreatedBy("perg", "", ""),
	}, more...)
	return &part[T]{file: f, buffer: make([]T, 0, 256), parquet: parquet.NewGenericWriter[T](f, options...)}, nil
}

func (p *part[T]) write(row T) error {
	p.rows++
	p.buffer = append(p.buffer, row)
	if len(p.buffer) < cap(p.buffer) {
		return nil
	}
	return p.flush()
}

func (p *part[T]) flush() error {
	if _, err := p.parquet.Write(p.buffer); err != nil {
		return fmt.Errorf("write %s: %w", p.file.Name(), err)
	}
	clear(p.buffer)
	p.buffer = p.buffer[:0]
	return nil
}

// finish writes the rest and makes the file durable.
func (p *part[T]) finish() error {
	err := p.flush()
	if err == nil {
		err = p.parquet.Close()
	}
	if err == nil {
		err = p.file.Sync()
	}
	if e := p.file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.file.Name(), err)
	}
	return nil
}
