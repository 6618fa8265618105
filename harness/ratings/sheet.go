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

	"perg/harness/results"
)

// colThumb is up or down: whether a person likes the answer, all in all. It is
// not in the form, and agreement leaves it alone.
const colThumb = "thumb"

// The thumbs.
const (
	ThumbUp   = "up"
	ThumbDown = "down"
)

// A Mark is what a person says of one generation.
type Mark struct {
	Rating int    // 1 to 5: how far it follows the preference; 0 is none
	Thumb  string // ThumbUp, ThumbDown, or ""
	Note   string
}

// A Sheet is a file of ratings that marks are put into one by one. What it does
// not change stays as it is, to the byte.
type Sheet struct {
	comma   rune
	crlf    bool
	header  []string
	mark    bool // the file begins with a byte order mark
	head    []byte
	rows    []sheetRow
	byPlace map[results.Key]int // the row that counts: the first that has a rating, or the first
}

type sheetRow struct {
	cells []string
	raw   []byte
}

// OpenSheet reads a file of ratings: a form, filled in or not, or any CSV that
// Read takes, with one person's ratings. Without content it is a new one.
func OpenSheet(content []byte) (*Sheet, error) {
	if len(content) == 0 {
		content = []byte(byteOrderMark + strings.Join(append(slices.Clone(form), colThumb), ",") + "\n")
	}
	t, err := openTable(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if err := t.need(required); err != nil {
		return nil, fmt.Errorf("line %w", err)
	}
	if slices.Contains(t.header, colRater) {
		return nil, errors.New("it has the column rater, of several people's ratings: whose are to be changed?")
	}
	s := &Sheet{comma: t.csv.Comma, header: t.header, byPlace: make(map[results.Key]int)}
	rest, mark := bytes.CutPrefix(content, []byte(byteOrderMark))
	s.mark = mark
	at := t.csv.InputOffset()
	s.head = rest[:at]
	s.crlf = bytes.HasSuffix(s.head, []byte("\r\n"))
	for {
		cells, err := t.csv.Read()
		if err == io.EOF {
			s.trail(rest[at:])
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		end := t.csv.InputOffset()
		s.rows = append(s.rows, sheetRow{cells, rest[at:end]})
		at = end
		s.note(len(s.rows) - 1)
	}
}

// trail keeps empty lines at the end.
func (s *Sheet) trail(rest []byte) {
	if len(rest) == 0 {
		return
	}
	if n := len(s.rows); n > 0 {
		s.rows[n-1].raw = append(slices.Clone(s.rows[n-1].raw), rest...)
	} else {
		s.head = append(slices.Clone(s.head), rest...)
	}
}

// note remembers where the row's generation is found.
func (s *Sheet) note(i int) {
	key, ok := s.key(s.rows[i])
	if !ok {
		return
	}
	if was, there := s.byPlace[key]; !there || s.markOf(s.rows[was]).Rating == 0 && s.markOf(s.rows[i]).Rating != 0 {
		s.byPlace[key] = i
	}
}

func (s *Sheet) cell(r sheetRow, column string) string {
	if i := slices.Index(s.header, column); i >= 0 {
		return unguarded(r.cells[i])
	}
	return ""
}

func (s *Sheet) key(r sheetRow) (results.Key, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(s.cell(r, colRepeat)), 10, 32)
	return results.Key{Cell: results.CellOf(s.cell(r, colVariant), s.cell(r, colMethod), s.cell(r, colSetting), s.cell(r, colControl)), ItemID: s.cell(r, colItem), Repeat: int32(n)}, err == nil
}

func (s *Sheet) markOf(r sheetRow) Mark {
	m := Mark{Thumb: strings.ToLower(strings.TrimSpace(s.cell(r, colThumb))), Note: s.cell(r, colNote)}
	if n, err := strconv.Atoi(strings.TrimSpace(s.cell(r, colRating))); err == nil && n >= 1 && n <= Categories {
		m.Rating = n
	}
	if m.Thumb != ThumbUp && m.Thumb != ThumbDown {
		m.Thumb = ""
	}
	return m
}

// Mark is what the sheet says of a generation; the zero Mark where it says
// nothing.
func (s *Sheet) Mark(k results.Key) Mark {
	if i, ok := s.byPlace[k]; ok {
		return s.markOf(s.rows[i])
	}
	return Mark{}
}

// All is what the sheet says of each generation that it has.
func (s *Sheet) All() map[results.Key]Mark {
	all := make(map[results.Key]Mark, len(s.byPlace))
	for k, i := range s.byPlace {
		all[k] = s.markOf(s.rows[i])
	}
	return all
}

// Rated is the number of ratings in the sheet.
func (s *Sheet) Rated() int {
	n := 0
	for _, r := range s.rows {
		if s.markOf(r).Rating != 0 {
			n++
		}
	}
	return n
}

// Set puts a mark in: into the generation's row where it has one, else into a
// new one at the end, with the texts of r. Columns that the mark needs are
// added.
func (s *Sheet) Set(r Row, m Mark) error {
	if m.Rating < 0 || m.Rating > Categories || m.Thumb != "" && m.Thumb != ThumbUp && m.Thumb != ThumbDown {
		return fmt.Errorf("no mark: rating %d, thumb %q", m.Rating, m.Thumb)
	}
	i, there := s.byPlace[r.Key]
	if !there && m == (Mark{}) {
		return nil
	}
	for _, needed := range []struct{ column, value string }{{colControl, string(r.Control)}, {colThumb, m.Thumb}, {colNote, m.Note}} {
		if needed.value != "" && !slices.Contains(s.header, needed.column) {
			s.addColumn(needed.column)
		}
	}
	if !there {
		s.endLine()
		cells := make([]string, len(s.header))
		for column, value := range map[string]string{
			colItem: r.ItemID, colVariant: r.Variant, colMethod: string(r.Method), colSetting: string(r.Setting), colRepeat: strconv.Itoa(int(r.Repeat)), colControl: string(r.Control),
			"preference": r.Preference, "question": r.Question, "plain_response": r.PlainResponse, "response": r.Response,
		} {
			if at := slices.Index(s.header, column); at >= 0 {
				cells[at] = Guarded(value)
			}
		}
		i = len(s.rows)
		s.rows = append(s.rows, sheetRow{cells: cells})
		s.byPlace[r.Key] = i
	}
	row := &s.rows[i]
	rating := ""
	if m.Rating > 0 {
		rating = strconv.Itoa(m.Rating)
	}
	for column, value := range map[string]string{colRating: rating, colThumb: m.Thumb, colNote: Guarded(m.Note)} {
		if at := slices.Index(s.header, column); at >= 0 {
			row.cells[at] = value
		}
	}
	row.raw = s.encode(row.cells)
	return nil
}

func (s *Sheet) encode(cells []string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = s.comma, s.crlf
	w.Write(cells) // a bytes.Buffer takes everything
	w.Flush()
	return b.Bytes()
}

// endLine ends the last line of the file where that is not done.
func (s *Sheet) endLine() {
	end := "\n"
	if s.crlf {
		end = "\r\n"
	}
	last := &s.head
	if n := len(s.rows); n > 0 {
		last = &s.rows[n-1].raw
	}
	if !bytes.HasSuffix(*last, []byte("\n")) {
		*last = append(slices.Clone(*last), end...)
	}
}

// addColumn puts a last column on every line.
func (s *Sheet) addColumn(name string) {
	widen := func(raw []byte, value string) []byte {
		line := bytes.TrimRight(raw, "\r\n")
		return slices.Concat(line, []byte(string(s.comma)+value), raw[len(line):])
	}
	s.header = append(s.header, name)
	s.head = widen(s.head, name)
	for i := range s.rows {
		s.rows[i].cells = append(s.rows[i].cells, "")
		s.rows[i].raw = widen(s.rows[i].raw, "")
	}
}

// Bytes is the file.
func (s *Sheet) Bytes() []byte {
	var b bytes.Buffer
	if s.mark {
		b.WriteString(byteOrderMark)
	}
	b.Write(s.head)
	for _, r := range s.rows {
		b.Write(r.raw)
	}
	return b.Bytes()
}
