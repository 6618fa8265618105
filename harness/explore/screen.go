package explore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"perg/data"
	"perg/harness/results"
)

// A Screen is one generation with all that is known of it.
type Screen struct {
	Line
	Generation data.Generation
	Baseline   *data.Generation // nil where there is none; the same where it is its own
	Judgments  []data.Judgment  // in the table's order
	Siblings   []Line           // all generations of the question, itself included; without responses
	Other      *OtherAnswer     // the one that it is held against (Filter.Beside); nil: none
	Before     *results.Key     // the ones before and after it in the list
	After      *results.Key
	Number     int // its number in the list, from 0; -1: it is not in it
	Hits       int // of the list, as far as is known
	Done       bool
}

// ErrUnknown: the run has no such generation.
var ErrUnknown = errors.New("the run has no such generation")

// Screen gives a generation as one of those that a filter lists.
func (r *Run) Screen(ctx context.Context, k results.Key, f Filter) (Screen, error) {
	row, err := r.row(k)
	if err != nil {
		return Screen{}, err
	}
	x := r.index
	s := Screen{Line: x.line(row)}
	wanted := []int{row}
	if b := x.baseline(row); b >= 0 && b != row {
		wanted = append(wanted, b)
	}
	all, err := data.ReadRows[data.Generation](r.tables.Generations, wanted)
	if err != nil {
		return s, err
	}
	s.Generation = all[0]
	s.Response = s.Generation.Response
	switch {
	case s.IsBaseline():
		s.Baseline = &s.Generation
	case len(all) > 1:
		s.Baseline = &all[1]
	}
	if judgments := r.tables.Judgments; judgments != nil {
		if s.Judgments, err = data.ReadRows[data.Judgment](judgments, x.judgmentsOf(row)); err != nil {
			return s, err
		}
	}
	for _, other := range x.places.Of(x.item[row]) {
		s.Siblings = append(s.Siblings, x.line(int(other)))
	}
	if p, ok := r.pairing(f.Beside); ok {
		if other := p.row(row); other >= 0 {
			there := r
			if f.Beside.Run {
				there = r.beside
			}
			if s.Other, err = there.other(other); err != nil {
				return s, err
			}
		}
	}
	h, err := r.find(ctx, f)
	if err != nil {
		return s, err
	}
	before, after, number, err := h.around(ctx, r, row)
	if err != nil {
		return s, err
	}
	for at, to := range map[int]**results.Key{before: &s.Before, after: &s.After} {
		if at >= 0 {
			*to = new(x.line(at).Key)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Number, s.Hits, s.Done = number, len(h.rows), h.done()
	return s, nil
}

// An OtherAnswer is the one that another is held against.
type OtherAnswer struct {
	Line
	Generation data.Generation
	Judgments  []data.Judgment
}

func (r *Run) other(row int) (*OtherAnswer, error) {
	all, err := data.ReadRows[data.Generation](r.tables.Generations, []int{row})
	if err != nil {
		return nil, err
	}
	o := &OtherAnswer{Line: r.index.line(row), Generation: all[0]}
	if judgments := r.tables.Judgments; judgments != nil {
		o.Judgments, err = data.ReadRows[data.Judgment](judgments, r.index.judgmentsOf(row))
	}
	return o, err
}

func (r *Run) row(k results.Key) (int, error) {
	x := r.index
	cell := slices.Index(x.cells, k.Cell)
	item := slices.IndexFunc(x.items, func(it Item) bool { return it.ID == k.ItemID })
	row, ok := x.places.Find(int32(cell), int32(item), k.Repeat)
	if !ok {
		return 0, fmt.Errorf("%w: %s", ErrUnknown, k)
	}
	return int(row), nil
}

// Rateable says whether a person's rating of the generation can be compared
// with a judge's: one was asked about it, or would be where the run has none.
func (r *Run) Rateable(l Line) bool {
	if r.index.judged {
		return l.Asked
	}
	return l.Setting.Judged() && (l.Outcome == results.Kept || l.Outcome == results.Broken)
}
