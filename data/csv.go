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

// csvColumns are those of the published CSV.
var csvColumns = []string{"id", "question", "options", "gold_option", "gold_answer", "category", "source", "preference"}

// csvSources maps the names that sources have in the published CSV to ours.
var csvSources = map[string]string{
	"truthfulqa/truthful_qa": "truthfulqa",
	"tau/commonsense_qa":     "commonsenseqa",
	"cais/mmlu":              "mmlu",
}

// ReadCSV reads the published CSV of PERGData (PERG_Data.csv, also seen as
// robuset_main.csv): UTF-8, with a header row that has the columns id,
// question, options, gold_option, gold_answer, category, source, preference
// in any order; other columns are ignored. Options are a list as ParseList
// reads it. Where the id is empty, the item is named by its source and its
// place within it ("mmlu-0001"). The preference's type is looked up in the
// embedded preferences; that of any other text stays unknown. Texts are kept
// as they are, but that a line break within one is a line feed alone.
//
// An error lists up to 20 problems, each as "name:line: what; what to do",
// with the line on which the record starts, and counts the others.
func ReadCSV(name string, r io.Reader) (Dataset, error) {
	text, err := plainText(r)
	if err != nil {
		return Dataset{}, plainError(name, err, datasetForms)
	}
	return readCSV(name, text)
}

func readCSV(name string, text io.Reader) (Dataset, error) {
	preferences, err := DefaultPreferences()
	if err != nil {
		return Dataset{}, fmt.Errorf("read %s: %w", name, err)
	}
	records := newCSV(text, isDatasetHeader)
	header, err := records.Read()
	if err != nil {
		return Dataset{}, headerError(name, err)
	}
	columns, err := csvHeader(name, header)
	if err != nil {
		return Dataset{}, err
	}

	var (
		bad      faults
		items    []Item
		lines    []int // on which the record of each item starts
		inSource = map[string]int{}
	)
	for {
		record, err := records.Read()
		if err == io.EOF {
			break
		}
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			if !addParseError(&bad, name, parse, record, len(header)) {
				break
			}
			continue
		}
		if err != nil {
			return Dataset{}, fmt.Errorf("read %s: %w", name, err)
		}
		line, _ := records.FieldPos(0)
		if addTextFaults(&bad, name, records, record) {
			continue
		}
		row := csvRow{columns, record}
		it, err := row.item()
		inSource[it.Source]++
		if err != nil {
			bad.add(line, "%s:%d: %w", name, line, err)
			continue
		}
		if it.ID == "" {
			it.ID = fmt.Sprintf("%s-%04d", it.Source, inSource[it.Source])
		}
		it.PreferenceType = preferences.TypeOf(strings.TrimSpace(it.Preference))
		items = append(items, it)
		lines = append(lines, line)
	}
	d := newDataset(name, items)
	if len(items) > 0 || len(bad) == 0 {
		bad.check(d, func(i int) (int, string) { return lines[i], fmt.Sprintf("%s:%d", name, lines[i]) })
	}
	if err := bad.err(); err != nil {
		return Dataset{}, err
	}
	return d, nil
}

// isDatasetHeader says whether a record has the columns of the published CSV
// that no other file is likely to have together.
func isDatasetHeader(record []string) bool {
	has := func(column string) bool {
		return slices.ContainsFunc(record, func(h string) bool { return strings.TrimSpace(h) == column })
	}
	return has("question") && has("options") && has("preference")
}

func headerError(name string, err error) error {
	if err == io.EOF {
		return fmt.Errorf("%s:1: the file is empty; %s", name, datasetForms)
	}
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("%s:%d: the header is no line of CSV (%w); %s", name, parse.StartLine, parse.Err, datasetForms)
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// csvHeader finds the columns by name.
func csvHeader(name string, header []string) (map[string]int, error) {
	columns := make(map[string]int, len(header))
	for i, h := range header {
		if !utf8.ValidString(h) || strings.Contains(h, "\x00") {
			return nil, fmt.Errorf("%s:1: the header is not UTF-8 text; save the file as CSV in UTF-8, or choose another: %s", name, datasetForms)
		}
		h = strings.TrimSpace(h)
		if _, dup := columns[h]; dup && slices.Contains(csvColumns, h) {
			return nil, fmt.Errorf("%s:1: there are two columns %s; remove one", name, h)
		}
		columns[h] = i
	}
	var missing []string
	for _, c := range csvColumns {
		if _, ok := columns[c]; !ok {
			missing = append(missing, c)
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("%s:1: missing columns: %s (found %s; expected %s); add them (id, category and gold_answer may be empty), or choose another file: %s",
			name, strings.Join(missing, ", "), shorten(fmt.Sprintf("%q", header)), strings.Join(csvColumns, ", "), datasetForms)
	}
	return columns, nil
}

// addParseError adds what is wrong with a record as CSV and says whether those
// after it can be read.
func addParseError(bad *faults, name string, err *csv.ParseError, record []string, columns int) bool {
	text, goesOn := recordError(name, err, record, columns)
	bad.add(err.StartLine, "%w", text)
	return goesOn
}

// addTextFaults adds fields of the record just read that are not UTF-8 or
// hold NUL, by the line of the byte, and says whether there are any.
func addTextFaults(bad *faults, name string, records *csv.Reader, record []string) (found bool) {
	for i, field := range record {
		at, what := 0, ""
		if !utf8.ValidString(field) {
			at = invalidByte(field)
			what = fmt.Sprintf("byte 0x%02x is not UTF-8 text; save the file as UTF-8", field[at])
		} else if at = strings.IndexByte(field, 0); at >= 0 {
			what = "there is a NUL character; remove it"
		} else {
			continue
		}
		line, _ := records.FieldPos(i)
		line += strings.Count(field[:at], "\n")
		bad.add(line, "%s:%d: %s", name, line, what)
		found = true
	}
	return found
}

// A csvRow is a record with the places of its columns.
type csvRow struct {
	columns map[string]int
	record  []string
}

func (r csvRow) get(column string) string { return r.record[r.columns[column]] }

// known is a column that is empty where there is no value.
func (r csvRow) known(column string) string { return known(r.get(column)) }

// known is a text without the blanks around it, and empty where it stands for no
// value.
func known(text string) string {
	if Missing(text) {
		return ""
	}
	return strings.TrimSpace(text)
}

// item reads the item, all but its preference's type. The source is there
// even where there is an error.
func (r csvRow) item() (Item, error) {
	it := Item{
		ID:         r.known("id"),
		Source:     r.known("source"),
		Category:   r.known("category"),
		Question:   r.get("question"),
		Preference: r.get("preference"),
	}
	if ours, ok := csvSources[it.Source]; ok {
		it.Source = ours
	}
	if it.Source == "" {
		return it, errors.New("the source is empty; name the source of the item")
	}
	var err error
	if it.Options, err = ParseList(r.get("options")); err != nil {
		return it, fmt.Errorf("options: %w; a list is ['a', 'b'] (Python) or ['a' 'b'] (NumPy)", err)
	}
	if len(it.Options) == 0 {
		return it, errors.New("options: the list is empty; an item needs at least 2")
	}
	letter := strings.TrimSpace(r.get("gold_option"))
	gold, ok := LetterIndex(bareLetter(letter), len(it.Options))
	if !ok {
		return it, fmt.Errorf("gold_option is %q; name one of the %d options by its letter, A to %s", shorten(letter), len(it.Options), Letter(min(len(it.Options), MaxOptions)-1))
	}
	it.Gold = gold
	answer := strings.TrimSpace(r.get("gold_answer"))
	if Missing(answer) && !repeatsOption(answer, it.Options) {
		return it, nil
	}
	if right := strings.TrimSpace(it.Options[gold]); answer != right {
		return it, fmt.Errorf("gold_answer is %q, but gold_option %s is %q; correct the one that is wrong, or leave gold_answer empty", shorten(answer), it.GoldLetter(), shorten(right))
	}
	return it, nil
}

// repeatsOption says whether a text is that of an option.
func repeatsOption(text string, options []string) bool {
	return slices.ContainsFunc(options, func(o string) bool { return strings.TrimSpace(o) == strings.TrimSpace(text) })
}

// bareLetter strips what people put around a letter: "(a)", "A.", "A)".
func bareLetter(s string) string {
	s = strings.TrimPrefix(s, "(")
	s = strings.TrimRight(s, ".):")
	return strings.ToUpper(strings.TrimSpace(s))
}

// shorten keeps a value that a message quotes to a readable length.
func shorten(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most]) + "…"
}
