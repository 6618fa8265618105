package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"perg/harness/schedule"
	"perg/models"
)

// A lane is one set of devices with one server, and one model in memory at a
// time. It makes the calls that have no reply yet.
type lane struct {
	engine  *Engine
	name    string
	devices []string
	beside  bool // resident next to another lane, whose devices it shares

	server  Server // nil: none is open
	config  ServerConfig
	version string // of the server at its last load; "": it does not say
	inPlace *Model // the one in memory, as far as this lane knows
	loaded  models.Loaded
	last    Load         // the one that put it there
	ahead   atomic.Int64 // calls that each seat may have at the server beyond the first
	left    bool         // it failed: that it does not unload either is no news

	here   context.Context // ends when its devices leave: then nothing is waited for
	depart func(why error) // ends it

	stint
}

// A stint is a lane's time with one job.
type stint struct {
	job    *job
	status *laneStatus
	fit    schedule.Fit // as it began
	want   ServerConfig
	numCtx int  // of its calls
	full   bool // more context did not fit
	pace   *pace
	again  bool // the lane failed before: it is not waited for

	// gate lets calls through beside each other, and alone what must not have
	// any beside it: a load, and a call that may have ended the runner.
	gate    *semaphore.Weighted
	fresh   atomic.Bool // the model is in memory, as far as is known
	cut     atomic.Bool // a call was cut off, or its runner died
	loose   atomic.Bool // a call was left in flight: it may load the model again
	exits   int         // of the server, as last seen
	voucher *voucher
	answers atomic.Int64 // calls that succeeded
	taken   atomic.Int64 // units
	yields  atomic.Bool  // takes what is ready, and waits for no more

	turns    turns
	widening sync.Mutex
	width    int // that the server was told; 0: none yet

	callers callers
	ctx     context.Context // of its calls: ends with the run, or with fail
	taking  context.Context // ends when no further unit is to be taken
	recall  func()          // ends it
	fail    func(error)     // ends the stint at once; the first error counts
	lost    chan struct{}   // closed by fail
	unwatch func() bool     // ends that it fails as its devices leave
	placed  atomic.Bool     // the model was loaded, and what was there before it is gone
	moved   func()          // tells that
	shares  bool            // its devices, with lanes that were there before
}

func newLane(e *Engine, name string, s schedule.Start) *lane {
	l := &lane{engine: e, name: name, devices: s.Fit.Devices, beside: s.Beside}
	l.here, l.depart = context.WithCancelCause(context.Background())
	return l
}

// everything is the whole of a gate.
const everything = 1 << 30

// begin makes a job the one whose calls are made. No call may be in flight. Its
// model is loaded by the first call: where every reply is known, none is.
func (l *lane) begin(ctx context.Context, j *job, f schedule.Fit, p *pace, again bool) {
	l.stint = stint{
		job: j, fit: f, want: ServerConfig{f.Slots, j.Model.KVCache}, numCtx: f.NumCtx, pace: p, again: again,
		gate: semaphore.NewWeighted(everything), lost: make(chan struct{}),
	}
	if l.server != nil {
		l.exits = l.server.Exits() // none of them this job's
	}
	l.voucher = newVoucher(l)
	run := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	var once sync.Once
	lost := l.lost
	here := l.here
	end := func(err error) {
		if here.Err() != nil {
			err = context.Cause(here) // what fails then fails for that
		}
		once.Do(func() {
			cancel(err)
			close(lost)
		})
	}
	l.fail = func(err error) {
		if run.Err() != nil && errors.Is(err, context.Canceled) {
			return // what is in flight when a run is stopped is let finish
		}
		end(err)
	}
	l.unwatch = context.AfterFunc(here, func() { end(nil) })
	l.ctx, l.callers = ctx, newCallers(ctx.Done())
	l.taking, l.recall = context.WithCancel(ctx)
}

// work takes units until there are no more for this lane. It returns when each
// is done, or given back: the lane is free for its next load then, while what
// was answered becomes durable.
func (l *lane) work() error {
	defer l.recall()
	defer l.unwatch()
	go l.voucher.run(l.ctx)
	outcomes, kept := l.keeping()
	var seats sync.WaitGroup
	// Where there is nothing more for one seat there is nothing for a further
	// one, while the others go on with what they have begun.
	seating, enough := context.WithCancel(l.taking)
	defer enough()
	for l.pace.acquire(seating, l) {
		seats.Go(func() {
			defer l.pace.release(l)
			l.seat().sit(outcomes, enough)
		})
	}
	seats.Wait()
	l.voucher.end()
	close(outcomes)
	<-kept
	l.loadEnds(l.pace.found())
	var load *LoadError // whose deaths are counted
	switch err := context.Cause(l.ctx); {
	case err == nil:
		l.fail(nil)
		return nil
	case errors.As(err, &load):
		return err
	case decided(err):
		return l.buried(err)
	default:
		return fmt.Errorf("%s %s: %w", l.job.Stage, l.job.Model.Label, err)
	}
}

// yield has the lane end once no unit is ready, or wait again. Where one seat
// took what another one saw, the last that comes back ends the waiting of all.
func (l *lane) yield(on bool) {
	l.yields.Store(on)
	l.yielding()
}

func (l *lane) yielding() {
	if l.yields.Load() && !l.job.Source.Ready() {
		l.recall()
	}
}

// An outcome is what became of a unit, with those of its replies that are not
// kept yet.
type outcome struct {
	unit     Unit
	failed   bool
	receipts []*receipt
	commits  []Commit
}

// keeping passes units on as their replies are kept: to the job, and when they
// are durable to those who count. A unit with a reply that was dropped is given
// back. kept is closed when all have been passed on.
func (l *lane) keeping() (outcomes chan<- outcome, kept <-chan struct{}) {
	all, done := make(chan outcome, 1<<8), make(chan struct{})
	durable := make(chan outcome, 1<<8)
	j, status, fail := l.job, l.status, l.fail
	go func() {
		defer close(done)
		defer close(durable)
		for o := range all {
			switch err := o.kept(); {
			case err == nil:
				j.done(o.unit)
				durable <- o
			default:
				j.Source.GiveBack(o.unit)
				if !errors.Is(err, errDropped) {
					fail(err)
				}
			}
		}
	}()
	l.engine.counting.Go(func() error {
		var err error
		for o := range durable {
			for _, c := range o.commits {
				if err == nil {
					if err = c.Wait(context.Background()); err != nil {
						fail(err)
					}
				}
			}
			if err == nil {
				status.done(o.failed)
			}
		}
		return err
	})
	return all, done
}

// kept waits until each of a unit's replies is kept, or was dropped.
func (o *outcome) kept() error {
	var err error
	for _, r := range o.receipts {
		<-r.done
		switch {
		case r.err != nil:
			err = r.err
		case r.commit != nil:
			o.commits = append(o.commits, r.commit)
		}
	}
	return err
}
