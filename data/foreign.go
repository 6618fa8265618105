package data

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// foreignForms is the hint of an error about a file that is no table.
const foreignForms = "a table is CSV with a header, JSON lines (an object a line), or Parquet"

// A Foreign is a table that another program made, open to be read a row at a
// time: CSV, JSON lines or Parquet, told apart by content. Objects within
// objects are columns named by their path, as doc.question. It knows nothing of
// what its columns mean.
type Foreign struct {
	Name string

	unread    []string // columns that are not read for their types, each with its own
	rows      bool     // they have numbers; lines else
	itemsHash string   // of Parquet that WriteParquet wrote
	file      *os.File
	columns   []string
	next      func() (ForeignRow, error)
	line      func() (text []byte, number int, err error) // of JSON lines, those that are not blank
}

// A ForeignRow is a row of a table that another program made.
type ForeignRow struct {
	Number int // of the line on which it starts; of Parquet that of the row, from 1
	values func(column string) Value
}

// Value is that of a column; unknown where the row has none.
func (r ForeignRow) Value(column string) Value { return r.values(column) }

// A Value is what a row has in a column: nothing, a text, or a list. Numbers and
// truth values are texts, as JSON writes them.
type Value struct {
	Known bool // false: null, or an empty field of CSV
	Text  string
	List  []Value // nil: it is no list
}

// OpenForeign opens a table, and reads as much of it as tells its columns: all
// of JSON lines, as each may have columns of its own.
func OpenForeign(name string) (*Foreign, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	t := &Foreign{Name: name, file: file}
	if err := t.open(); err != nil {
		file.Close()
		return nil, err
	}
	return t, nil
}

func (t *Foreign) open() error {
	info, err := t.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file, and it is read twice; %s", t.Name, foreignForms)
	}
	in, err := plainText(t.file)
	if err != nil {
		return plainError(t.Name, err, foreignForms)
	}
	start, err := in.Peek(64)
	if err != nil && err != io.EOF {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	text := strings.TrimSpace(string(start))
	switch {
	case strings.HasPrefix(string(start), parquetMagic):
		r, size, err := parquetReader(in, t.file)
		if err != nil {
			return fmt.Errorf("read %s: %w", t.Name, err)
		}
		return t.openParquet(r, size)
	case text == "":
		return fmt.Errorf("%s:1: there is nothing in the file; %s", t.Name, foreignForms)
	case text[0] == '{':
		return t.openLines()
	case text[0] == '[':
		return fmt.Errorf("%s:1: the file is a JSON list; write an object a line, as jq -c '.[]' does", t.Name)
	default:
		return t.openCSV(in)
	}
}

// Place is where a row of a number is found, in words.
func (t *Foreign) Place(number int) string {
	if t.rows {
		return fmt.Sprintf("%s: row %d", t.Name, number)
	}
	return fmt.Sprintf("%s:%d", t.Name, number)
}

// Columns are the names of the table's columns, in its order.
func (t *Foreign) Columns() []string { return t.columns }

// UnreadNote says which columns are not read, and of what types they are; "" where
// there are none.
func (t *Foreign) UnreadNote() string { return unreadColumns(t.unread) }

// Next reads a row. It gives io.EOF at the end, and a [RowError] for a row that
// cannot be used where those after it can.
func (t *Foreign) Next() (ForeignRow, error) { return t.next() }

// Close closes the file.
func (t *Foreign) Close() error { return t.file.Close() }

func (t *Foreign) openCSV(in io.Reader) error {
	rows := newCSV(in, func([]string) bool { return false })
	rows.ReuseRecord = true
	header, err := rows.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("%s:%d: the header is no line of CSV (%w); %s", t.Name, parse.StartLine, parse.Err, foreignForms)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	at := make(map[string]int, len(header))
	for i, name := range header {
		if !utf8.ValidString(name) || strings.Contains(name, "\x00") {
			return fmt.Errorf("%s:1: the header is not UTF-8 text; %s", t.Name, foreignForms)
		}
		name = strings.TrimSpace(name)
		if _, twice := at[name]; twice && name != "" {
			return fmt.Errorf("%s:1: there are two columns %q; rename one", t.Name, name)
		}
		at[name] = i
		t.columns = append(t.columns, name)
	}
	t.next = func() (ForeignRow, error) { return t.nextCSV(rows, at) }
	return nil
}

func (t *Foreign) nextCSV(rows *csv.Reader, at map[string]int) (ForeignRow, error) {
	record, err := rows.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		said, goesOn := recordError(t.Name, parse, record, len(t.columns))
		if goesOn {
			said = RowError{said}
		}
		return ForeignRow{}, said
	}
	if err == io.EOF {
		return ForeignRow{}, err
	}
	if err != nil {
		return ForeignRow{}, fmt.Errorf("read %s: %w", t.Name, err)
	}
	var bad faults
	if addTextFaults(&bad, t.Name, rows, record) {
		return ForeignRow{}, RowError{bad.err()}
	}
	line, _ := rows.FieldPos(0)
	return ForeignRow{
		Number: line,
		values: func(column string) Value {
			i, ok := at[column]
			if !ok || strings.TrimSpace(record[i]) == "" {
				return Value{}
			}
			return Value{Known: true, Text: record[i]}
		},
	}, nil
}

// Missing says whether a column has nothing, or a text that stands for that.
func (v Value) Missing() bool { return !v.Known || v.List == nil && Missing(v.Text) }

// ReadOptions reads the options of an item: a list, or one in writing, as
// [ParseList] and JSON have it.
func (v Value) ReadOptions() ([]string, error) {
	if v.List == nil {
		return ParseList(v.Text)
	}
	options := make([]string, len(v.List))
	for i, of := range v.List {
		if !of.Known || of.List != nil {
			return nil, fmt.Errorf("option %d is no text", i+1)
		}
		options[i] = of.Text
	}
	return options, nil
}

// ReadGold reads which of two options or more is the right one, in any of the
// ways that tables have it: its letter, also as "(b)" or "B."; its text; its
// number from 0.
func (v Value) ReadGold(options []string) (int, error) {
	text := strings.TrimSpace(v.Text)
	letters := Letter(min(len(options), MaxOptions) - 1)
	if !v.Known || v.List != nil || Missing(text) && !repeatsOption(text, options) {
		return 0, fmt.Errorf("the right option is missing; name it by its letter, A to %s, its text, or its number from 0", letters)
	}
	if i, ok := LetterIndex(bareLetter(text), len(options)); ok {
		return i, nil
	}
	byText := slices.IndexFunc(options, func(o string) bool { return strings.TrimSpace(o) == text })
	byNumber := -1
	if n, ok := WholeNumber(text); ok && n >= 0 && n < len(options) {
		byNumber = n
	}
	switch {
	case byText >= 0 && byNumber >= 0 && byText != byNumber:
		return 0, fmt.Errorf("the right option is %q, which is the text of option %s and the number of option %s; name it by its letter", text, Letter(byText), Letter(byNumber))
	case byText >= 0:
		return byText, nil
	case byNumber >= 0:
		return byNumber, nil
	}
	return 0, fmt.Errorf("the right option is %q, which is none of the %d; name it by its letter, A to %s, its text, or its number from 0", shorten(text), len(options), letters)
}

// ReadLetter reads the letter that somebody gave a response, also as "(b)" or
// "B."; false where it names none of n options.
func ReadLetter(text string, n int) (option int, ok bool) {
	return LetterIndex(bareLetter(strings.TrimSpace(text)), n)
}
