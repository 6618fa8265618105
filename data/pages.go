package data

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// A columnReader reads the pages of one column of a row group, that is no list.
type columnReader struct {
	group  rowGroup
	column string
	row    int           // of the group, after page; where to start
	pages  parquet.Pages // nil before the start
	page   parquet.Page  // whose values are in use
}

// next decodes the next page; false is the end. What decode keeps is good until
// next is called again.
func (r *columnReader) next(decode func(parquet.Page) error) (more bool, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("read %s: column %s: %w", r.group.path, r.column, err)
		}
	}()
	defer recoverDamage(&err)
	if r.pages == nil {
		if err := r.start(); err != nil {
			return false, err
		}
	}
	r.release()
	rows := int(r.group.NumRows())
	r.page, err = r.pages.ReadPage()
	if err == nil {
		r.row += int(r.page.NumValues())
	} else if err != io.EOF {
		return false, err
	}
	if r.row > rows || err == io.EOF && r.row < rows {
		return false, fmt.Errorf("damaged file: %d values for %d rows", r.row, rows)
	}
	if err == io.EOF {
		return false, nil
	}
	return true, decode(r.page)
}

func (r *columnReader) start() error {
	leaf, ok := r.group.Schema().Lookup(r.column)
	if !ok {
		return errors.New("there is none: the file is of another kind, or of an older perg")
	}
	if leaf.MaxRepetitionLevel > 0 || leaf.MaxDefinitionLevel > 1 {
		return errors.New("it is a list")
	}
	r.pages = r.group.ColumnChunks()[leaf.ColumnIndex].Pages()
	if r.row == 0 {
		return nil
	}
	return r.pages.SeekToRow(int64(r.row))
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

var errNoText = errors.New("it is no text")

// eachText gives the texts of a page, nil where there is none.
func eachText(p parquet.Page, each func([]byte)) error {
	if p.Type().Kind() != parquet.ByteArray {
		return errNoText
	}
	if p.Dictionary() != nil {
		return eachValues(p, func(some []parquet.Value) {
			for _, v := range some {
				if v.IsNull() {
					each(nil)
				} else {
					each(present(v.ByteArray()))
				}
			}
		})
	}
	data := p.Data()
	bytes, offsets := data.ByteArray()
	levels := p.DefinitionLevels()
	at := 0
	for i := range int(p.NumValues()) {
		if len(levels) > 0 && levels[i] == 0 {
			each(nil)
			continue
		}
		each(present(bytes[offsets[at]:offsets[at+1]:offsets[at+1]]))
		at++
	}
	return nil
}

// present tells an empty text from none.
func present(text []byte) []byte {
	if text == nil {
		return []byte{}
	}
	return text
}

// eachValues gives the values of a page, some at a time; they are good until it
// returns.
func eachValues(p parquet.Page, each func([]parquet.Value)) error {
	values := p.Values()
	var buffer [256]parquet.Value
	for left := int(p.NumValues()); left > 0; {
		n, err := values.ReadValues(buffer[:min(left, len(buffer))])
		each(buffer[:n])
		if left -= n; left > 0 && (n == 0 || err != nil) {
			return fmt.Errorf("damaged file: a page lacks %d of %d values", left, p.NumValues())
		}
	}
	return nil
}
