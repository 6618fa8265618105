package data

import (
	"fmt"
	"os"

	"github.com/parquet-go/parquet-go"
)

// A Table is a table of a run, open to be read by column (Columns, Texts) and
// by row number (ReadRows, RowReader), which is cheap where ReadTable would
// read everything. It goes on reading the files that it opened where a new
// table takes their place. Several goroutines may use it.
type Table struct {
	parts  []openPart
	groups []rowGroup
	rows   int
}

// A rowGroup holds some thousand rows, its first has the number row.
type rowGroup struct {
	parquet.RowGroup
	path string // of its file
	row  int
}

// OpenTable opens the table in dir: it looks at the ends of its files, which
// finds those that were cut. The error is ErrNoTable where there is none, ErrTorn
// where files are missing.
func OpenTable(dir string) (*Table, error) {
	parts, err := openParts(dir)
	if err != nil {
		return nil, err
	}
	t := &Table{parts: parts}
	for _, p := range parts {
		for _, g := range p.parquet.RowGroups() {
			if g.NumRows() < 0 {
				t.Close()
				return nil, fmt.Errorf("read %s: damaged file: %d rows", p.Name(), g.NumRows())
			}
			t.groups = append(t.groups, rowGroup{g, p.Name(), t.rows})
			t.rows += int(g.NumRows())
		}
	}
	return t, nil
}

// Close closes the table's files.
func (t *Table) Close() error { return closeParts(t.parts) }

// Replaced says whether another table has taken the place of this one, which
// stays readable.
func (t *Table) Replaced() bool {
	for _, p := range t.parts {
		now, err := os.Stat(p.Name())
		was, e := p.Stat()
		if err != nil || e != nil || !os.SameFile(now, was) {
			return true
		}
	}
	return false
}

// ID is the random name of the table: one that takes its place has another. It is
// "" where an older perg wrote it.
func (t *Table) ID() string {
	id, _ := t.parts[0].parquet.Lookup(keyTable)
	return id
}

// Rows is the number of rows of the table.
func (t *Table) Rows() int { return t.rows }
