package data

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// Columns are some columns of one row group of a table, a row at the same
// position in each.
type Columns struct {
	Row     int // the number of the first row
	Rows    int
	Texts   map[string]Texts
	Numbers map[string]Numbers
}

// Texts are a text column: each row's is Values[Codes[row]], unknown where the
// code is -1. Most values come in many rows; one may have two codes.
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

// Columns reads columns of texts and of numbers, one row group at a time and in
// order, several of them at once ahead of its user. It costs a twentieth of
// ReadTable where columns repeat themselves, because rows are not put together.
// The first column has to be there: a file without it is of another kind. Where
// a file lacks another one, as those of older versions of perg may, it is
// unknown in every row. It ends at the first error.
func (t *Table) Columns(texts, numbers []string) iter.Seq2[*Columns, error] {
	return func(yield func(*Columns, error) bool) {
		type decoded struct {
			columns *Columns
			err     error
		}
		var ahead []chan decoded
		rest := t.groups
		start := func() {
			if len(rest) == 0 {
				return
			}
			g, done := rest[0], make(chan decoded, 1)
			rest, ahead = rest[1:], append(ahead, done)
			go func() {
				c, err := g.columns(texts, numbers)
				done <- decoded{c, err}
			}()
		}
		// Nothing reads on when the table may be closed.
		defer func() {
			for _, done := range ahead {
				<-done
			}
		}()
		for range runtime.GOMAXPROCS(0) {
			start()
		}
		for len(ahead) > 0 {
			d := <-ahead[0]
			ahead = ahead[1:]
			if d.err == nil {
				start()
			}
			if !yield(d.columns, d.err) || d.err != nil {
				return
			}
		}
	}
}

func (g rowGroup) columns(texts, numbers []string) (*Columns, error) {
	c := &Columns{Row: g.row, Rows: -1, Texts: make(map[string]Texts, len(texts)), Numbers: make(map[string]Numbers, len(numbers))}
	// Those that are there have as many rows as the group, which may say anything.
	read := func(name string, decode func(parquet.Page) error) (there bool, err error) {
		if _, there := g.Schema().Lookup(name); !there && c.Rows >= 0 {
			return false, nil
		}
		r := columnReader{group: g, column: name}
		defer r.close()
		for more := true; more && err == nil; {
			more, err = r.next(decode)
		}
		c.Rows = r.row
		return true, err
	}
	for _, name := range texts {
		d := textDecoder{codes: make([]int32, 0, max(c.Rows, 0))}
		there, err := read(name, d.page)
		if err != nil {
			return nil, err
		}
		if !there {
			d.codes = slices.Repeat([]int32{-1}, c.Rows)
		}
		c.Texts[name] = Texts{d.codes, d.values}
	}
	for _, name := range numbers {
		d := numberDecoder{values: make([]int64, 0, max(c.Rows, 0)), known: make([]bool, 0, max(c.Rows, 0))}
		there, err := read(name, d.page)
		if err != nil {
			return nil, err
		}
		if !there {
			d.values, d.known = make([]int64, c.Rows), make([]bool, c.Rows)
		}
		c.Numbers[name] = Numbers{d.values, d.known}
	}
	return c, nil
}

// A textDecoder takes codes from pages as they are. Values outside of a
// dictionary, which a writer leaves when it has grown too large, get codes
// after its own.
type textDecoder struct {
	codes  []int32
	values []string
	known  map[string]int32 // of values outside of a dictionary
	loaded bool             // the dictionary's values
}

func (d *textDecoder) page(p parquet.Page) error {
	d.codes = slices.Grow(d.codes, int(p.NumValues()))
	dictionary := p.Dictionary()
	if dictionary == nil {
		return eachText(p, func(text []byte) { d.codes = append(d.codes, d.code(text)) })
	}
	if p.Type().Kind() != parquet.ByteArray {
		return errNoText
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
			return fmt.Errorf("damaged file: %d is no value of its dictionary", code)
		}
	}
	levels := p.DefinitionLevels()
	if len(levels) == 0 && len(codes) == int(p.NumValues()) {
		d.codes = append(d.codes, codes...)
		return nil
	}
	for i := range p.NumValues() {
		code := int32(-1)
		if levels[i] > 0 {
			code, codes = codes[0], codes[1:]
		}
		d.codes = append(d.codes, code)
	}
	return nil
}

// code numbers a text outside of a dictionary; -1 where it is nil.
func (d *textDecoder) code(text []byte) int32 {
	if text == nil {
		return -1
	}
	code, ok := d.known[string(text)]
	if !ok {
		if d.known == nil {
			d.known = make(map[string]int32)
		}
		code = int32(len(d.values))
		d.values = append(d.values, string(text))
		d.known[d.values[code]] = code
	}
	return code
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
	return eachValues(p, func(some []parquet.Value) {
		values, known := d.values, d.known
		for i := range some {
			v, n := &some[i], int64(0)
			switch {
			case v.IsNull():
			case kind == parquet.Int64:
				n = v.Int64()
			case kind == parquet.Int32:
				n = int64(v.Int32())
			case v.Boolean():
				n = 1
			}
			values, known = append(values, n), append(known, !v.IsNull())
		}
		d.values, d.known = values, known
	})
}
