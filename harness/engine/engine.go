// Package engine carries jobs out: who does which unit of work where and when.
// A job is a model, a source of opaque units and what to do with a unit; the
// engine asks the schedule what to start, opens servers, loads models, keeps
// their slots full, and keeps every reply. It knows nothing of what is asked.
//
// One rule governs what goes wrong: a lane's trouble is not a model's failure,
// and a model's failure is not a lane's. Work goes elsewhere first. A server
// that is away is waited for within a patience, which starts when it is first
// seen to be away. A lane that only fails is left, and tried again after 1, 2,
// 4... minutes. A unit in error is the last resort, and says what was tried:
//
//   - A call that broke (its runner died, its connection was cut, nothing came
//     in time) is made again, alone where it may have broken what else was in
//     flight. Where it breaks twice in one way, three times where it was
//     cut or its runner died, and the lane then answers another one, the unit
//     fails; where the lane does not, the lane is left.
//   - A model that a lane cannot load is tried on other devices, and later on
//     the same; where none is left its units fail, with what each of them said.
//   - A model with which two servers ended within an hour is refused.
//   - A model whose tag was made anew is refused: nothing that it answered is
//     kept under the digest of the old one.
//   - What has no devices any more is left undone, and the run ends with that;
//     ones that have left are waited for within the patience.
//
// Nothing waits for ever: a run ends when what is left can be done nowhere.
package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"perg/harness/schedule"
	"perg/harness/store"
)

// Options are what an engine works with.
type Options struct {
	Devices []schedule.Device // that are there from the start
	// Awaited: others may join. What fits on none that is there waits for the
	// patience from the beginning of the run before it is left undone.
	Awaited bool
	Fleet   Fleet
	Replies Replies
	// AllowCPU accepts models that do not fit in the devices' memory.
	AllowCPU bool
	// InFlight is the number of calls at once on a lane; 0: found by measuring.
	InFlight int
	// Patience is how long the fleet's servers are waited for; 0: two minutes.
	// A lane that failed is left alone for half of it, then twice as long...
	Patience time.Duration
	// Warn takes a caveat for the user, Loaded each load and again what was
	// learned of it since. Both may be called from many goroutines, and must
	// not block; either may be nil.
	Warn   func(string)
	Loaded func(Load)
}

// An Engine carries out jobs once. Its status may be asked for at any time.
type Engine struct {
	Options
	stages [][]*job
	stage  int // at work on
	began  time.Time

	hold     hold
	retry    chan struct{} // somebody asks for it
	flights  flights
	held     held
	holdings holdings
	past     past
	// counting waits for what becomes durable, while the lanes go on.
	counting errgroup.Group

	changed chan struct{} // the devices did

	mu       sync.Mutex
	changes  []change      // of devices, not taken in yet
	statuses []*laneStatus // of the lanes at work
	ahead    *outlook      // nil: no work has begun
	tally    tally
	warned   map[string]bool // of what is said once, of however many models and lanes

	closings closings
}

// warnOnce warns of what is the same whoever finds it.
func (e *Engine) warnOnce(text string) {
	e.mu.Lock()
	said := e.warned[text]
	if e.warned == nil {
		e.warned = make(map[string]bool)
	}
	e.warned[text] = true
	e.mu.Unlock()
	if !said {
		e.Warn(text)
	}
}

// New makes the engine of some jobs. The jobs of a stage begin when those of
// the stage before have ended.
func New(o Options, stages ...[]*Job) *Engine {
	if o.Patience == 0 {
		o.Patience = 2 * time.Minute
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.Loaded == nil {
		o.Loaded = func(Load) {}
	}
	e := &Engine{Options: o, retry: make(chan struct{}, 1), changed: make(chan struct{}, 1)}
	for _, jobs := range stages {
		var stage []*job
		for _, j := range jobs {
			stage = append(stage, &job{Job: j})
		}
		e.stages = append(e.stages, stage)
	}
	return e
}

// Run carries the jobs out. It returns nil when each unit has its outcome,
// ctx's error where it was stopped before that, ErrUndone where something can
// be done nowhere, or an error that concerns everything: a store that cannot be
// written. In each case no lane is at work when it returns; Release then gives
// back what the lanes hold.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	e.began = time.Now()
	e.mu.Unlock()
	x := newExecutor(e)
	var undone []error
	var err error
	for i, jobs := range e.stages {
		e.stage = i
		err = x.carryOut(ctx, jobs)
		if errors.Is(err, ErrUndone) {
			undone = append(undone, err)
			err = nil
		}
		if err != nil {
			break
		}
	}
	x.releaseAll()
	if counted := e.counting.Wait(); err == nil {
		err = counted
	}
	if err == nil {
		err = errors.Join(undone...)
	}
	return err
}

// Release waits until the devices that the lanes held are given back: their
// servers ended, or, where they are not the fleet's own, their models unloaded.
// It returns when ctx is done, whatever hangs.
func (e *Engine) Release(ctx context.Context) { e.closings.wait(ctx, nil) }

// all are the jobs of every stage.
func (e *Engine) all() []*job { return slices.Concat(e.stages...) }

// now is a time stamp, for what is kept: durations are measured by the
// monotonic clock, which a change of the machine's time leaves alone.
func now() time.Time { return time.Now().UTC() }

// A past remembers the calls that failed in this run and that several units
// share, so that each is made once.
type past struct {
	mu       sync.Mutex
	failures map[store.Key]store.Failure
}

func (p *past) add(k store.Key, f store.Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failures == nil {
		p.failures = make(map[store.Key]store.Failure)
	}
	p.failures[k] = f
}

func (p *past) of(k store.Key) (store.Failure, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ok := p.failures[k]
	return f, ok
}
