package explore

import (
	"bytes"
	"context"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"perg/data"
	"perg/harness/results"
)

// keptHits is how many filters are kept with the rows they let through: going
// back and forth does not look again. One holds 4 bytes a row.
const keptHits = 8

// hits are the rows that a filter lets through, in order. Those of a filter
// without text are all known at once; a text is looked for as far as is needed.
type hits struct {
	key    string
	counts map[Facet][]Count
	of     int // rows that the facets let through

	mu     sync.Mutex
	search *search // nil: no text
	rows   []int32
	next   int // the row to go on with
	looked int // of the rows that the facets let through, those before next
}

func (h *hits) done(x *index) bool { return h.next >= len(x.item) }

// find gives the hits of a filter, with the facets counted.
func (r *Run) find(f Filter) *hits {
	f.Text = strings.TrimSpace(f.Text)
	key := f.key()
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.hits, func(h *hits) bool { return h.key == key }); i >= 0 {
		h := r.hits[i]
		r.hits = slices.Insert(slices.Delete(r.hits, i, i+1), 0, h)
		return h
	}
	x := r.index
	c, through, counts := x.count(f)
	h := &hits{key: key, counts: counts, of: through}
	if f.Text == "" {
		h.rows = make([]int32, 0, through)
		for row := range x.item {
			if c.out(x, row) == 0 {
				h.rows = append(h.rows, int32(row))
			}
		}
		h.next, h.looked = len(x.item), through
	} else {
		h.search = newSearch(x, c, f.Text)
	}
	r.hits = slices.Insert(r.hits, 0, h)
	r.hits = r.hits[:min(len(r.hits), keptHits)]
	return h
}

// A search is a text that is looked for, and where.
type search struct {
	compiled
	fold  func([]byte) []byte
	text  []byte // folded
	items []bool // those whose question or preference has it
}

func newSearch(x *index, c compiled, text string) *search {
	s := &search{compiled: c, fold: folding(text), items: make([]bool, len(x.items))}
	s.text = slices.Clone(s.fold([]byte(text)))
	for i := range x.items {
		s.items[i] = s.in([]byte(x.items[i].Question)) || s.in([]byte(x.items[i].Preference))
	}
	return s
}

func (s *search) in(text []byte) bool { return bytes.Contains(s.fold(text), s.text) }

// folding gives a function that makes the case of a text of no account. What it
// returns is good until it is called again. For a text in ASCII only ASCII
// letters are folded, which is many times as fast.
func folding(text string) func([]byte) []byte {
	if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return bytes.ToLower
	}
	var lower [256]byte
	for i := range lower {
		lower[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			lower[i] += 'a' - 'A'
		}
	}
	var buffer []byte
	return func(text []byte) []byte {
		buffer = slices.Grow(buffer[:0], len(text))[:len(text)]
		for i, b := range text {
			buffer[i] = lower[b]
		}
		return buffer
	}
}

// far is a number of rows that is cheaper to jump over than to read.
const far = 4 << 10

// look goes on until there are enough rows, all rows have been looked at, or the
// time is up.
func (h *hits) look(ctx context.Context, r *Run, enough int, until time.Time) error {
	x := r.index
	for len(h.rows) < enough && !h.done(x) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(until) {
			return nil
		}
		from := h.skip(x)
		if h.done(x) {
			return nil
		}
		for some, err := range r.tables.Generations.Texts("response", from) {
			if err != nil {
				return err
			}
			for i, text := range some.Texts {
				row := some.Row + i
				h.next = row + 1
				if h.search.out(x, row) != 0 {
					continue
				}
				h.looked++
				if h.search.items[x.item[row]] || h.search.in(text) {
					if h.rows = append(h.rows, int32(row)); len(h.rows) >= enough {
						return nil
					}
				}
			}
			if time.Now().After(until) || ctx.Err() != nil || h.wanted(x)-h.next > far {
				break
			}
		}
	}
	return nil
}

// wanted is the next row that the facets let through.
func (h *hits) wanted(x *index) int {
	row := h.next
	for row < len(x.item) && h.search.out(x, row) != 0 {
		row++
	}
	return row
}

// skip goes to the next row whose response has to be read.
func (h *hits) skip(x *index) int {
	h.next = h.wanted(x)
	return h.next
}

// patience is how long one request may look for a text.
const patience = 1200 * time.Millisecond

// A Line is a generation as lists show it.
type Line struct {
	results.Key
	Item     *Item
	Outcome  results.Outcome
	Unscored bool     // it lacks the score that it should have
	Asked    bool     // a judge was asked about it, whatever came of it
	Followed *bool    // the judges' verdict; nil: none
	Score    *float64 // mean of the scores that count; nil: none
	Plain    string   // the baseline's letter; "" is none
	Answer   string   // its letter; "" is none
	Response *string  // nil: none
}

// A List is a page of the generations that a filter lets through.
type List struct {
	Lines   []Line
	From    int // the number of the first of them, from 0
	Hits    int // that are known
	Of      int // generations that the facets let through
	Looked  int // of these, that the text was looked for in; all where it is done
	Done    bool
	Facets  map[Facet][]Count
	HasMore bool // after these, as far as is known
}

// List gives the hits with the numbers from to from+n. Where it takes long to
// look for a text, the list is not done, and asking for it again goes on.
func (r *Run) List(ctx context.Context, f Filter, from, n int) (List, error) {
	x, h := r.index, r.find(f)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.look(ctx, r, from+n+1, time.Now().Add(patience)); err != nil {
		return List{}, err
	}
	l := List{From: from, Hits: len(h.rows), Of: h.of, Looked: h.looked, Done: h.done(x), Facets: h.counts}
	end := min(from+n, len(h.rows))
	l.HasMore = end < len(h.rows)
	if from >= end {
		return l, nil
	}
	var err error
	l.Lines, err = r.lines(h.rows[from:end])
	return l, err
}

func (r *Run) lines(rows []int32) ([]Line, error) {
	lines := make([]Line, len(rows))
	numbers := make([]int, len(rows))
	for i, row := range rows {
		numbers[i] = int(row)
		lines[i] = r.index.line(int(row))
	}
	texts, err := data.ReadRows[struct {
		Response *string `parquet:"response"`
	}](r.tables.Generations, numbers)
	if err != nil {
		return nil, err
	}
	for i := range lines {
		lines[i].Response = texts[i].Response
	}
	return lines, nil
}

func (x *index) line(row int) Line {
	m := x.marks[row]
	l := Line{
		Key:  results.Key{Cell: x.cells[x.cell[row]], ItemID: x.items[x.item[row]].ID, Repeat: x.repeat[row]},
		Item: &x.items[x.item[row]], Outcome: m.outcome(), Unscored: m&unscored != 0, Asked: m&asked != 0, Answer: x.answer(row),
	}
	if m&(followed|notFollowed) != 0 {
		l.Followed = new(m&followed != 0)
	}
	if b := x.baseline(row); b >= 0 {
		l.Plain = x.answer(b)
	}
	if s := x.score[row]; s > 0 {
		l.Score = new(float64(s) / 10)
	}
	return l
}

// around gives the rows before and after a row among the hits (-1: none), and
// its number (-1: it is not one).
func (h *hits) around(ctx context.Context, r *Run, row int) (before, after, at int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	until := time.Now().Add(patience)
	for !h.done(r.index) && (len(h.rows) == 0 || int(h.rows[len(h.rows)-1]) <= row) && time.Now().Before(until) {
		if err := h.look(ctx, r, len(h.rows)+1, until); err != nil {
			return -1, -1, -1, err
		}
	}
	i := sort.Search(len(h.rows), func(i int) bool { return int(h.rows[i]) >= row })
	before, after, at = -1, -1, -1
	if i > 0 {
		before = int(h.rows[i-1])
	}
	if i < len(h.rows) && int(h.rows[i]) == row {
		at = i
		i++
	}
	if i < len(h.rows) {
		after = int(h.rows[i])
	}
	return before, after, at, nil
}
