package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// parquetRecords reads rows as JSON objects of the same fields. It goes by
// columns, not by the names inside lists, which differ between the programs
// that export datasets ("element", "item"). A column of other values than texts,
// numbers and truth values, and a list of lists, are no part of the objects.
func parquetRecords(name string, content []byte) []record {
	records, err := readParquetRecords(name, content)
	if err == nil && len(records) == 0 {
		err = fmt.Errorf("the file has no rows; %s", recordForms)
	}
	if err != nil {
		records = append(records, record{place: name, err: err})
	}
	return records
}

func readParquetRecords(name string, content []byte) (records []record, err error) {
	defer recoverDamage(&err)
	file, err := openParquet(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, fmt.Errorf("%w; export or copy the file again", err)
	}
	columns := make(map[int]publicColumn)
	findColumns(columns, file.Root(), nil, 0)
	buffer := make([]parquet.Row, 64)
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		for {
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				r := record{place: fmt.Sprintf("%s: row %d", name, len(records)+1)}
				r.text, r.err = rowJSON(columns, row)
				records = append(records, r)
			}
			if err == io.EOF {
				break
			}
			if err == nil && n == 0 {
				err = io.ErrNoProgress
			}
			if err != nil {
				rows.Close()
				return records, fmt.Errorf("after row %d: %w; export or copy the file again", len(records), err)
			}
		}
		if err := rows.Close(); err != nil {
			return records, fmt.Errorf("after row %d: %w", len(records), err)
		}
	}
	return records, nil
}

// A publicColumn is where the values of a leaf belong in a record.
type publicColumn struct {
	path    []string
	list    bool
	element int // definition level at which a list has an element
}

// findColumns collects the leaves under c by their index. The two inner nodes
// of a list, a repeated group alone in its parent and what is alone in that,
// give no name to the path.
func findColumns(columns map[int]publicColumn, c *parquet.Column, path []string, element int) {
	if c.Repeated() {
		element = c.MaxDefinitionLevel()
	}
	if c.Leaf() {
		switch c.Type().Kind() {
		case parquet.ByteArray, parquet.Int32, parquet.Int64, parquet.Double, parquet.Boolean:
			if c.MaxRepetitionLevel() <= 1 {
				columns[c.Index()] = publicColumn{path, c.MaxRepetitionLevel() == 1, element}
			}
		}
		return
	}
	children := c.Columns()
	alone := len(children) == 1
	for _, child := range children {
		inner := path
		if !(alone && len(path) > 0 && (child.Repeated() || c.Repeated())) {
			inner = append(append([]string(nil), path...), child.Name())
		}
		findColumns(columns, child, inner, element)
	}
}

// number is one that JSON can write, else nil: pandas has NaN for what is not
// known, and whole numbers as others where there is one.
func number(n float64) any {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return nil
	}
	return n
}

// rowJSON is a row as a JSON object.
func rowJSON(columns map[int]publicColumn, row parquet.Row) ([]byte, error) {
	object := make(map[string]any)
	for _, v := range row {
		column, ok := columns[v.Column()]
		if !ok {
			continue
		}
		at := object
		for _, name := range column.path[:len(column.path)-1] {
			inner, ok := at[name].(map[string]any)
			if !ok {
				inner = make(map[string]any)
				at[name] = inner
			}
			at = inner
		}
		name := column.path[len(column.path)-1]
		var value any // null
		if !v.IsNull() {
			switch v.Kind() {
			case parquet.ByteArray:
				text := string(v.ByteArray())
				if !utf8.ValidString(text) {
					return nil, fmt.Errorf("%s is not UTF-8 text (at byte %d); save it as UTF-8", name, invalidByte(text))
				}
				value = text
			case parquet.Int32:
				value = v.Int32()
			case parquet.Double:
				value = number(v.Double())
			case parquet.Boolean:
				value = v.Boolean()
			default:
				value = v.Int64()
			}
		}
		if !column.list {
			at[name] = value
			continue
		}
		list, _ := at[name].([]any)
		if v.DefinitionLevel() >= column.element {
			list = append(list, value)
		}
		at[name] = list
	}
	return json.Marshal(object)
}
