package data

import (
	"fmt"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// A row group has a dictionary for each text column of its own, so its rows
// have to be many for those that come again in each cell to be stored once: of
// a million generations with real texts, groups of 8,192 rows take 621 bytes a
// row, of 32,768 410, of 65,536 368. What a writer holds grows with them.
const (
	rowsPerGroup  = 32 << 10
	bytesPerGroup = 32 << 20 // of long responses fewer rows make a group

	// A dictionary that grows beyond dictionaryBytes is given up for the rest
	// of its group: the prompts of methods of two calls hold drafts, and no two
	// are the same. It is looked at each time that rowsPerLook rows are in.
	dictionaryBytes = 8 << 20
	rowsPerLook     = 8 << 10

	rowsPerBatch = 256

	// parquet-go v0.32.0 writes values that are known, "", in the place of nulls
	// where of the rows of one call a run of known values begins at a place, from
	// 0, that is the run's length (column_buffer_write.go, writeRowsFuncOfOptional
	// takes it to reach to the next multiple of 64). In two rows there is no such
	// run with a null behind it.
	rowsPerCall = 2
)

// A part is one file of a table while it is written.
type part[T any] struct {
	file         *os.File
	parquet      *parquet.GenericWriter[T]
	dictionaries []*parquet.ColumnWriter
	rows         int
	grouped      struct {
		rows  int
		bytes int64
	} // in the groups that are finished
}

// createPart starts a part in a file of the given path.
func createPart[T any](path string) (*part[T], error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	p := &part[T]{file: f, parquet: parquet.NewGenericWriter[T](f,
		parquet.Compression(tableCompression),
		parquet.DictionaryMaxBytes(dictionaryBytes),
		parquet.CreatedBy("perg", "", ""),
	)}
	schema, columns := p.parquet.Schema(), p.parquet.ColumnWriters()
	for _, path := range schema.Columns() {
		leaf, ok := schema.Lookup(path...)
		if e := leaf.Node.Encoding(); ok && e != nil && e.Encoding() == format.RLEDictionary {
			p.dictionaries = append(p.dictionaries, columns[leaf.ColumnIndex])
		}
	}
	return p, nil
}

// write adds at most rowsPerBatch rows, and keeps none of them.
func (p *part[T]) write(rows []T) error {
	var err error
	for some := range slices.Chunk(rows, rowsPerCall) {
		if _, err = p.parquet.Write(some); err != nil {
			break
		}
	}
	p.rows += len(rows)
	inGroup := p.rows - p.grouped.rows
	switch {
	case err != nil:
	case inGroup >= rowsPerGroup, p.parquet.Size()-p.grouped.bytes >= bytesPerGroup:
		err = p.parquet.Flush()
		p.grouped.rows, p.grouped.bytes = p.rows, p.parquet.Size()
	case inGroup%rowsPerLook < len(rows):
		for _, c := range p.dictionaries {
			// Sizes are compared where a page ends.
			if err = c.Flush(); err != nil {
				break
			}
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.file.Name(), err)
	}
	return nil
}

// finish makes the file whole and durable.
func (p *part[T]) finish() error {
	err := p.parquet.Close()
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
