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

// Columns is a table of a run opened to be read by column and by row number,
// which is cheap where ReadTable would read everything. It goes on reading the
// table that it opened where a new one takes its place. Several goroutines may
// use it.
type Columns struct {
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

// OpenColumns opens the table in dir; the error is ErrNoTable where there is
// none.
func OpenColumns(dir string) (*Columns, error) {
	parts, err := TableParts(dir)
	if err != nil {
		return nil, err
	}
	c := &Columns{}
	for _, p := range parts {
		if err := c.open(p); err != nil {
			c.Close()
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
	}
	return c, nil
}

func (c *Columns) open(path string) (err error) {
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
func (c *Columns) Close() error {
	var err error
	for _, f := range c.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// Rows is the number of rows of the table.
func (c *Columns) Rows() int { return c.rows }

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

// Texts are the values of one text column for len(Texts) rows from the number
// Row on; nil is null. They are good until the next ones are asked for.
type Texts struct {
	Row   int
	Texts [][]byte
}

// Codes reads a text column of the whole table, some thousand rows at a time.
// It ends at the first error.
func (c *Columns) Codes(column string) iter.Seq2[Codes, error] {
	return func(yield func(Codes, error) bool) {
		for _, g := range c.groups {
			codes := Codes{Row: g.row, Codes: make([]int32, 0, g.NumRows())}
			dict := parquet.Dictionary(nil)
			err := g.pages(column, 0, func(p parquet.Page) bool {
				from := int32(len(codes.Dict))
				if d := p.Dictionary(); d == nil {
					eachText(p, func(text []byte) {
						codes.Codes = append(codes.Codes, from)
						codes.Dict = append(codes.Dict, string(text))
						from++
					}, func() { codes.Codes = append(codes.Codes, -1) })
					return true
				} else if d != dict {
					dict = d
					for i := range d.Len() {
						codes.Dict = append(codes.Dict, string(d.Index(int32(i)).ByteArray()))
					}
				} else {
					from -= int32(d.Len())
				}
				data := p.Data()
				at := 0
				indexes := data.Int32()
				eachPresent(p, func(there bool) {
					if !there {
						codes.Codes = append(codes.Codes, -1)
						return
					}
					codes.Codes = append(codes.Codes, from+indexes[at])
					at++
				})
				return true
			})
			if err == nil && len(codes.Codes) > 0 && int(slices.Max(codes.Codes)) >= len(codes.Dict) {
				err = fmt.Errorf("read %s: damaged file: column %s has an index outside its dictionary", g.name, column)
			}
			if err != nil {
				yield(Codes{}, err)
				return
			}
			if !yield(codes, nil) {
				return
			}
		}
	}
}

// Ints reads a column of 32-bit integers or booleans of the whole table, some
// thousand rows at a time. It ends at the first error.
func (c *Columns) Ints(column string) iter.Seq2[Ints, error] {
	return func(yield func(Ints, error) bool) {
		for _, g := range c.groups {
			ints := Ints{Row: g.row, Values: make([]int32, 0, g.NumRows())}
			err := g.pages(column, 0, func(p parquet.Page) bool {
				eachValue(p, func(v parquet.Value) {
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
				return true
			})
			if err != nil {
				yield(Ints{}, err)
				return
			}
			if !yield(ints, nil) {
				return
			}
		}
	}
}

// Texts reads a text column from the row with the given number on, a page of
// the file at a time. It ends at the first error.
func (c *Columns) Texts(column string, from int) iter.Seq2[Texts, error] {
	return func(yield func(Texts, error) bool) {
		for _, g := range c.groups {
			skip := max(from-g.row, 0)
			if skip >= int(g.NumRows()) {
				continue
			}
			some := Texts{Row: g.row + skip}
			more := true
			err := g.pages(column, skip, func(p parquet.Page) bool {
				some.Texts = some.Texts[:0]
				eachText(p, func(text []byte) { some.Texts = append(some.Texts, text) },
					func() { some.Texts = append(some.Texts, nil) })
				more = yield(some, nil)
				some.Row += len(some.Texts)
				return more
			})
			if err != nil {
				yield(Texts{}, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// ReadRows reads the rows with the given numbers, in their order; T has the
// columns that are read.
func ReadRows[T any](c *Columns, numbers []int) ([]T, error) {
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

// pages gives the pages of a column from a row of the group on, until each
// wants no more.
func (g rowGroup) pages(column string, from int, each func(parquet.Page) bool) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read %s: column %s: %w", g.name, column, err)
		}
	}()
	defer recoverDamage(&err)
	leaf, ok := g.Schema().Lookup(column)
	if !ok {
		return errors.New("there is none: the file is of another kind, or of an older perg")
	}
	pages := g.ColumnChunks()[leaf.ColumnIndex].Pages()
	defer pages.Close()
	if from > 0 {
		if err := pages.SeekToRow(int64(from)); err != nil {
			return err
		}
	}
	rows := from
	for {
		p, err := pages.ReadPage()
		if err == io.EOF && rows == int(g.NumRows()) {
			return nil
		}
		if err == io.EOF {
			return fmt.Errorf("damaged file: %d rows of %d", rows, g.NumRows())
		}
		if err != nil {
			return err
		}
		rows += int(p.NumRows())
		more := each(p)
		parquet.Release(p)
		if !more {
			return nil
		}
	}
}

// eachPresent says of each value of a page, in order, whether it is there.
func eachPresent(p parquet.Page, each func(there bool)) {
	levels := p.DefinitionLevels()
	if len(levels) == 0 {
		for range p.NumValues() {
			each(true)
		}
		return
	}
	for _, l := range levels {
		each(l > 0)
	}
}

// eachText gives the texts of a page, and says where there is none.
func eachText(p parquet.Page, text func([]byte), null func()) {
	if p.Dictionary() != nil {
		eachValue(p, func(v parquet.Value) {
			if v.IsNull() {
				null()
			} else {
				text(present(v.ByteArray()))
			}
		})
		return
	}
	data := p.Data()
	bytes, offsets := data.ByteArray()
	at := 0
	eachPresent(p, func(there bool) {
		if !there {
			null()
			return
		}
		text(present(bytes[offsets[at]:offsets[at+1]:offsets[at+1]]))
		at++
	})
}

// present tells an empty text from none.
func present(text []byte) []byte {
	if text == nil {
		return []byte{}
	}
	return text
}

// eachValue gives the values of a page that is small or dictionary-coded; the
// values are good until it returns.
func eachValue(p parquet.Page, each func(parquet.Value)) {
	values := p.Values()
	buffer := make([]parquet.Value, 1024)
	for {
		n, err := values.ReadValues(buffer)
		for _, v := range buffer[:n] {
			each(v)
		}
		if err != nil || n == 0 {
			return // a page in memory has no error but its end
		}
	}
}
