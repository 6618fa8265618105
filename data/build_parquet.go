package data

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
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
	file, err := openForeignParquet(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, fmt.Errorf("%w; export or copy the file again", err)
	}
	columns := make(map[int]publicColumn)
	unread := findColumns(columns, file.Root(), nil, 0)
	buffer := make([]parquet.Row, 64)
	for _, group := range file.RowGroups() {
		rows := group.Rows()
		for {
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				r := record{place: fmt.Sprintf("%s: row %d", name, len(records)+1), unread: unread}
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
	decimal bool
	scale   int // of a decimal: digits after its point
}

// findColumns collects the leaves under c by their index. The two inner nodes
// of a list, a repeated group alone in its parent and what is alone in that,
// give no name to the path. Leaves that are not read are given with their types.
func findColumns(columns map[int]publicColumn, c *parquet.Column, path []string, element int) (unread []string) {
	if c.Repeated() {
		element = c.MaxDefinitionLevel()
	}
	if c.Leaf() {
		column := publicColumn{path: path, list: c.MaxRepetitionLevel() == 1, element: element}
		if logical := c.Type().LogicalType(); logical != nil {
			if d, ok := logical.Value.(*format.DecimalType); ok {
				column.decimal, column.scale = true, int(d.Scale)
			}
		}
		kind := c.Type().Kind()
		switch {
		case c.MaxRepetitionLevel() > 1:
			return []string{fmt.Sprintf("%s (a list of lists)", strings.Join(path, "."))}
		case kind == parquet.Int96, kind == parquet.FixedLenByteArray && !column.decimal:
			return []string{fmt.Sprintf("%s (%s)", strings.Join(path, "."), c.Type())}
		}
		columns[c.Index()] = column
		return nil
	}
	children := c.Columns()
	alone := len(children) == 1
	if isMap(c) {
		return []string{fmt.Sprintf("%s (MAP)", strings.Join(path, "."))}
	}
	for _, child := range children {
		inner := path
		if !(alone && len(path) > 0 && (child.Repeated() || c.Repeated())) {
			inner = append(append([]string(nil), path...), child.Name())
		}
		unread = append(unread, findColumns(columns, child, inner, element)...)
	}
	return unread
}

// isMap says whether a column holds keys with values, in no order that is sure: by
// its form, since old writers do not say so.
func isMap(c *parquet.Column) bool {
	inner := c.Columns()
	if len(inner) != 1 || !inner[0].Repeated() || !slices.Contains([]string{"key_value", "map", "entries"}, inner[0].Name()) {
		return false
	}
	pair := inner[0].Columns()
	return len(pair) == 2 && pair[0].Name() == "key" && pair[1].Name() == "value"
}

// unreadColumns says which columns were not read for their types.
func unreadColumns(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf("; not read for their types: %s; write them as texts, numbers, truth values, or lists of those", strings.Join(all, ", "))
}

// decimal writes a number of so many digits after its point as JSON has it,
// without those that say nothing: 1.0 is 1.
func decimal(unscaled *big.Int, scale int) json.RawMessage {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, 0))), nil)
	text := new(big.Rat).SetFrac(unscaled, ten).FloatString(max(scale, 0))
	if scale > 0 {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return json.RawMessage(text)
}

// unscaled reads the bytes of a decimal: two's complement, the highest first.
func unscaled(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
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
			switch kind := v.Kind(); {
			case column.decimal && (kind == parquet.ByteArray || kind == parquet.FixedLenByteArray):
				value = decimal(unscaled(v.ByteArray()), column.scale)
			case column.decimal && kind == parquet.Int32:
				value = decimal(big.NewInt(int64(v.Int32())), column.scale)
			case column.decimal:
				value = decimal(big.NewInt(v.Int64()), column.scale)
			case kind == parquet.ByteArray:
				text := string(v.ByteArray())
				if !utf8.ValidString(text) {
					return nil, fmt.Errorf("%s is not UTF-8 text (at byte %d); save it as UTF-8", name, invalidByte(text))
				}
				value = text
			case kind == parquet.Int32:
				value = v.Int32()
			case kind == parquet.Float && number(float64(v.Float())) != nil:
				value = v.Float() // whose digits are fewer than those of a double
			case kind == parquet.Float:
			case kind == parquet.Double:
				value = number(v.Double())
			case kind == parquet.Boolean:
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
