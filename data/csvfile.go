package data

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
)

// newCSV reads CSV as spreadsheets write it, with or without a byte order mark.
func newCSV(r io.Reader) *csv.Reader {
	in := bufio.NewReader(r)
	if bom, _ := in.Peek(3); string(bom) == "\ufeff" {
		in.Discard(len(bom))
	}
	return csv.NewReader(in)
}

// recordError says what is wrong with a record as CSV, on which line it starts,
// and whether those after it can be read. The header has so many columns.
func recordError(name string, err *csv.ParseError, record []string, columns int) (said error, goesOn bool) {
	if err.Err == csv.ErrFieldCount {
		return fmt.Errorf("%s:%d: the record has %d fields, the header %d; quote fields that hold commas", name, err.StartLine, len(record), columns), true
	}
	return fmt.Errorf("%s:%d: this is no CSV at line %d, column %d (%w); double the quotes within a quoted field (the lines after it were not read)",
		name, err.StartLine, err.Line, err.Column, err.Err), false
}
