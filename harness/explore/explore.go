// Package explore looks through the generations of a run: which there are by
// variant, setting, outcome and other properties, what they say, and one of them
// beside its baseline, or another, with all that is known of it. It keeps a small
// index in memory, has words looked up by package fulltext, and reads texts from
// the run's tables when they are asked for. It shows
// nothing, and knows nothing of pages: that is package web's.
package explore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"perg/harness/results"
)

// A Run is a run's tables, open. Its methods may be called from several
// goroutines.
type Run struct {
	tables results.Tables
	panel  results.Panel

	done  atomic.Int64 // rows that the index is made of, read so far
	ready chan struct{}
	index *index // when ready is closed; then err or index is set
	err   error
	ctx   context.Context
	stop  context.CancelFunc
	asked sync.WaitGroup // those who ask the index of texts
	texts *indexed
	own   *Texts // those that are closed with it; nil: they are another's

	mu     sync.Mutex
	hits   []*hits // of the last filters, the newest first
	marks  personMarks
	beside *Run // nil: none
}

// Open opens the tables of the run in dir and begins to read its index; Wait
// waits for it. The error is data.ErrNoTable where the run has no generations.
// Ratings count as the panel says. Words of texts are looked up in t, which stays
// open longer; nil is one of the run's own.
func Open(dir string, p results.Panel, t *Texts) (*Run, error) {
	tables, err := results.Open(dir)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Run{tables: tables, panel: p, ready: make(chan struct{}), ctx: ctx, stop: stop, texts: &indexed{ready: make(chan struct{})}}
	if t == nil {
		r.own = NewTexts("")
		t = r.own
	}
	go func() {
		r.index, r.err = build(ctx, tables, p, &r.done)
		close(r.ready)
		if r.err != nil {
			r.texts.err = r.err
			close(r.texts.ready)
			return
		}
		t.take(ctx, r, r.texts)
	}()
	return r, nil
}

// Close ends the reading and closes the tables. No other method may be called
// meanwhile, or after it.
func (r *Run) Close() error {
	r.stop()
	<-r.texts.ready
	r.asked.Wait()
	err := r.tables.Close()
	if r.own != nil {
		err = errors.Join(err, r.own.Close())
	}
	return err
}

// Wait waits for the index; its error is why there is none.
func (r *Run) Wait(ctx context.Context) error {
	select {
	case <-r.ready:
		return r.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// WaitTexts waits until the index of texts has all responses, or will not have
// them: its error is why.
func (r *Run) WaitTexts(ctx context.Context) error {
	select {
	case <-r.texts.ready:
		return r.texts.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Generations is the number of generations of the run.
func (r *Run) Generations() int { return r.tables.Generations.Rows() }

// Progress is the fraction of the index that is there.
func (r *Run) Progress() float64 {
	all := r.tables.Generations.Rows()
	if r.tables.Judgments != nil {
		all += r.tables.Judgments.Rows()
	}
	return float64(r.done.Load()) / float64(max(all, 1))
}

// Replaced says whether the run has written its tables anew since they were
// opened; what is shown is of before.
func (r *Run) Replaced() bool {
	return r.tables.Generations.Replaced() || r.tables.Judgments != nil && r.tables.Judgments.Replaced()
}

// Counts says whether a judgment counts in the run's metrics, and so in verdicts.
func (r *Run) Counts(judge string, swapped bool) bool { return r.panel.Counts(judge, swapped) }

// Judged says whether the run has ratings by judges. Wait comes first, as it
// does for all that follows.
func (r *Run) Judged() bool { return r.index.judged }

// Repeated says whether any generation was made more than once.
func (r *Run) Repeated() bool { return r.index.repeats }
