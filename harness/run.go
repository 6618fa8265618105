package harness

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"

	"perg/harness/store"
	"perg/models"
)

// A Run makes the calls of a plan that have no reply yet and writes its tables.
type Run struct {
	Plan     *Plan
	Dir      *Dir
	Store    *store.Store
	Server   *models.Client
	InFlight int          // most calls at once
	Warn     func(string) // a caveat for the user; may be called from many goroutines

	status laneStatus
}

// Progress is the present state of the run's lanes. It may be called at any time.
func (r *Run) Progress() []LaneStatus { return []LaneStatus{r.status.snapshot()} }

// A Result is what a run came to.
type Result struct {
	Counts
	Written bool // the tables are those of this result
	Calls   int  // made now
	Known   int  // replies that the store already had
	Elapsed time.Duration
}

// ErrInterrupted: the run was asked to stop. Calls in flight were let finish,
// and the tables hold what there is.
var ErrInterrupted = errors.New("interrupted")

// Execute runs to the end, to the cancelling of ctx, or to an error that
// concerns more than one generation: the store or the server is gone. In each
// case what was answered is in the store, and the tables are written from it.
func (r *Run) Execute(ctx context.Context) (Result, error) {
	started := time.Now()
	if err := r.Dir.begin(started); err != nil {
		return Result{}, err
	}
	r.status.s.Host = r.Server.Host()
	l := &lane{server: r.Server, store: r.Store, status: &r.status, warn: r.Warn}
	var result Result
	err := r.stages(ctx, l, &result)
	if e := r.Store.Flush(context.WithoutCancel(ctx)); err == nil {
		err = e
	}
	if !errors.Is(err, models.ErrUnreachable) {
		// A server of the user's own gets its memory back.
		if e := l.unload(context.WithoutCancel(ctx)); e != nil {
			r.Warn(e.Error())
		}
	}
	counts, tableErr := r.writeTables(context.WithoutCancel(ctx))
	result.Counts, result.Written, result.Elapsed = counts, tableErr == nil, time.Since(started)
	switch {
	case err == nil:
		err = tableErr
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		err = ErrInterrupted
	case errors.Is(err, models.ErrUnreachable):
		err = &Problem{Err: err, Hint: "what was answered is kept; start the server and run the same command again"}
	}
	if tableErr != nil && !errors.Is(err, tableErr) {
		r.Warn(tableErr.Error())
	}
	if e := r.Dir.end(result.Counts, err); err == nil {
		err = e
	}
	return result, err
}

// stages runs each variant's generations, then the judge over all of them:
// every model is loaded once.
func (r *Run) stages(ctx context.Context, l *lane, result *Result) error {
	p := r.Plan
	for _, v := range p.Variants {
		err := r.stage(ctx, l, v, Generate, p.Count(v), p.generations(v), func(ctx context.Context, ask ask, g generation) (bool, error) {
			c, err := p.query(g)
			if err != nil {
				return false, err
			}
			_, err = ask(ctx, c)
			if fatal(err) {
				return false, err
			}
			return err != nil, nil
		}, result)
		if err != nil {
			return err
		}
	}
	if p.Judge == nil {
		return nil
	}
	all := func(yield func(generation) bool) {
		for _, v := range p.Variants {
			for g := range p.generations(v) {
				if !yield(g) {
					return
				}
			}
		}
	}
	return r.stage(ctx, l, p.Judge, Score, p.Total(), all, func(ctx context.Context, ask ask, g generation) (bool, error) {
		s, err := p.evaluate(ctx, ask, g)
		return s.err != nil || s.judgment != nil && s.judgment.reply == nil, err
	}, result)
}

// stage does one thing to many generations, InFlight at a time. do says
// whether the generation failed; its error ends the run. A generation counts
// as done when its replies are durable; waiting for that holds up no call.
func (r *Run) stage(ctx context.Context, l *lane, v *Variant, stage Stage, total int, generations iter.Seq[generation],
	do func(context.Context, ask, generation) (failed bool, err error), result *Result,
) error {
	l.use(v)
	r.status.begin(v.Name, stage, total)
	type outcome struct {
		commit *store.Commit
		failed bool
	}
	outcomes := make(chan outcome, 1<<10)
	counted := make(chan error, 1)
	go func() {
		var err error
		for o := range outcomes {
			if o.commit != nil && err == nil {
				err = o.commit.Wait(context.WithoutCancel(ctx))
			}
			if err == nil {
				r.status.done(o.failed)
			}
		}
		counted <- err
	}()

	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(r.InFlight)
	for g := range generations {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			r.status.took(g.Cell)
			var o outcome
			var err error
			o.failed, err = do(groupCtx, func(ctx context.Context, c call) (store.Reply, error) {
				got, err := l.ask(ctx, c)
				if got.commit != nil {
					o.commit = got.commit
				}
				return got.reply, err
			}, g)
			if err == nil {
				outcomes <- o
			}
			return err
		})
	}
	err := group.Wait()
	close(outcomes)
	if e := <-counted; err == nil {
		err = e
	}
	if err == nil {
		err = ctx.Err()
	}
	s := r.status.snapshot()
	result.Calls += s.Calls
	result.Known += s.Known
	if err != nil {
		return fmt.Errorf("%s %s: %w", stage, v.Name, err)
	}
	return nil
}
