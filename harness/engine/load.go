package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// A Load is a model put into memory.
type Load struct {
	At     time.Time
	Lane   string
	Host   string
	Model  string        // its label
	Kind   schedule.Kind // what it is for: a model may be a candidate and a judge
	GPUs   []string      // UUIDs; nil where there are none, or not known
	Slots  int           // 0: the server's own, not known
	NumCtx int           // tokens for each slot
	Size   int64         // bytes, as the server reports them
	VRAM   int64         // of them in GPU memory
	// Planned is the size that the job's fit expected for these slots and tokens;
	// 0: not known.
	Planned int64
	Took    time.Duration
	Version string // of the server; "": it does not say
	// InFlight is the number of calls at once that brought the most, or that
	// was asked for; 0 where the job ended before it was measured.
	InFlight int
	// Pace is how that went, Answer left out; nil: not measured.
	Pace *store.Pace
}

// ErrRemade: the tag of a model is another model's now.
var ErrRemade = errors.New("model was made anew")

// A tightError is a load for which there was too little memory.
type tightError struct{ err error }

func (e *tightError) Error() string { return e.err.Error() }
func (e *tightError) Unwrap() error { return e.err }

// A crowdedError is a load for which there was too little memory beside another
// lane on the devices: alone it may fit.
type crowdedError struct{ err error }

func (e *crowdedError) Error() string { return e.err.Error() + ", beside another model" }
func (e *crowdedError) Unwrap() error { return e.err }

// An occupiedError is a load for which there was too little memory beside
// another program: neither the model's fault nor the lane's, where another
// model may fit.
type occupiedError struct {
	err error
	by  string
}

func (e *occupiedError) Error() string { return e.err.Error() + "; " + e.by + " holds memory there" }
func (e *occupiedError) Unwrap() error { return e.err }

// ready makes sure that the model is in memory. It waits for the calls in
// flight where it has to be loaded.
func (l *lane) ready(ctx context.Context) error {
	if l.fresh.Load() {
		return nil
	}
	if err := l.gate.Acquire(ctx, everything); err != nil {
		return err
	}
	defer l.gate.Release(everything)
	return l.loadAlone(ctx)
}

// loadAlone is ready for one that has the gate to itself. What fails here fails
// the stint: whoever comes next does not try again.
func (l *lane) loadAlone(ctx context.Context) error {
	switch {
	case l.fresh.Load():
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case l.ctx.Err() != nil: // ctx may outlast it
		return context.Cause(l.ctx)
	}
	err := l.buried(nil)
	switch {
	case err != nil:
	case l.job.Model.Remote:
		err = l.reach(ctx)
	default:
		err = l.load(ctx)
	}
	if err != nil {
		l.fail(err)
		return err
	}
	l.fresh.Store(true)
	return nil
}

// reach takes the place of a load where the model runs elsewhere: what was in
// memory here leaves it, as it would for another model.
func (l *lane) reach(ctx context.Context) error {
	l.discard(ctx)
	l.loaded = models.Loaded{}
	if l.server == nil {
		if err := l.open(ctx); err != nil {
			return err
		}
	}
	var err error
	if l.version, err = l.server.Version(ctx); err != nil {
		l.version = ""
	}
	if !l.placed.Swap(true) {
		l.moved()
	}
	return nil
}

// buried is err, or a refusal of the job's model where servers ended with it in
// memory or on its way there. One of the user's own is taken to have ended where
// a call was cut off and it did not come back.
func (l *lane) buried(err error) error {
	if l.server == nil || l.departing() {
		return err
	}
	ended := l.server.Exits() > l.exits
	l.exits = l.server.Exits()
	ended = ended || l.exits == 0 && l.cut.Load() && errors.Is(err, models.ErrUnreachable)
	if !ended {
		return err
	}
	// A server that ended several times since the last look had the model in
	// memory once, as far as is known: one that cannot stay up ends without it.
	with := l.inPlace == l.job.Model && l.loaded != (models.Loaded{}) || errors.Is(err, models.ErrCut)
	l.inPlace, l.loaded = nil, models.Loaded{}
	if with {
		if refused := l.job.died(death{time.Now(), l.name, setOf(l.devices)}); refused != nil {
			return refused
		}
	}
	return err
}

// load puts the job's model in memory: where it does not fit, with fewer slots,
// and then with a smaller context as long as every call fits that.
func (l *lane) load(ctx context.Context) error {
	l.status.state(Loading)
	defer l.status.state(Working)
	started := time.Now()
	for {
		shared := l.engine.holdings.shared(l, l.devices)
		err := l.loadOnce(ctx)
		var tight *tightError
		switch {
		case err == nil:
			l.report(started)
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.As(err, &tight):
			return l.buried(l.loadFault(err))
		}
		if l.shares {
			return &LoadError{l.name, &crowdedError{err}, false}
		}
		others := strings.Join(l.others(ctx), ", ")
		slots, numCtx, ok := lower(l.want.Slots, l.numCtx, l.job.Model.Contexts)
		if !ok {
			switch {
			case others != "":
				return &LoadError{l.name, &occupiedError{err, others}, false}
			case shared, l.engine.holdings.shared(l, l.devices):
				return &LoadError{l.name, &crowdedError{err}, false}
			}
			return &LoadError{l.name, err, false}
		}
		what := fmt.Sprintf("%d slots instead of %d", slots, l.want.Slots)
		if numCtx != l.numCtx {
			l.full = true
			what = fmt.Sprintf("a context of %d tokens instead of %d", numCtx, l.numCtx)
		}
		if others != "" {
			what += "; " + others + " holds memory there"
		}
		l.engine.Warn(fmt.Sprintf("%v; trying again with %s", err, what))
		l.want.Slots, l.numCtx = slots, numCtx
	}
}

// loadFault says whose an error of a load is.
func (l *lane) loadFault(err error) error {
	if decided(err) {
		return err
	}
	switch blame(context.Background(), err) {
	case theLane:
		return &LaneError{l.name, err}
	default:
		return &LoadError{l.name, err, errors.Is(err, models.ErrModelNotFound)}
	}
}

// lower is the next smaller way to load a model: half the slots, then the next
// smaller of the contexts. slots is 0 where they are not known.
func lower(slots, numCtx int, contexts []int) (lessSlots, lessCtx int, ok bool) {
	if slots > 1 {
		return slots / 2, numCtx, true
	}
	for _, c := range contexts {
		if c < numCtx {
			return slots, c, true
		}
	}
	return slots, numCtx, false
}

// loadOnce loads the model as it is wanted now. What was in memory leaves
// first, and is seen to have left: its calls have all come back.
func (l *lane) loadOnce(ctx context.Context) error {
	m := l.job.Model
	switch {
	case l.server == nil:
	case l.config != l.want:
		l.shut(ctx)
	case l.inPlace != nil && l.inPlace.Digest != m.Digest:
		l.discard(ctx)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if l.server == nil {
		if err := l.open(ctx); err != nil {
			return err
		}
	}
	if l.again {
		// What failed before is not waited for a second time.
		quick, cancel := context.WithTimeout(ctx, quickLook)
		_, err := l.server.InMemory(quick, m.Name)
		cancel()
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, context.DeadlineExceeded):
			return &LaneError{l.name, fmt.Errorf("%w: %s said nothing within %v", models.ErrUnreachable, l.server.Host(), quickLook)}
		default:
			return &LaneError{l.name, err}
		}
		l.again = false
	}
	l.inPlace, l.loaded = m, models.Loaded{} // from now on it may be
	l.engine.holdings.set(l, l.devices, 0)
	loaded, err := l.server.Load(ctx, m.Name, models.Options{NumCtx: l.numCtx})
	if isNotLoaded(err) {
		l.inPlace = nil
		l.engine.holdings.drop(l)
	}
	if errors.Is(err, models.ErrMemory) {
		return &tightError{err}
	}
	if err != nil {
		return err
	}
	l.loaded, l.exits = loaded, l.server.Exits() // what ended it before did not have the model
	// It may be another program's than that of the load before.
	if l.version, err = l.server.Version(ctx); err != nil {
		l.version = ""
	}
	l.engine.holdings.set(l, l.devices, uint64(max(0, loaded.VRAM)))
	if err := l.same(loaded); err != nil {
		l.discard(ctx)
		return err
	}
	if err := l.fits(loaded); err != nil {
		l.discard(ctx)
		return &tightError{err}
	}
	if loaded.ContextLength > 0 && loaded.ContextLength < l.numCtx {
		l.engine.Warn(fmt.Sprintf("%s has a context of %d tokens, less than the %d asked for: longer prompts will fail", m.Name, loaded.ContextLength, l.numCtx))
	}
	return nil
}

// isNotLoaded says whether an error of a load tells that nothing came of it: a
// server that was not heard to end it may still be at work on it.
func isNotLoaded(err error) bool {
	return errors.Is(err, models.ErrModelNotFound) || errors.Is(err, models.ErrMemory) || errors.Is(err, models.ErrRunner)
}

// quickLook bounds the wait for a lane that failed before.
const quickLook = 10 * time.Second

// same compares the model that a server has with the one that it was asked for.
// Where the server does not say what it has, it is believed.
func (l *lane) same(loaded models.Loaded) error {
	m := l.job.Model
	if loaded.Digest == "" || m.Digest == "" || loaded.Digest == m.Digest {
		return nil
	}
	return &LoadError{l.name, fmt.Errorf("%w: %s is %.12s on %s now, and %.12s when the run was planned", ErrRemade, m.Name, loaded.Digest, l.server.Host(), m.Digest), true}
}

func spilled(m models.Loaded) uint64 { return uint64(max(0, m.Size-m.VRAM)) }

// fits says whether the model may stay where it was loaded: part of it may run
// on the processor where that was allowed, or where there is no GPU.
func (l *lane) fits(loaded models.Loaded) error {
	name, size := l.job.Model.Name, humanize.IBytes(uint64(loaded.Size))
	hasGPU := l.engine.Fleet.GPUs(l.devices) != nil
	switch over := spilled(loaded); {
	case over == 0:
	case loaded.VRAM == 0 && !hasGPU:
		l.engine.warnOnce("models run on the CPU, none of them in GPU memory (perg doctor says why)")
	case loaded.VRAM == 0 && l.engine.AllowCPU:
		l.engine.warnOnce(name + " runs on the CPU, none of it in GPU memory")
	case l.engine.AllowCPU:
		l.engine.warnOnce(fmt.Sprintf("%s runs in part on the CPU: %s of its %s do not fit in GPU memory", name, humanize.IBytes(over), size))
	default:
		return fmt.Errorf("%s does not fit in GPU memory: %s of its %s would run on the CPU (--allow-cpu accepts that)", name, humanize.IBytes(over), size)
	}
	return nil
}

func (l *lane) open(ctx context.Context) error {
	var err error
	if l.server, err = l.engine.Fleet.Open(ctx, l.name, l.devices, l.want); err != nil {
		l.server = nil
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return &LaneError{l.name, err}
	}
	l.config, l.exits, l.width = l.want, l.server.Exits(), 0
	if ahead, ok := l.server.(Ahead); ok {
		l.ahead.Store(int64(ahead.Ahead()))
	}
	l.status.host(l.server.Host())
	return nil
}

func (l *lane) report(started time.Time) {
	load := Load{
		At: started.UTC(), Lane: l.name, Host: l.server.Host(), Model: l.job.Model.Label, Kind: l.job.Kind, GPUs: l.engine.Fleet.GPUs(l.devices), Slots: l.config.Slots,
		Version: l.version, NumCtx: l.numCtx, Size: l.loaded.Size, VRAM: l.loaded.VRAM, Took: time.Since(started),
	}
	if l.fit.Slots == l.config.Slots && l.fit.NumCtx == l.numCtx {
		load.Planned = int64(l.fit.Reported)
	}
	l.status.slots(l.config.Slots)
	if !l.placed.Swap(true) {
		l.moved()
	}
	l.last = load
	l.engine.Loaded(load)
}

// loadEnds notes how many calls in flight the load was worth, and what was
// measured with them.
func (l *lane) loadEnds(inFlight int, measured *store.Pace) {
	if inFlight == 0 && measured == nil || l.last.Model != l.job.Model.Label {
		return // or every reply was known
	}
	l.last.Kind, l.last.InFlight, l.last.Pace = l.job.Kind, inFlight, measured
	l.engine.Loaded(l.last)
}
