package data

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Responses reads a CSV file of responses to multiple-choice items, a row at a
// time: one column holds the response, one the item's options as [ParseList]
// reads them, and one perhaps a label, the letter that someone gave the
// response.
type Responses struct {
	Name                     string
	csv                      *csv.Reader
	header                   []string
	response, options, label int // columns; label is -1 where there is none
}

// NewResponses reads the header and finds the columns in it; label is "" where
// there is none. Its errors list the columns that the file has.
func NewResponses(name string, r io.Reader, response, options, label string) (*Responses, error) {
	text, err := plainText(r)
	if err != nil {
		return nil, plainError(name, err, "responses are CSV with a header")
	}
	if start, _ := text.Peek(len(parquetMagic)); string(start) == parquetMagic {
		return nil, fmt.Errorf("%s is Parquet; responses are CSV with a header: 'perg import' reads Parquet, or write it as CSV", name)
	}
	rows := &Responses{Name: name, csv: newCSV(text, func(header []string) bool { return slices.Contains(trimmed(header), response) }), label: -1}
	rows.csv.ReuseRecord = true
	header, err := rows.csv.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Errorf("%s:%d: the header is no line of CSV (%w)", name, parse.StartLine, parse.Err)
	}
	if err == io.EOF {
		return nil, fmt.Errorf("%s is empty", name)
	}
	if err != nil {
		return nil, err
	}
	for _, h := range header {
		if !utf8.ValidString(h) || strings.Contains(h, "\x00") {
			return nil, fmt.Errorf("%s:1: the header is not UTF-8 text; save the file as CSV in UTF-8", name)
		}
	}
	rows.header = trimmed(header)
	var wrong []error
	find := func(flag, column string) int {
		at := slices.Index(rows.header, column)
		switch {
		case column == "":
			wrong = append(wrong, fmt.Errorf("--%s names no column", flag))
		case at < 0:
			wrong = append(wrong, fmt.Errorf("--%s: %s has no column %q", flag, name, column))
		case slices.Contains(rows.header[at+1:], column):
			wrong = append(wrong, fmt.Errorf("--%s: %s has two columns %q; rename one", flag, name, column))
		}
		return at
	}
	rows.response, rows.options = find("response", response), find("options", options)
	if label != "" {
		rows.label = find("label", label)
	}
	if wrong != nil {
		return nil, fmt.Errorf("%w\nits columns are: %s", errors.Join(wrong...), listed(rows.header))
	}
	if rows.response == rows.options || rows.label >= 0 && (rows.label == rows.response || rows.label == rows.options) {
		return nil, errors.New("one column is named for two things: responses, options and labels are three columns")
	}
	return rows, nil
}

func trimmed(header []string) []string {
	names := make([]string, len(header))
	for i, h := range header {
		names[i] = strings.TrimSpace(h)
	}
	return names
}

func listed(columns []string) string {
	names := slices.Clone(columns)
	for i, name := range names {
		if name == "" {
			names[i] = "(one without a name)"
		}
	}
	return strings.Join(names, ", ")
}

// Columns gives the names of the columns that are read; label is "" where
// there is none.
func (r *Responses) Columns() (response, options, label string) {
	if r.label >= 0 {
		label = r.header[r.label]
	}
	return r.header[r.response], r.header[r.options], label
}

// A Response is a row.
type Response struct {
	Line    int // on which the row starts
	Text    string
	Options []string
	Label   string // empty where there is none
}

// Next reads a row. It gives io.EOF at the end, and a [RowError] for a row
// that cannot be used where those after it can.
func (r *Responses) Next() (Response, error) {
	wrong := func(line int, format string, args ...any) (Response, error) {
		return Response{}, RowError{fmt.Errorf("%s:%d: "+format, append([]any{r.Name, line}, args...)...)}
	}
	record, err := r.csv.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		said, goesOn := recordError(r.Name, parse, record, len(r.header))
		if goesOn {
			said = RowError{said}
		}
		return Response{}, said
	}
	if err != nil {
		return Response{}, err
	}
	line, _ := r.csv.FieldPos(0)
	row := Response{Line: line, Text: record[r.response]}
	if r.label >= 0 {
		row.Label = known(record[r.label])
	}
	if !utf8.ValidString(row.Text) || !utf8.ValidString(row.Label) || !utf8.ValidString(record[r.options]) {
		return wrong(line, "the row is not UTF-8 text; save the file as UTF-8")
	}
	if row.Options, err = ParseList(record[r.options]); err != nil {
		return wrong(line, "%s: %w; a list is ['a', 'b'] (Python) or ['a' 'b'] (NumPy)", r.header[r.options], err)
	}
	if n := len(row.Options); n < 2 || n > MaxOptions {
		return wrong(line, "%s: a list of %d; an item has 2 to %d options", r.header[r.options], n, MaxOptions)
	}
	return row, nil
}

// A RowError is what is wrong with one row; those after it can be read.
type RowError struct{ error }
