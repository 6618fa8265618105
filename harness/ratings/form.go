package ratings

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
)

// The columns of the file that a person fills in. The ones that name the
// generation and the rating are required of any file of ratings.
const (
	colRating  = "rating" // 1 to 5; empty until the person fills it in
	colItem    = "item_id"
	colVariant = "variant"
	colMethod  = "method"
	colSetting = "setting"
	colRepeat  = "repeat"
	colControl = "control" // not in the form: what a judge rates is none. A file that says something of a control has it
	colRater   = "rater"   // not in the form; where several people's files are put together
	colLetter  = "letter"  // of the option that the response chooses, or "none": who checks the reader fills it in
	colNote    = "note"    // the person's own
)

var (
	required = []string{colItem, colVariant, colMethod, colSetting, colRepeat, colRating}
	form     = []string{colRating, colItem, colVariant, colMethod, colSetting, colRepeat, "preference", "question", "plain_response", "response", colLetter, colNote}
)

// byteOrderMark tells spreadsheets that a file is UTF-8; Excel takes it for the
// machine's own code page without it.
const byteOrderMark = "\ufeff"

// Form is the file that a person fills in: CSV, one row a generation, columns
// rating (empty), item_id, variant, method, setting, repeat, preference,
// question, plain_response, response, letter and note (empty).
func Form(rows []Row) []byte {
	var b bytes.Buffer
	b.WriteString(byteOrderMark)
	w := csv.NewWriter(&b)
	w.Write(form) // a bytes.Buffer takes everything
	for _, r := range rows {
		cells := []string{"", r.ItemID, r.Variant, string(r.Method), string(r.Setting), strconv.Itoa(int(r.Repeat)), r.Preference, r.Question, r.PlainResponse, r.Response, "", ""}
		for i := range cells {
			cells[i] = Guarded(cells[i])
		}
		w.Write(cells)
	}
	w.Flush()
	return b.Bytes()
}

// Spreadsheets take a cell that starts with one of these for a formula, and a
// model may write one. It gets an apostrophe in front, and so does one that has
// apostrophes in front already, so that unguarded can tell.
const formulaStarts = "=+-@\t\r"

func isFormula(cell string) bool {
	cell = strings.TrimLeft(cell, "'")
	return cell != "" && strings.IndexByte(formulaStarts, cell[0]) >= 0
}

// Guarded is a cell of CSV that no spreadsheet takes for a formula.
func Guarded(cell string) string {
	if isFormula(cell) {
		return "'" + cell
	}
	return cell
}

func unguarded(cell string) string {
	if strings.HasPrefix(cell, "'") && isFormula(cell) {
		return cell[1:]
	}
	return cell
}

// Untouched says whether content is a form without a rating, a letter or a note, which
// may be replaced: no work of a person is in it. A file of any other kind is
// not, nor is one that cannot be read.
func Untouched(content []byte) bool {
	t, err := openTable(bytes.NewReader(content))
	if err != nil || !slices.Equal(t.header, form) {
		return false
	}
	for {
		record, _, err := t.next()
		if err != nil {
			return err == errEnd
		}
		if strings.TrimSpace(record[0]+record[len(form)-2]+record[len(form)-1]) != "" {
			return false
		}
	}
}
