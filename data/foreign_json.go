package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// openLines goes through all lines once, for the names of their columns.
func (t *Foreign) openLines() error {
	seen := make(map[string]bool)
	if err := t.rewind(); err != nil {
		return err
	}
	for {
		text, _, err := t.line()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		var object map[string]any
		if decodeNumbers(text, &object) != nil {
			continue // which is told with the row
		}
		for name := range flattened(object) {
			seen[name] = true
		}
	}
	t.columns = slices.Sorted(maps.Keys(seen))
	return t.rewind()
}

// rewind goes back to the first line.
func (t *Foreign) rewind() error {
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	in, err := plainText(t.file)
	if err != nil {
		return plainError(t.Name, err, foreignForms)
	}
	number := 0
	t.line = func() ([]byte, int, error) {
		for {
			text, err := in.ReadBytes('\n')
			if err != nil && err != io.EOF {
				return nil, 0, fmt.Errorf("read %s: %w", t.Name, err)
			}
			number++
			if text = bytes.TrimSpace(text); len(text) > 0 {
				return text, number, nil
			}
			if err == io.EOF {
				return nil, 0, io.EOF
			}
		}
	}
	t.next = func() (ForeignRow, error) {
		text, number, err := t.line()
		if err != nil {
			return ForeignRow{}, err
		}
		return t.objectRow(number, text)
	}
	return nil
}

// objectRow is a row that a JSON object is.
func (t *Foreign) objectRow(number int, text []byte) (ForeignRow, error) {
	wrong := func(err error) (ForeignRow, error) {
		return ForeignRow{Number: number}, RowError{fmt.Errorf("%s: %w", t.Place(number), err)}
	}
	if at := invalidByte(string(text)); at < len(text) {
		return wrong(fmt.Errorf("byte 0x%02x is not UTF-8 text; save the file as UTF-8", text[at]))
	}
	if err := checkSurrogates(text); err != nil {
		return wrong(err)
	}
	var object map[string]any
	if err := decodeNumbers(text, &object); err != nil {
		return wrong(fmt.Errorf("the line is no JSON object (%w); %s", err, foreignForms))
	}
	values := flattened(object)
	return ForeignRow{Number: number, values: func(column string) Value { return values[column] }}, nil
}

// decodeNumbers decodes JSON and keeps numbers as they are written.
func decodeNumbers(text []byte, to *map[string]any) error {
	d := json.NewDecoder(bytes.NewReader(standardJSON(text)))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		return err
	}
	if *to == nil {
		return errors.New("it is null")
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the object")
	}
	return nil
}

// flattened are the values of an object by their paths.
func flattened(object map[string]any) map[string]Value {
	values := make(map[string]Value, len(object))
	var add func(path string, of map[string]any)
	add = func(path string, of map[string]any) {
		for name, v := range of {
			if inner, ok := v.(map[string]any); ok {
				add(path+name+".", inner)
			} else {
				values[path+name] = valueOf(v)
			}
		}
	}
	add("", object)
	return values
}

func valueOf(v any) Value {
	switch v := v.(type) {
	case string:
		return Value{Known: true, Text: v}
	case json.Number:
		return Value{Known: true, Text: v.String()}
	case bool:
		return Value{Known: true, Text: fmt.Sprint(v)}
	case []any:
		list := make([]Value, len(v))
		for i, element := range v {
			list[i] = valueOf(element)
		}
		return Value{Known: true, List: list}
	default: // null, or an object in a list
		return Value{}
	}
}

// openParquet reads the columns that are texts, numbers, truth values, or lists
// of those; others are not among the table's columns.
func (t *Foreign) openParquet(r io.ReaderAt, size int64) (err error) {
	defer recoverDamage(&err)
	file, err := openForeignParquet(r, size)
	if err != nil {
		return fmt.Errorf("%s: %w; export or copy the file again", t.Name, err)
	}
	t.rows = true
	leaves := make(map[int]publicColumn)
	t.itemsHash, _ = file.Lookup(itemsHashKey)
	t.unread = findColumns(leaves, file.Root(), nil, 0)
	for _, i := range slices.Sorted(maps.Keys(leaves)) {
		t.columns = append(t.columns, strings.Join(leaves[i].path, "."))
	}
	groups := file.RowGroups()
	var rows parquet.Rows
	number := 0
	buffer, read, at := make([]parquet.Row, 64), 0, 0
	t.next = func() (_ ForeignRow, err error) {
		defer recoverDamage(&err)
		for at == read {
			if rows == nil {
				if len(groups) == 0 {
					return ForeignRow{}, io.EOF
				}
				rows, groups = groups[0].Rows(), groups[1:]
			}
			var err error
			read, err = rows.ReadRows(buffer)
			at = 0
			if err == io.EOF || err == nil && read == 0 {
				if e := rows.Close(); e != nil {
					return ForeignRow{}, fmt.Errorf("%s: after row %d: %w", t.Name, number, e)
				}
				rows = nil
			} else if err != nil {
				return ForeignRow{}, fmt.Errorf("%s: after row %d: %w; export or copy the file again", t.Name, number, err)
			}
		}
		row := buffer[at]
		at++
		number++
		text, err := rowJSON(leaves, row)
		if err != nil {
			return ForeignRow{Number: number}, RowError{fmt.Errorf("%s: %w", t.Place(number), err)}
		}
		return t.objectRow(number, text)
	}
	return nil
}
