package explore

import (
	"context"
	"errors"
	"testing"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// While the index of texts takes its time a page of answers is there all the same,
// with what is known of their number; when it has answered all are, sorted or not.
func TestPageBeforeTheIndexAnswers(t *testing.T) {
	r := small(t)
	if err := r.WaitTexts(t.Context()); err != nil {
		t.Fatal(err)
	}
	late := func(f Filter) *asking {
		q := must(f.query())
		a := &asking{done: make(chan struct{})}
		x := &rows{index: r.index}
		c := x.compile(f)
		through, _, counts := c.count(f)
		r.hits = []*hits{{key: f.key(), x: x, sort: f.Sort, of: through, counts: counts, asked: a, search: newSearch(c, *q, a)}}
		return a
	}
	for name, f := range map[string]Filter{"as in the tables": {Text: "bridge"}, "sorted": {Text: "bridge", Sort: Sort{By: SortVariant, Down: true}}} {
		a := late(f)
		began := time.Now()
		first := list(t, r, f, 0, 5)
		sorted := f.Sort.By != ""
		if took := time.Since(began); took > patience+time.Second {
			t.Errorf("%s: the first page took %v", name, took)
		}
		if !first.Asked || first.Done || first.TextCounted || !sorted && (len(first.Lines) != 5 || !first.HasMore || first.Looked >= first.Of) || sorted && len(first.Lines) > 0 {
			t.Errorf("%s: at first: %d lines, %+v", name, len(first.Lines), first)
		}
		exported := make(chan int)
		go func() {
			n := 0
			for range r.Answers(t.Context(), f) {
				n++
			}
			exported <- n
		}()
		a.found, a.known, a.err = r.texts.find(t.Context(), *must(f.query()), r.Generations())
		close(a.done)
		if n := <-exported; n != 76 {
			t.Errorf("%s: %d are exported", name, n)
		}
		if all := list(t, r, f, 0, 5); all.Asked || !all.Done || all.Hits != 76 || !all.TextCounted || sorted && all.Lines[0].Variant != "swayed:8b" {
			t.Errorf("%s: then: %+v", name, all)
		}
		a = late(f)
		a.err = errors.New("the index is damaged")
		close(a.done)
		if _, err := r.List(t.Context(), f, 0, 5); err == nil || err.Error() != "the index is damaged" {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&asking{done: make(chan struct{})}).wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
