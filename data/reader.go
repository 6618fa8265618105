package data

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"slices"
	"sort"

	"github.com/parquet-go/parquet-go"
)

// TableReader is a table of a run opened to be read by column and by row number,
// which is cheap where ReadTable would read everything. It goes on reading the
// table that it opened where a new one takes its place. Several goroutines may
// use it.
type TableReader struct {
	files  []*os.File
	groups []rowGroup
	rows   int
}

// A rowGroup holds some thousand rows, its first has the number row.
type rowGroup struct {
	parquet.RowGroup
	name string // of its file
	row  int
}

// OpenTable opens the table in dir; the error is ErrNoTable where there is
// none.
func OpenTable(dir string) (*TableReader, error) {
	parts, err := TableParts(dir)
	if err != nil {
		return nil, err
	}
	c := &TableReader{}
	for _, p := range parts {
		if err := c.open(p); err != nil {
			c.Close()
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
	}
	return c, nil
}

func (c *TableReader) open(path string) (err error) {
	defer recoverDamage(&err)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	c.files = append(c.files, f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := openParquet(f, info.Size())
	if err != nil {
		return err
	}
	for _, g := range file.RowGroups() {
		c.groups = append(c.groups, rowGroup{g, path, c.rows})
		c.rows += int(g.NumRows())
	}
	return nil
}

// Close closes the table's files.
func (c *TableReader) Close() error {
	var err error
	for _, f := range c.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// Replaced says whether another table has taken the place of this one, which it
// goes on reading.
func (c *TableReader) Replaced() bool {
	for _, f := range c.files {
		now, err := os.Stat(f.Name())
		was, e := f.Stat()
		if err != nil || e != nil || !os.SameFile(now, was) {
			return true
		}
	}
	return false
}

// Rows is the number of rows of the table.
func (c *TableReader) Rows() int { return c.rows }

// Codes are the values of one text column for len(Codes) rows from the number
// Row on, as indexes into Dict; -1 is null. Dict may hold a text twice.
type Codes struct {
	Row   int
	Dict  []string
	Codes []int32
}

// Null stands for null among Ints.
const Null = math.MinInt32

// Ints are the values of one column of 32-bit integers, or of booleans as 0 and
// 1, for len(Values) rows from the number Row on.
type Ints struct {
	Row    int
	Values []int32
}

// A TextPage is the values of one text column for len(Texts) rows from the number
// Row on; nil is null. They are good until the next ones are asked for.
type TextPage struct {
	Row   int
	Texts [][]byte
}

// Codes reads a text column of the whole table, some thousand rows at a time.
// It ends at the first error.
func (c *TableReader) Codes(column string) iter.Seq2[Codes, error] {
	return eachGroup(c, func(g rowGroup) (Codes, error) {
		codes := Codes{Row: g.row, Codes: make([]int32, 0, g.NumRows())}
		var dict parquet.Dictionary
		first := int32(0) // of dict, in codes.Dict
		err := g.readAll(column, func(p parquet.Page) {
			d := p.Dictionary()
			if d == nil { // a writer leaves a dictionary that has grown too large
				eachText(p, func(text []byte) {
					codes.Codes = append(codes.Codes, int32(len(codes.Dict)))
					codes.Dict = append(codes.Dict, string(text))
				}, func() { codes.Codes = append(codes.Codes, -1) })
				return
			}
			if d != dict {
				dict, first = d, int32(len(codes.Dict))
				for i := range d.Len() {
					codes.Dict = append(codes.Dict, string(d.Index(int32(i)).ByteArray()))
				}
			}
			values := p.Data()
			indexes := values.Int32()
			at := 0
			eachPresent(p, func(there bool) {
				if !there {
					codes.Codes = append(codes.Codes, -1)
					return
				}
				codes.Codes = append(codes.Codes, first+indexes[at])
				at++
			})
		})
		if err == nil && len(codes.Codes) > 0 && int(slices.Max(codes.Codes)) >= len(codes.Dict) {
			err = fmt.Errorf("read %s: damaged file: column %s has an index outside its dictionary", g.name, column)
		}
		return codes, err
	})
}

// Ints reads a column of 32-bit integers or booleans of the whole table, some
// thousand rows at a time. It ends at the first error.
func (c *TableReader) Ints(column string) iter.Seq2[Ints, error] {
	return eachGroup(c, func(g rowGroup) (Ints, error) {
		ints := Ints{Row: g.row, Values: make([]int32, 0, g.NumRows())}
		err := g.readAll(column, func(p parquet.Page) {
			eachOf(p, func(v parquet.Value) {
				switch {
				case v.IsNull():
					ints.Values = append(ints.Values, Null)
				case v.Kind() == parquet.Boolean && v.Boolean():
					ints.Values = append(ints.Values, 1)
				case v.Kind() == parquet.Boolean:
					ints.Values = append(ints.Values, 0)
				default:
					ints.Values = append(ints.Values, v.Int32())
				}
			})
		})
		return ints, err
	})
}

func eachGroup[T any](c *TableReader, read func(rowGroup) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, g := range c.groups {
			values, err := read(g)
			if !yield(values, err) || err != nil {
				return
			}
		}
	}
}

// Texts reads a text column from the row with the given number on, a page of
// the file at a time. It ends at the first error.
func (c *TableReader) Texts(column string, from int) iter.Seq2[TextPage, error] {
	return func(yield func(TextPage, error) bool) {
		for _, g := range c.groups {
			if skip := max(from-g.row, 0); skip < int(g.NumRows()) && !g.texts(column, skip, yield) {
				return
			}
		}
	}
}

func (g rowGroup) texts(column string, from int, yield func(TextPage, error) bool) (more bool) {
	r, err := g.read(column, from)
	defer r.close()
	some := TextPage{Row: g.row + from}
	for err == nil {
		some.Row += len(some.Texts)
		some.Texts = some.Texts[:0]
		var page bool
		page, err = r.next(func(p parquet.Page) {
			eachText(p, func(text []byte) { some.Texts = append(some.Texts, text) },
				func() { some.Texts = append(some.Texts, nil) })
		})
		if err == nil && !page {
			return true
		}
		if err == nil && !yield(some, nil) {
			return false
		}
	}
	yield(TextPage{}, err)
	return false
}

// ReadRows reads the rows with the given numbers, in their order; T has the
// columns that are read.
func ReadRows[T any](c *TableReader, numbers []int) ([]T, error) {
	rows := make([]T, len(numbers))
	order := make([]int, len(numbers))
	for i, n := range numbers {
		if n < 0 || n >= c.rows {
			return nil, fmt.Errorf("read row %d of a table of %d", n, c.rows)
		}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return numbers[a] - numbers[b] })
	for len(order) > 0 {
		at := sort.Search(len(c.groups), func(i int) bool { return c.groups[i].row > numbers[order[0]] }) - 1
		g, end := c.groups[at], c.rows
		if at+1 < len(c.groups) {
			end = c.groups[at+1].row
		}
		n := 1
		for n < len(order) && numbers[order[n]] < end {
			n++
		}
		if err := readFrom(g, rows, numbers, order[:n]); err != nil {
			return nil, fmt.Errorf("read %s: %w", g.name, err)
		}
		order = order[n:]
	}
	return rows, nil
}

// readFrom reads the rows of one group: into rows[i] that of number numbers[i],
// for each i.
func readFrom[T any](g rowGroup, rows []T, numbers, each []int) (err error) {
	defer recoverDamage(&err)
	r := parquet.NewGenericRowGroupReader[T](g.RowGroup)
	defer r.Close()
	for _, i := range each {
		if err := r.SeekToRow(int64(numbers[i] - g.row)); err != nil {
			return err
		}
		if n, err := r.Read(rows[i : i+1]); n == 0 {
			if err == nil || err == io.EOF {
				err = errors.New("damaged file: it lacks rows")
			}
			return err
		}
	}
	return nil
}
