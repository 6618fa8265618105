package data

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Columns are some columns of one row group of a table, a row at the same
// position in each. Where a file lacks a column, as those of older versions of
// perg may, it is unknown in every row.
type Columns struct {
	Rows    int
	Texts   map[string]Texts
	Numbers map[string]Numbers
}

// Texts are a text column: each row's is Values[Codes[row]], unknown where the
// code is -1. Most values come in many rows.
type Texts struct {
	Codes  []int32
	Values []string
}

// At is the text of a row, "" where it is unknown.
func (t Texts) At(row int) string {
	if t.Codes[row] < 0 {
		return ""
	}
	return t.Values[t.Codes[row]]
}

// Numbers are a column of whole numbers, or of truth values as 0 and 1.
type Numbers struct {
	Values []int64 // 0 where it is unknown
	Known  []bool
}

// ReadColumns reads some columns of the table in dir, one row group at a time
// and in order, several of them at once ahead of its user. It costs a
// twentieth of ReadTable where columns repeat themselves, because rows are not
// put together. It ends at the first error.
func ReadColumns(dir string, texts, numbers []string) iter.Seq2[*Columns, error] {
	return func(yield func(*Columns, error) bool) {
		parts, err := TableParts(dir)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, path := range parts {
			if more, err := readColumns(path, texts, numbers, yield); err != nil {
				yield(nil, fmt.Errorf("read %s: %w", path, err))
				return
			} else if !more {
				return
			}
		}
	}
}

func readColumns(path string, texts, numbers []string, yield func(*Columns, error) bool) (more bool, err error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return false, err
	}
	defer f.Close()
	file, err := openColumns(f)
	if err != nil {
		return false, err
	}
	type group struct {
		columns *Columns
		err     error
	}
	groups := file.RowGroups()
	ready := make([]chan group, len(groups))
	next := 0 // to be read
	start := func() {
		if next == len(groups) {
			return
		}
		done := make(chan group, 1)
		ready[next] = done
		g := groups[next]
		next++
		go func() {
			c, err := decodeColumns(file, g, texts, numbers)
			done <- group{c, err}
		}()
	}
	for range runtime.GOMAXPROCS(0) {
		start()
	}
	more = true
	for i := 0; i < next; i++ {
		g := <-ready[i]
		ready[i] = nil
		if err == nil {
			err = g.err
		}
		if err == nil && more {
			start()
			more = yield(g.columns, nil)
		}
	}
	return more, err
}

func openColumns(f *os.File) (file *parquet.File, err error) {
	defer recoverDamage(&err)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return openParquet(f, info.Size())
}

func decodeColumns(file *parquet.File, g parquet.RowGroup, texts, numbers []string) (c *Columns, err error) {
	defer recoverDamage(&err)
	c = &Columns{Texts: make(map[string]Texts, len(texts)), Numbers: make(map[string]Numbers, len(numbers))}
	for _, name := range texts {
		var d textDecoder
		if err := eachPage(file, g, name, d.page); err != nil {
			return nil, err
		}
		c.Texts[name] = Texts{d.codes, d.values}
		c.Rows = max(c.Rows, len(d.codes))
	}
	for _, name := range numbers {
		var d numberDecoder
		if err := eachPage(file, g, name, d.page); err != nil {
			return nil, err
		}
		c.Numbers[name] = Numbers{d.values, d.known}
		c.Rows = max(c.Rows, len(d.values))
	}
	// All that are there have as many rows as the group, which may say anything.
	if int64(c.Rows) != g.NumRows() {
		return nil, fmt.Errorf("it has none of the columns %s", strings.Join(append(slices.Clone(texts), numbers...), ", "))
	}
	for name, t := range c.Texts {
		if len(t.Codes) < c.Rows {
			c.Texts[name] = Texts{Codes: slices.Repeat([]int32{-1}, c.Rows)}
		}
	}
	for name, n := range c.Numbers {
		if len(n.Values) < c.Rows {
			c.Numbers[name] = Numbers{make([]int64, c.Rows), make([]bool, c.Rows)}
		}
	}
	return c, nil
}

// eachPage hands out the pages of a column that is not a list, none where the
// file has no such column. They have to hold a value or a null for each row.
func eachPage(file *parquet.File, g parquet.RowGroup, name string, do func(parquet.Page) error) error {
	leaf, ok := file.Schema().Lookup(name)
	if !ok {
		return nil
	}
	if leaf.MaxRepetitionLevel > 0 || leaf.MaxDefinitionLevel > 1 {
		return fmt.Errorf("column %s is a list", name)
	}
	pages := g.ColumnChunks()[leaf.ColumnIndex].Pages()
	defer pages.Close()
	rows := int64(0)
	for {
		p, err := pages.ReadPage()
		if err == io.EOF && rows == g.NumRows() {
			return nil
		}
		if err == io.EOF {
			return fmt.Errorf("column %s has %d values for %d rows", name, rows, g.NumRows())
		}
		if err == nil {
			rows += p.NumValues()
			err = do(p)
			parquet.Release(p)
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", name, err)
		}
	}
}

// A textDecoder takes codes from pages as they are. Values outside of a
// dictionary get codes after its own.
type textDecoder struct {
	codes  []int32
	values []string
	known  map[string]int32 // of values outside of a dictionary
	loaded bool             // the dictionary's values
}

func (d *textDecoder) page(p parquet.Page) error {
	if p.Type().Kind() != parquet.ByteArray {
		return errors.New("it is no text")
	}
	d.codes = slices.Grow(d.codes, int(p.NumValues()))
	dictionary := p.Dictionary()
	if dictionary == nil {
		return eachValue(p, func(v parquet.Value) {
			if v.IsNull() {
				d.codes = append(d.codes, -1)
				return
			}
			code, ok := d.known[string(v.ByteArray())]
			if !ok {
				if d.known == nil {
					d.known = make(map[string]int32)
				}
				code = int32(len(d.values))
				d.values = append(d.values, string(v.ByteArray()))
				d.known[d.values[code]] = code
			}
			d.codes = append(d.codes, code)
		})
	}
	if !d.loaded {
		if len(d.values) > 0 {
			return errors.New("its dictionary comes late")
		}
		d.loaded = true
		d.values = make([]string, dictionary.Len())
		for i := range d.values {
			d.values[i] = string(dictionary.Index(int32(i)).ByteArray())
		}
	}
	data := p.Data()
	codes := data.Int32()
	for _, code := range codes {
		if code < 0 || int(code) >= dictionary.Len() {
			return fmt.Errorf("%d is no value of its dictionary", code)
		}
	}
	levels := p.DefinitionLevels()
	if len(levels) == 0 {
		d.codes = append(d.codes, codes...)
		return nil
	}
	for _, level := range levels {
		if level == 0 {
			d.codes = append(d.codes, -1)
			continue
		}
		if len(codes) == 0 {
			return errors.New("it has fewer values than it says")
		}
		d.codes, codes = append(d.codes, codes[0]), codes[1:]
	}
	return nil
}

type numberDecoder struct {
	values []int64
	known  []bool
}

func (d *numberDecoder) page(p parquet.Page) error {
	kind := p.Type().Kind()
	if kind != parquet.Boolean && kind != parquet.Int32 && kind != parquet.Int64 {
		return errors.New("it is no whole number")
	}
	d.values, d.known = slices.Grow(d.values, int(p.NumValues())), slices.Grow(d.known, int(p.NumValues()))
	return eachValue(p, func(v parquet.Value) {
		n := int64(0)
		switch {
		case v.IsNull():
		case kind == parquet.Int64:
			n = v.Int64()
		case kind == parquet.Int32:
			n = int64(v.Int32())
		case v.Boolean():
			n = 1
		}
		d.values, d.known = append(d.values, n), append(d.known, !v.IsNull())
	})
}

func eachValue(p parquet.Page, do func(parquet.Value)) error {
	values := p.Values()
	var buffer [256]parquet.Value
	for {
		n, err := values.ReadValues(buffer[:])
		for _, v := range buffer[:n] {
			do(v)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrNoProgress
		}
	}
}
