package data

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
)

// csvAhead is how much of a file is looked at to find its separator, in bytes: a
// first record, of most files.
const csvAhead = 1 << 16

// newCSV reads CSV in plain text as spreadsheets write it: separated by commas,
// or, in countries that write numbers with them, by semicolons; also by tabs.
// The separator is the first by which the first record fits; else that by which
// it has most fields.
func newCSV(text io.Reader, fits func(first []string) bool) *csv.Reader {
	in := bufio.NewReaderSize(text, csvAhead)
	start, _ := in.Peek(csvAhead)
	best, most := ',', 0
	for _, separator := range ",;\t" {
		r := csv.NewReader(bytes.NewReader(start))
		r.Comma = separator
		first, err := r.Read()
		if err != nil {
			continue
		}
		if fits(first) {
			best = separator
			break
		}
		if len(first) > most {
			best, most = separator, len(first)
		}
	}
	r := csv.NewReader(in)
	r.Comma = best
	return r
}

// recordError says what is wrong with a record as CSV, on which line it starts,
// and whether those after it can be read. The header has so many columns.
func recordError(name string, err *csv.ParseError, record []string, columns int) (said error, goesOn bool) {
	if err.Err == csv.ErrFieldCount {
		return fmt.Errorf("%s:%d: the record has %d fields, the header %d; quote fields that hold the separator", name, err.StartLine, len(record), columns), true
	}
	todo := "double the quotes within a quoted field"
	if err.Err == csv.ErrBareQuote {
		todo = "put the field in quotes, and double those within it"
	}
	return fmt.Errorf("%s:%d: this is no CSV at line %d, column %d (%w); %s (the lines after it were not read)",
		name, err.StartLine, err.Line, err.Column, err.Err, todo), false
}
