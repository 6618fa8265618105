package explore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"perg/data"
	"perg/harness/prompt"
)

// A Screen is one generation with all that is known of it.
type Screen struct {
	Line
	Generation data.Generation
	Baseline   *data.Generation // nil where there is none; the same where it is its own
	Judgments  []data.Judgment  // in the table's order
	Siblings   []Line           // all generations of the question, itself included; without responses
	Before     *Ref             // the ones before and after it in the list
	After      *Ref
	Number     int // its number in the list, from 0; -1: it is not in it
	Hits       int // of the list, as far as is known
	Done       bool
}

// ErrUnknown: the run has no such generation.
var ErrUnknown = errors.New("the run has no such generation")

// Screen gives a generation as one of those that a filter lists.
func (r *Run) Screen(ctx context.Context, ref Ref, f Filter) (Screen, error) {
	row, err := r.row(ref)
	if err != nil {
		return Screen{}, err
	}
	x := r.index
	s := Screen{Line: x.line(row)}
	wanted := []int{row}
	if b := int(x.baseline[row]); b >= 0 && b != row {
		wanted = append(wanted, b)
	}
	all, err := data.ReadRows[data.Generation](r.generations, wanted)
	if err != nil {
		return s, err
	}
	s.Generation = all[0]
	s.Response = s.Generation.Response
	switch {
	case s.IsBaseline:
		s.Baseline = &s.Generation
	case len(all) > 1:
		s.Baseline = &all[1]
	}
	if r.judgments != nil {
		if s.Judgments, err = data.ReadRows[data.Judgment](r.judgments, x.judgmentsOf(row)); err != nil {
			return s, err
		}
	}
	for _, other := range x.rowsOf(x.item[row]) {
		s.Siblings = append(s.Siblings, x.line(int(other)))
	}
	h := r.find(f)
	before, after, number, err := h.around(ctx, r, row)
	if err != nil {
		return s, err
	}
	for at, to := range map[int]**Ref{before: &s.Before, after: &s.After} {
		if at >= 0 {
			*to = new(x.line(at).Ref)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Number, s.Hits, s.Done = number, len(h.rows), h.done(x)
	return s, nil
}

func (r *Run) row(ref Ref) (int, error) {
	x := r.index
	cell := slices.Index(x.cells, ref.Cell)
	item := slices.IndexFunc(x.items, func(it Item) bool { return it.ID == ref.ItemID })
	row := int32(-1)
	if cell >= 0 && item >= 0 && ref.Repeat >= 0 {
		row = x.find(int32(item), int32(cell), int32(ref.Repeat))
	}
	if row < 0 {
		return 0, fmt.Errorf("%w: item %q, %s, %s, %s, repeat %d", ErrUnknown, ref.ItemID, ref.Variant, ref.Method, ref.Setting, ref.Repeat)
	}
	return int(row), nil
}

// Rateable says whether a person's rating of the generation can be compared
// with a judge's: one was asked about it, or would be where the run has none.
func (r *Run) Rateable(l Line) bool {
	if r.index.judged {
		return l.Outcome&Asked != 0
	}
	return prompt.Setting(l.Setting).Judged() && l.Outcome&(Kept|Broken) != 0
}
