package data

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// A columnReader reads the pages of one column of a row group.
type columnReader struct {
	group  rowGroup
	column string
	pages  parquet.Pages
	page   parquet.Page // whose values are in use
	row    int          // of the group, after page
}

// read starts to read a column at a row of the group.
func (g rowGroup) read(column string, from int) (r *columnReader, err error) {
	r = &columnReader{group: g, column: column, row: from}
	defer func() { err = r.failed(err) }()
	defer recoverDamage(&err)
	leaf, ok := g.Schema().Lookup(column)
	if !ok {
		return r, errors.New("there is none: the file is of another kind, or of an older perg")
	}
	r.pages = g.ColumnChunks()[leaf.ColumnIndex].Pages()
	if from == 0 {
		return r, nil
	}
	return r, r.pages.SeekToRow(int64(from))
}

func (r *columnReader) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read %s: column %s: %w", r.group.name, r.column, err)
}

// next decodes the next page; false is the end. What decode keeps is good until
// next is called again.
func (r *columnReader) next(decode func(parquet.Page)) (more bool, err error) {
	defer func() { err = r.failed(err) }()
	defer recoverDamage(&err)
	r.release()
	p, err := r.pages.ReadPage()
	if err == io.EOF && r.row == int(r.group.NumRows()) {
		return false, nil
	}
	if err == io.EOF {
		return false, fmt.Errorf("damaged file: %d rows of %d", r.row, r.group.NumRows())
	}
	if err != nil {
		return false, err
	}
	r.page = p
	r.row += int(p.NumRows())
	decode(p)
	return true, nil
}

func (r *columnReader) release() {
	if r.page != nil {
		parquet.Release(r.page)
		r.page = nil
	}
}

func (r *columnReader) close() {
	r.release()
	if r.pages != nil {
		r.pages.Close()
	}
}

// readAll decodes all pages of a column of a group.
func (g rowGroup) readAll(column string, decode func(parquet.Page)) error {
	r, err := g.read(column, 0)
	defer r.close()
	for more := true; more && err == nil; {
		more, err = r.next(decode)
	}
	return err
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
		eachOf(p, func(v parquet.Value) {
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

// eachOf gives the values of a page that is small or dictionary-coded; the
// values are good until it returns.
func eachOf(p parquet.Page, each func(parquet.Value)) {
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
