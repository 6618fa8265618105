package explore

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"perg/data"
	"perg/harness/explore/fulltext"
	"perg/harness/results"
)

// keptHits is how many filters are kept with the rows they let through: going
// back and forth does not look again. One holds 4 bytes a row.
const keptHits = 8

// hits are the rows that a filter lets through, in order. Those of a filter
// without text are all known at once; a text is looked for as far as is needed.
type hits struct {
	key    string
	x      *rows
	sort   Sort
	counts map[Facet][]Count
	of     int // rows that the facets let through
	// textCounted: counts are of what has the text, too.
	textCounted bool

	asked *asking // nil: the index of texts has answered

	mu     sync.Mutex
	search *search // nil: no text, or it is known where it is
	rows   []int32
	next   int // the row to go on with
	looked int // of the rows that the facets let through, those before next
	sorted bool
}

func (h *hits) done() bool { return h.next >= len(h.x.item) }

// find gives the hits of a filter, with the facets counted.
func (r *Run) find(ctx context.Context, f Filter) (*hits, error) {
	q, err := f.query()
	if err != nil {
		return nil, err
	}
	key := f.key()
	r.mu.Lock()
	defer r.mu.Unlock()
	var asked *asking
	if i := slices.IndexFunc(r.hits, func(h *hits) bool { return h.key == key }); i >= 0 {
		h := r.hits[i]
		r.hits = slices.Delete(r.hits, i, i+1)
		if h.asked == nil || !h.asked.answered() {
			r.hits = slices.Insert(r.hits, 0, h)
			return h, nil
		}
		asked = h.asked
	}
	x := &rows{index: r.index, person: r.marks.rows}
	if p, ok := r.pairing(f.Beside); ok {
		x.beside = p.marks()
	}
	c := x.compile(f)
	h := &hits{key: key, x: x, sort: f.Sort}
	if q != nil {
		if asked == nil {
			asked = r.ask(*q)
		}
		if err := asked.wait(ctx, soon); err != nil {
			return nil, err
		}
		if !asked.answered() {
			h.asked = asked
		}
		h.search = newSearch(c, *q, asked)
		if h.search.known == len(x.item) {
			c.match = h.search.matches()
			h.search = nil
		}
	}
	through, hits, counts := c.count(f)
	h.of, h.counts, h.textCounted = through, counts, c.match != nil
	if h.search == nil {
		h.rows = make([]int32, 0, hits)
		for row := range x.item {
			if c.out(row) == 0 {
				h.rows = append(h.rows, int32(row))
			}
		}
		h.next, h.looked = len(x.item), through
	}
	r.hits = slices.Insert(r.hits, 0, h)
	r.hits = r.hits[:min(len(r.hits), keptHits)]
	return h, nil
}

// A search is a text that is looked for, and where.
type search struct {
	compiled
	query fulltext.Query
	items []bool // those whose question or preference has it
	found rowSet // those whose response has it, of the rows before known
	known int
}

func newSearch(c compiled, q fulltext.Query, asked *asking) *search {
	s := &search{compiled: c, query: q, items: make([]bool, len(c.of.items))}
	for i := range s.items {
		s.items[i] = q.Match(c.of.items[i].Question) || q.Match(c.of.items[i].Preference)
	}
	if asked.answered() {
		s.found, s.known = asked.found, asked.known
	}
	return s
}

// An asking is what the index of texts is asked, which takes it a second or two
// where nearly all texts match. Until it has answered, texts are read through.
type asking struct {
	done  chan struct{}
	found rowSet // when done is closed, as indexed.find gives them
	known int
	err   error
}

// soon is how long a request waits for the index, and then reads.
const soon = 400 * time.Millisecond

func (r *Run) ask(q fulltext.Query) *asking {
	a := &asking{done: make(chan struct{})}
	r.asked.Go(func() {
		a.found, a.known, a.err = r.texts.find(r.ctx, q, r.Generations())
		close(a.done)
	})
	return a
}

func (a *asking) answered() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// wait waits so long for the answer; the error is that of the index, or why the
// request is given up.
func (a *asking) wait(ctx context.Context, long time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-a.done:
		return a.err
	case <-time.After(long):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// matches are the rows that match, where the index knows all.
func (s *search) matches() rowSet {
	all := slices.Clone(s.found)
	for row, item := range s.of.item {
		if s.items[item] {
			all.add(row)
		}
	}
	return all
}

// far is a number of rows that is cheaper to jump over than to read.
const far = 4 << 10

// look goes on until there are enough rows, all rows have been looked at, or the
// time is up. What is to be sorted has to be known whole.
func (h *hits) look(ctx context.Context, r *Run, enough int, until time.Time) error {
	if h.sorted {
		return nil
	}
	if h.sort.By != "" {
		enough = len(h.x.item) + 1
	}
	if h.asked != nil && h.sort.By != "" {
		return h.asked.wait(ctx, time.Until(until)) // what it knows is sorted when it is asked for again
	}
	if h.asked != nil {
		until = time.Now().Add(min(soon, time.Until(until))) // the index has been waited for
	}
	if h.search != nil {
		if err := h.search.look(ctx, r, h, enough, until); err != nil {
			return err
		}
	}
	if h.sort.By != "" && h.done() {
		h.x.sort(h.rows, h.sort)
		h.sorted = true
	}
	return nil
}

func (s *search) look(ctx context.Context, r *Run, h *hits, enough int, until time.Time) error {
	for len(h.rows) < enough && !h.done() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if h.next < s.known {
			s.indexed(h)
			continue
		}
		if time.Now().After(until) {
			return nil
		}
		if h.next = s.wanted(h.next); h.done() {
			return nil
		}
		for some, err := range r.tables.Generations.Texts("response", h.next) {
			if err != nil {
				return err
			}
			for i, text := range some.Texts {
				row := some.Row + i
				h.next = row + 1
				if s.out(row) != 0 {
					continue
				}
				h.looked++
				if s.items[s.of.item[row]] || text != nil && s.query.Match(string(text)) {
					if h.rows = append(h.rows, int32(row)); len(h.rows) >= enough {
						return nil
					}
				}
			}
			if time.Now().After(until) || ctx.Err() != nil || s.wanted(h.next)-h.next > far {
				break
			}
		}
	}
	return nil
}

// indexed takes all rows that the index knows, which costs no reading.
func (s *search) indexed(h *hits) {
	for ; h.next < s.known; h.next++ {
		if s.out(h.next) != 0 {
			continue
		}
		h.looked++
		if s.found.has(h.next) || s.items[s.of.item[h.next]] {
			h.rows = append(h.rows, int32(h.next))
		}
	}
}

// wanted is the next row that the facets let through.
func (s *search) wanted(row int) int {
	for row < len(s.of.item) && s.out(row) != 0 {
		row++
	}
	return row
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
	Reader   string   // what read the letter, as in the column answer_from
	Judges   *bool    // whether several judges agree; nil: fewer rated it
	Beside   *Line    // the one that it is held against, where there is one; without a response
}

// A List is a page of the generations that a filter lets through.
type List struct {
	Lines  []Line
	From   int // the number of the first of them, from 0
	Hits   int // that are known
	Of     int // generations that the facets let through
	Looked int // of these, that the text was looked for in; all where it is done
	Done   bool
	Asked  bool // the index of texts has not answered yet, which it does soon
	Facets map[Facet][]Count
	// TextCounted: Facets count what has the text, too. Else, as they are counted
	// before texts are read, they leave the text out.
	TextCounted bool
	HasMore     bool // after these, as far as is known
}

// List gives the hits with the numbers from to from+n. Where it takes long to
// look for a text, the list is not done, and asking for it again goes on. The
// error is fulltext.ErrQuery where the text asks for nothing.
func (r *Run) List(ctx context.Context, f Filter, from, n int) (List, error) {
	h, err := r.find(ctx, f)
	if err != nil {
		return List{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.look(ctx, r, from+n+1, time.Now().Add(patience)); err != nil {
		return List{}, err
	}
	l := List{From: from, Hits: len(h.rows), Of: h.of, Looked: h.looked, Done: h.done(), Asked: h.asked != nil, Facets: h.counts, TextCounted: h.textCounted}
	end := min(from+n, len(h.rows))
	l.HasMore = end < len(h.rows)
	if from >= end {
		return l, nil
	}
	l.Lines, err = r.lines(h.rows[from:end])
	if p, ok := r.pairing(f.Beside); ok {
		for i, row := range h.rows[from:end] {
			if other := p.row(int(row)); other >= 0 {
				l.Lines[i].Beside = new(p.there.line(other))
			}
		}
	}
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
	l.Reader = x.readers.texts[x.readers.rows[row]]
	if m&(agreed|disagreed) != 0 {
		l.Judges = new(m&agreed != 0)
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
	for !h.done() && (len(h.rows) == 0 || int(h.rows[len(h.rows)-1]) <= row) && time.Now().Before(until) {
		if err := h.look(ctx, r, len(h.rows)+1, until); err != nil {
			return -1, -1, -1, err
		}
	}
	if err := h.look(ctx, r, 0, until); err != nil { // what is to be sorted
		return -1, -1, -1, err
	}
	i := slices.Index(h.rows, int32(row))
	at = i
	if i < 0 && !h.sorted {
		i = sort.Search(len(h.rows), func(i int) bool { return int(h.rows[i]) >= row })
	}
	before, after = -1, -1
	if i > 0 {
		before = int(h.rows[i-1])
	}
	if at >= 0 {
		i++
	}
	if i >= 0 && i < len(h.rows) {
		after = int(h.rows[i])
	}
	return before, after, at, nil
}
