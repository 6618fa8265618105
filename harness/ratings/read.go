package ratings

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"perg/harness/results"
)

// A Person is someone's ratings.
type Person struct {
	Name    string // of the column rater; "" where the file has none
	Scores  map[results.Key]int
	Letters map[results.Key]string // the option that a response chooses, NoLetter where none or several
}

// Filled is what people have rated.
type Filled struct {
	People []Person // by name
	Blank  int      // rows without a rating or a letter
}

// shownErrors is how many errors of rows are listed; the others are counted.
const shownErrors = 20

// Read reads people's ratings: a form that was filled in, or any CSV with the
// columns item_id, variant, method, setting, repeat and rating, rater where
// several people rated, and control where a row is of one. Commas, semicolons or tabs part the cells, whichever
// the header has. known holds the generations that there are ratings to compare
// with. Wrong rows are listed together, each as name:line.
func Read(name string, r io.Reader, known map[results.Key]bool) (Filled, error) {
	t, err := openTable(r)
	if err != nil {
		return Filled{}, fmt.Errorf("%s: %w", name, err)
	}
	if err := t.need(required); err != nil {
		return Filled{}, fmt.Errorf("%s:%w", name, err)
	}
	type place struct {
		rater string
		key   results.Key
	}
	seen := make(map[place]int)
	people := make(map[string]Person)
	var f Filled
	var wrong []error
	more := 0
	for {
		record, line, err := t.next()
		if err == errEnd {
			break
		}
		var rated rating
		if err == nil {
			rated, err = t.rating(record, known)
		}
		if err == nil && (rated.score != 0 || rated.letter != "") {
			at := place{rated.rater, rated.key}
			if before := seen[at]; before != 0 {
				err = fmt.Errorf("rated already on line %d: %s", before, rated.key)
			}
			seen[at] = line
		}
		switch {
		case err != nil && len(wrong) < shownErrors:
			wrong = append(wrong, fmt.Errorf("%s:%d: %w", name, line, err))
		case err != nil:
			more++
		case rated.score == 0 && rated.letter == "":
			f.Blank++
		default:
			p, ok := people[rated.rater]
			if !ok {
				p = Person{Name: rated.rater, Scores: make(map[results.Key]int), Letters: make(map[results.Key]string)}
				people[rated.rater] = p
			}
			if rated.score != 0 {
				p.Scores[rated.key] = rated.score
			}
			if rated.letter != "" {
				p.Letters[rated.key] = rated.letter
			}
		}
		if t.broken {
			break
		}
	}
	if more > 0 {
		wrong = append(wrong, fmt.Errorf("and %d more; put these right first", more))
	}
	if wrong != nil {
		return Filled{}, errors.Join(wrong...)
	}
	for _, p := range people {
		f.People = append(f.People, p)
	}
	slices.SortFunc(f.People, func(a, b Person) int { return strings.Compare(a.Name, b.Name) })
	return f, nil
}

// A rating is what one row says; a score of 0 is none.
type rating struct {
	key    results.Key
	rater  string
	score  int
	letter string
}

func (t *table) rating(record []string, known map[results.Key]bool) (rating, error) {
	var wrong error
	cell := func(column string) string {
		i := slices.Index(t.header, column)
		if i < 0 {
			return ""
		}
		if !utf8.ValidString(record[i]) {
			wrong = fmt.Errorf("column %s is not UTF-8 text: save the file as \"CSV UTF-8\"", column)
		}
		return unguarded(record[i])
	}
	text, letter := strings.TrimSpace(cell(colRating)), strings.TrimSpace(cell(colLetter))
	if text == "" && letter == "" {
		return rating{}, wrong
	}
	r := rating{
		key:   results.Key{Cell: results.CellOf(cell(colVariant), cell(colMethod), cell(colSetting), cell(colControl)), ItemID: cell(colItem)},
		rater: strings.TrimSpace(cell(colRater)),
	}
	repeat := strings.TrimSpace(cell(colRepeat))
	if wrong != nil {
		return rating{}, wrong
	}
	if text != "" {
		score, err := strconv.Atoi(text)
		if err != nil || score < 1 || score > Categories {
			return rating{}, fmt.Errorf("the rating %q is not a whole number from 1 to %d", text, Categories)
		}
		r.score = score
	}
	if letter != "" {
		var err error
		if r.letter, err = letterOf(letter); err != nil {
			return rating{}, err
		}
	}
	n, err := strconv.ParseInt(repeat, 10, 32)
	if err != nil || n < 0 {
		return rating{}, fmt.Errorf("the repeat %q is not a whole number from 0", repeat)
	}
	r.key.Repeat = int32(n)
	if slices.Contains(t.header, colRater) && r.rater == "" {
		return rating{}, errors.New("a rating without a rater, in a file with that column")
	}
	if !known[r.key] {
		return rating{}, fmt.Errorf("no judge was asked about this generation: %s (has a spreadsheet changed a name, 0017 to 17?)", r.key)
	}
	return r, nil
}

// A table is CSV with a header, as spreadsheets of any country write it.
type table struct {
	header []string
	csv    *csv.Reader
	broken bool // what follows cannot be read
}

var errEnd = errors.New("no more rows")

func openTable(r io.Reader) (*table, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")) {
		return nil, errors.New("this is UTF-16 text: save the file as \"CSV UTF-8\"")
	}
	content = bytes.TrimPrefix(content, []byte(byteOrderMark))
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, errors.New("the file is empty")
	}
	// The delimiter is the one with which the header has most of the columns.
	var best *table
	found := -1
	for _, comma := range ",;\t" {
		t := &table{csv: csv.NewReader(bytes.NewReader(content))}
		t.csv.Comma = comma
		header, err := t.csv.Read()
		if err != nil {
			continue
		}
		for _, h := range header {
			t.header = append(t.header, strings.ToLower(strings.TrimSpace(h)))
		}
		n := 0
		for _, column := range required {
			if slices.Contains(t.header, column) {
				n++
			}
		}
		if n > found {
			best, found = t, n
		}
	}
	if best == nil {
		return nil, errors.New("the first line is no header of a CSV file")
	}
	return best, nil
}

// need says which columns are missing, or there twice.
func (t *table) need(columns []string) error {
	var missing []string
	for _, c := range columns {
		if !slices.Contains(t.header, c) {
			missing = append(missing, c)
		}
	}
	if missing != nil {
		return fmt.Errorf("1: the header lacks %s; it needs %s", strings.Join(missing, ", "), strings.Join(columns, ", "))
	}
	for i, c := range t.header {
		if (c == colRater || slices.Contains(columns, c)) && slices.Index(t.header, c) < i {
			return fmt.Errorf("1: the header has two columns %s", c)
		}
	}
	return nil
}

// next gives the next row that is not empty, and the line it starts on; errEnd
// after the last.
func (t *table) next() (record []string, line int, err error) {
	for {
		record, err = t.csv.Read()
		if err == io.EOF {
			return nil, 0, errEnd
		}
		if e, ok := errors.AsType[*csv.ParseError](err); ok {
			if e.Err == csv.ErrFieldCount {
				return nil, e.StartLine, fmt.Errorf("the row has %d cells, the header %d", len(record), len(t.header))
			}
			t.broken = true
			return nil, e.StartLine, fmt.Errorf("this is no CSV at line %d, column %d (%w); the lines after it were not read", e.Line, e.Column, e.Err)
		}
		if err != nil {
			return nil, 0, err
		}
		if slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			line, _ = t.csv.FieldPos(0)
			return record, line, nil
		}
	}
}
