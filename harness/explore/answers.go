package explore

import (
	"context"
	"iter"
	"slices"
	"time"

	"perg/data"
)

// An Answer is a line of a list with what an export has of it.
type Answer struct {
	Line
	Options []string
	Gold    string
}

// Answers hands out all that a filter lists, in its order. It ends at the first
// error.
func (r *Run) Answers(ctx context.Context, f Filter) iter.Seq2[Answer, error] {
	return func(yield func(Answer, error) bool) {
		numbers, err := r.all(ctx, f)
		if err != nil {
			yield(Answer{}, err)
			return
		}
		var from interface {
			At(row int) (texts, error)
			Close() error
		} = data.NewRowReader[texts](r.tables.Generations)
		if scattered(numbers) {
			from.Close()
			if from, err = newSpill(ctx, r.tables.Generations, numbers); err != nil {
				yield(Answer{}, err)
				return
			}
		}
		defer from.Close()
		p, beside := r.pairing(f.Beside)
		for _, row := range numbers {
			err := ctx.Err()
			var c texts
			if err == nil {
				c, err = from.At(int(row))
			}
			if err != nil {
				yield(Answer{}, err)
				return
			}
			a := Answer{Line: r.index.line(int(row)), Options: slices.Clone(c.Options), Gold: c.Gold}
			a.Response = c.Response
			if beside {
				if other := p.row(int(row)); other >= 0 {
					a.Beside = new(p.there.line(other))
				}
			}
			if !yield(a, nil) {
				return
			}
		}
	}
}

// all are the rows that a filter lists.
func (r *Run) all(ctx context.Context, f Filter) ([]int32, error) {
	h, err := r.find(ctx, f)
	for err == nil && h.asked != nil {
		if err = h.asked.wait(ctx, patience); err == nil {
			h, err = r.find(ctx, f)
		}
	}
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for first := true; first || !h.done(); first = false {
		if err := h.look(ctx, r, len(h.x.item)+1, time.Now().Add(patience)); err != nil {
			return nil, err
		}
	}
	return slices.Clone(h.rows), nil
}

// Names are the values of a facet of cells, in its order. Wait comes first.
func (r *Run) Names(f Facet) []string {
	var all []string
	for _, c := range r.index.cells {
		if name := cellValue(c, f); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return compareValues(f, a, b) })
	return all
}
