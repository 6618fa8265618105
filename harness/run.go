package harness

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"perg/gpu"
	"perg/harness/ctl"
	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/loads"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/models"
)

// A Run makes the calls of a plan that have no reply yet and writes its tables.
type Run struct {
	Plan   *Plan
	Config rundir.Config
	Dir    *rundir.Dir
	Store  *store.Store
	Fleet  *fleet.Fleet
	Recall Recall       // nil: there are no other machines
	Warn   func(string) // a caveat for the user; may be called from many goroutines

	mu     sync.Mutex
	engine *engine.Engine // nil: no work has begun
	watch  *fleet.Watch   // nil where no GPU is sampled
}

// LaneStatus is a lane's progress, with what its GPUs were last seen doing.
type LaneStatus struct {
	engine.LaneStatus
	MemoryUsed  uint64 // bytes on the lane's GPUs; 0: not known
	MemoryTotal uint64 // of them
	PowerMW     uint64 // 0: not known
}

// Cell is the method and the setting of the last generation taken up.
func (l LaneStatus) Cell() string { return strings.Join(l.Unit, " ") }

// Progress is the present state of the lanes at work. It may be called at any
// time.
func (r *Run) Progress() []LaneStatus {
	samples := r.Samples()
	var all []LaneStatus
	for _, l := range r.lanes() {
		status := LaneStatus{LaneStatus: l}
		for _, s := range samples {
			status.sampled(s)
		}
		all = append(all, status)
	}
	return all
}

// sampled adds what a GPU was last seen doing, if it is one of the lane's.
func (l *LaneStatus) sampled(g gpu.Sample) {
	if !slices.Contains(l.GPUs, g.UUID) || g.MemoryUsed == nil || g.MemoryTotal == nil {
		return
	}
	l.MemoryUsed += *g.MemoryUsed
	l.MemoryTotal += *g.MemoryTotal
	if g.PowerMW != nil {
		l.PowerMW += uint64(*g.PowerMW)
	}
}

// Come has a machine work for the run that came, or came back, to the fleet, on the
// models that it has; and on others as they are brought there, which takes until Come
// returns.
func (r *Run) Come(ctx context.Context, m fleet.Machine) error {
	return r.Fleet.Supply(ctx, m, r.Plan.where, installed(r.Plan.Loaded()), func() {
		if e := r.atWork(); e != nil {
			e.Join(m.Devices())
		}
	})
}

// Leave has a machine's devices off the run's schedule.
func (r *Run) Leave(m fleet.Machine, why error) {
	var devices []string
	for _, d := range m.Devices() {
		devices = append(devices, d.ID)
	}
	if e := r.atWork(); e != nil {
		e.Leave(devices, why)
	}
}

func (r *Run) atWork() *engine.Engine {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.engine
}

// Steer has the engine do a command of perg ctl; false where it is not at work yet.
func (r *Run) Steer(command string) bool {
	e := r.atWork()
	if e == nil {
		return false
	}
	switch command {
	case ctl.Pause:
		e.Pause()
	case ctl.Resume:
		e.Resume()
	case ctl.Retry:
		e.Retry()
	}
	return true
}

func (r *Run) lanes() []engine.LaneStatus {
	if e := r.atWork(); e != nil {
		return e.Lanes()
	}
	return nil
}

// A Result is what a run came to.
type Result struct {
	rundir.Counts
	Written bool // the tables are those of this result
	Done    bool // there was nothing to do: the run was finished before
	Calls   int  // made now
	Known   int  // replies that the store already had
	Elapsed time.Duration
	// Durable is how long 99 of 100 replies took at most from their arrival
	// until a power cut could not take them away any more; nil where none came.
	Durable *time.Duration
}

// ErrInterrupted: the run was asked to stop. Calls in flight were let finish,
// and the tables hold what there is.
var ErrInterrupted = errors.New("interrupted")

// Execute runs to the end, to the cancelling of ctx, or to an error that
// concerns more than one generation: the store or every server is gone. In
// each case what was answered is in the store, and the tables are written from
// it.
func (r *Run) Execute(ctx context.Context) (Result, error) {
	started := time.Now()
	if r.Dir.Done() && !r.Plan.Rerating {
		return Result{Counts: *r.Dir.Manifest.Counts, Written: true, Done: true, Elapsed: time.Since(started)}, nil
	}
	if err := r.Dir.Begin(started); err != nil {
		return Result{}, err
	}
	r.Plan.roles.Tell(r.Dir.Rendered)
	r.mu.Lock()
	e := engine.New(engineOptions(r.Config, r.Fleet, r.replies(), r.Warn, r.loaded), r.Plan.stages(r.Fleet)...)
	r.engine = e
	r.mu.Unlock()
	endWatch := r.beginWatch(ctx)
	defer debug.SetGCPercent(debug.SetGCPercent(r.garbage()))
	err := e.Run(ctx)
	debug.SetGCPercent(littleGarbage)
	var result Result
	status := e.Status()
	result.Calls, result.Known = status.Calls, status.Known
	// The tables need its samples. It ends soon, whatever a GPU does.
	if err := endWatch(); err != nil {
		r.Warn(err.Error())
	}
	r.Dir.Spent(time.Since(started), r.watched().Energy())
	if e := r.Store.Flush(context.WithoutCancel(ctx)); err == nil {
		err = e
	}
	if lag, ok := r.Store.Lag(0.99); ok {
		result.Durable = &lag
	}
	written := tables.Run{
		Dir: r.Dir.Path, ID: r.Dir.Manifest.RunID, Roster: r.Plan.Roster, Evaluator: r.Plan.evaluator(tables.Recorded(r.Store)),
		Metrics: r.Dir.Manifest.MetricsOptions(),
	}
	counts, tableErr := written.Write(context.WithoutCancel(ctx))
	// After the tables: a server that hangs must not keep them away.
	release, cancel := releasing(ctx)
	defer cancel()
	e.Release(release)
	result.Counts, result.Written, result.Elapsed = counts, tableErr == nil, time.Since(started)
	switch {
	case err == nil:
		err = tableErr
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		err = ErrInterrupted
	case errors.Is(err, models.ErrUnreachable):
		err = &hint.Error{Err: err, Hint: "what was answered is kept; start the server and run the same command again"}
	case errors.Is(err, engine.ErrUndone):
		err = &hint.Error{Err: err, Hint: "what was answered is kept; run the same command again when what it lacked is there"}
	}
	if tableErr != nil && !errors.Is(err, tableErr) {
		r.Warn(tableErr.Error())
	}
	if err == nil || errors.Is(err, ErrInterrupted) {
		r.noteRights(context.WithoutCancel(ctx))
	}
	if e := r.Dir.End(result.Counts, err, errors.Is(err, ErrInterrupted)); err == nil {
		err = e
	}
	return result, err
}

// littleGarbage is how much there may be, in percent of what is in use, where that is
// much: while tables are written, as metrics hold every generation, and while others
// make the calls, whose messages pass through here.
const littleGarbage = 50

// garbage is how much there may be while calls are made, in percent of what is in
// use. They leave little behind: collected at four times what is in use, they cost
// some 30 MB and save a twentieth of the processor, on which the server may be
// waiting.
func (r *Run) garbage() int {
	if r.Recall != nil {
		return littleGarbage
	}
	return 300
}

// loaded notes a load, and the pace that was found with it.
func (r *Run) loaded(l engine.Load) {
	r.Dir.Loaded(loads.Of(l))
	if err := (loads.Paces{Store: r.Store, Fleet: r.Fleet}).Note(context.Background(), l, r.Plan.Roster, r.Plan.answers.Tokens); err != nil {
		r.Warn(err.Error())
	}
}

// noteRights notes how often the variants were right without a preference, from which
// later plans tell how many of their answers will be rated.
func (r *Run) noteRights(ctx context.Context) {
	rights := loads.Rights{Store: r.Store}
	for _, v := range r.Plan.Variants {
		right, of := r.Plan.count.Right(v)
		if err := rights.Note(ctx, v, right, of); err != nil {
			r.Warn(err.Error())
		}
	}
}

const (
	releaseWithin = 20 * time.Second
	releaseSoon   = 3 * time.Second // where the user is waiting
)

// releasing bounds how long the end of a run waits for its servers to give their
// memory back, and ends at Ctrl-C. Those that perg started end with it in any
// case.
func releasing(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		return context.WithTimeout(context.WithoutCancel(ctx), releaseSoon)
	}
	return context.WithTimeout(ctx, releaseWithin)
}

// beginWatch samples the GPUs where there are any and the servers are on this
// machine. A table that cannot be begun costs the samples, not the run.
func (r *Run) beginWatch(ctx context.Context) (end func() error) {
	w, end, err := r.Fleet.Watch(ctx, r.Dir.Path, time.Duration(r.Config.GPUInterval), fleet.RotateEvery, func(uuid string) (fleet.Work, bool) { return workOf(uuid, r.lanes()) }, r.Warn)
	if err != nil {
		r.Warn(fmt.Sprintf("no GPU samples: %v", err))
		return func() error { return nil }
	}
	r.mu.Lock()
	r.watch = w
	r.mu.Unlock()
	return end
}

// Samples are the last values of the GPUs; empty where none are watched.
func (r *Run) Samples() []gpu.Sample {
	return r.watched().Samples()
}

func (r *Run) watched() *fleet.Watch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.watch
}
