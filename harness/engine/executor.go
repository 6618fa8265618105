package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// An executor carries stages of jobs out, one goroutine's own: whenever
// something ends, or may be tried again, it asks the schedule what to start.
type executor struct {
	*Engine
	trouble *trouble
	jobs    []*job                // of the stage, not finished
	planned map[*job]schedule.Job // as the schedule sees them
	nothing map[onLane]bool       // a lane found nothing to do in a job, since another one ended its work on it
	ends    map[*job]int          // how many lanes ended their work on it, having found some

	lanes     map[string]*lane      // with a server that may be used again, by name
	work      map[string]assignment // what lanes do now, by lane
	apart     map[string]bool       // devices on which no lane is beside another any more
	condemned map[*job]error        // not to be run any more, and why
	refused   map[*job]bool         // their units are being failed
	ended     chan ended
}

// An assignment is a lane at work on a job.
type assignment struct {
	job    *job
	lane   *lane
	fit    schedule.Fit
	beside bool // resident next to a candidate
	stuck  bool // told not to wait for units, or to take none
	ends   int  // of the job, as it began
}

// Ended is a lane that ended its work, or a job that was refused and whose
// units have all failed, which is no lane's work.
type ended struct {
	lane string
	job  *job
	err  error
}

func newExecutor(e *Engine) *executor {
	return &executor{
		Engine: e, trouble: newTrouble(e.Patience / 2),
		lanes: make(map[string]*lane), work: make(map[string]assignment),
		apart: make(map[string]bool), condemned: make(map[*job]error), refused: make(map[*job]bool), ended: make(chan ended),
	}
}

// carryOut runs jobs to their end, to the cancelling of ctx, or to an error that
// concerns more than one lane. No lane is at work when it returns.
func (e *executor) carryOut(ctx context.Context, jobs []*job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e.jobs, e.planned = slices.Clone(jobs), make(map[*job]schedule.Job)
	e.nothing, e.ends = make(map[onLane]bool), make(map[*job]int)
	for _, j := range jobs {
		j.total.Store(int64(j.Source.Left()))
		e.planned[j] = schedule.Job{ID: j.ID, Kind: j.Kind, Fit: e.fit(j)}
	}
	var failure error
	var undone []error
	for {
		for _, j := range slices.Clone(e.jobs) {
			if e.finished(j) {
				e.forget(j)
			}
		}
		var again <-chan time.Time
		if failure == nil && ctx.Err() == nil {
			undone = append(undone, e.turn(ctx)...)
			if at, ok := e.trouble.next(time.Now()); ok && len(e.jobs) > 0 {
				again = time.After(time.Until(at))
			}
		}
		if len(e.work) == 0 && len(e.refused) == 0 && again == nil {
			break
		}
		stopped := ctx.Done()
		if failure != nil || ctx.Err() != nil {
			stopped = nil
			if len(e.work) == 0 && len(e.refused) == 0 {
				break
			}
		}
		select {
		case end := <-e.ended:
			if err := e.finish(ctx, end); err != nil && failure == nil {
				failure = err
				if !errors.Is(err, context.Canceled) {
					// What is in flight cannot be kept either.
					for _, a := range e.work {
						a.lane.fail(err)
					}
				}
				cancel(err)
			}
		case <-again:
		case <-stopped:
		}
	}
	switch {
	case failure != nil:
		return failure
	case len(e.jobs) == 0:
		return errors.Join(undone...)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	for _, j := range slices.Clone(e.jobs) {
		undone = append(undone, e.abandon(j, nil))
	}
	return errors.Join(undone...)
}

func (e *executor) finished(j *job) bool {
	return len(e.lanesOf(j)) == 0 && !e.refused[j] && j.Source.Left() == 0
}

// forget takes a job off the list: it has no units left, or none that will be
// done.
func (e *executor) forget(j *job) {
	e.jobs = slices.DeleteFunc(e.jobs, func(o *job) bool { return o == j })
	j.ended()
}

// fit is a job's, as what failed lets it run now.
func (e *executor) fit(j *job) func([]schedule.Device) schedule.Fit {
	return func(set []schedule.Device) schedule.Fit {
		f := j.Fit(set)
		if f.Short > 0 {
			return f
		}
		of := onLane{j.ID, setOf(f.Devices)}
		if e.trouble.keptOff(j.ID, f.Devices, time.Now()) || e.trouble.tooSmall(j.ID, memoryOf(set)) || e.nothing[of] {
			f.Short, f.Dimension = 1, "GPU memory"
		}
		return f
	}
}

// memoryOf are the bytes of a set of devices; 0: not known.
func memoryOf(set []schedule.Device) (bytes uint64) {
	for _, d := range set {
		bytes += d.Memory
	}
	return bytes
}

// devices are those of some IDs.
func (e *executor) devices(ids []string) []schedule.Device {
	return slices.DeleteFunc(slices.Clone(e.Devices), func(d schedule.Device) bool { return !slices.Contains(ids, d.ID) })
}

// turn starts what the schedule says can start now, and gives up what can be
// done nowhere. Its errors are those of jobs that were given up.
func (e *executor) turn(ctx context.Context) (undone []error) {
	for _, j := range slices.Clone(e.jobs) {
		if len(e.lanesOf(j)) > 0 || e.refused[j] {
			continue
		}
		if why := e.condemned[j]; why != nil {
			e.refuse(ctx, j, why)
			continue
		}
		switch e.hope(j) {
		case refusedEverywhere:
			e.refuse(ctx, j, e.refusal(j))
		case devicesLost:
			undone = append(undone, e.abandon(j, e.trouble.whyLanes()))
		}
	}
	state := e.state()
	generating := slices.ContainsFunc(e.jobs, func(j *job) bool { return j.Kind == schedule.Generate && !e.refused[j] })
	working := slices.ContainsFunc(state.Working, func(j schedule.Job) bool { return j.Kind == schedule.Generate })
	starts := schedule.Next(state)
	for _, s := range starts {
		if s.Beside {
			// The lane next to it had all of the memory, and what it loaded
			// last may still be there.
			e.clear(ctx, s.Fit.Devices, "")
		}
	}
	for _, s := range starts {
		if s.Kind == schedule.Generate {
			working = true
			e.start(ctx, e.job(s.Job), s)
		}
	}
	// A lane that waits for what others answer must not hold the devices on
	// which those could be.
	yields := func(lane string, devices []string) bool {
		return generating && !working || e.wanted(lane, devices, state)
	}
	for _, s := range starts {
		if s.Kind == schedule.Generate || s.Beside && e.apart[s.Fit.Devices[0]] {
			continue
		}
		j := e.job(s.Job)
		if j.Source.Ready() || !yields(laneName(s.Fit.Devices, s.Beside), s.Fit.Devices) {
			e.start(ctx, j, s)
		}
	}
	for name, a := range e.work {
		if a.job.Kind == schedule.Score {
			now := yields(name, a.lane.devices)
			a.stuck = a.stuck || now
			e.work[name] = a
			a.lane.yield(now)
		}
	}
	e.expect(e.outlook())
	return undone
}

// wanted says whether a job that generates waits, as of a state, for the devices
// of a lane that scores: it fits with them, and not on those that are free.
func (e *executor) wanted(lane string, devices []string, s schedule.State) bool {
	busy := make(map[string]bool)
	for name, other := range e.work {
		for _, d := range other.lane.devices {
			busy[d] = busy[d] || name != lane
		}
	}
	free := slices.DeleteFunc(slices.Clone(s.Devices), func(d schedule.Device) bool { return busy[d.ID] })
	others := slices.DeleteFunc(slices.Clone(free), func(d schedule.Device) bool { return slices.Contains(devices, d.ID) })
	return slices.ContainsFunc(s.Waiting, func(j schedule.Job) bool {
		return j.Kind == schedule.Generate && len(e.lanesOf(e.job(j.ID))) == 0 && schedule.Fits(free, j) && !schedule.Fits(others, j)
	})
}

// state is what the schedule decides on. Devices that are left alone are not in
// it.
func (e *executor) state() schedule.State {
	var s schedule.State
	at := time.Now()
	for _, d := range e.Devices {
		if !e.trouble.barred(d.ID, at) {
			s.Devices = append(s.Devices, d)
		}
	}
	for _, j := range e.jobs {
		lanes := e.lanesOf(j)
		for _, name := range lanes {
			a := e.work[name]
			s.Running = append(s.Running, schedule.Running{Job: j.ID, Devices: a.fit.Devices, Bytes: a.fit.Bytes, Left: e.timeLeft(a), Beside: a.beside})
		}
		switch {
		case e.refused[j]:
		case len(lanes) == 0:
			s.Waiting = append(s.Waiting, e.planned[j])
		case j.Source.Left() > 0 && e.condemned[j] == nil:
			s.Working = append(s.Working, e.planned[j])
		default:
			// Nothing is left in it for another lane to do.
			s.Working = append(s.Working, schedule.Job{ID: j.ID, Kind: j.Kind, Fit: nowhere})
		}
	}
	return s
}

func nowhere(set []schedule.Device) schedule.Fit { return schedule.Fit{Short: 1, Dimension: "work"} }

func (e *executor) job(id string) *job {
	return e.jobs[slices.IndexFunc(e.jobs, func(j *job) bool { return j.ID == id })]
}

func (e *executor) lanesOf(j *job) []string {
	var names []string
	for name, a := range e.work {
		if a.job == j {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// timeLeft is what a lane's job is estimated to take still: from its own rate,
// once that can be told.
func (e *executor) timeLeft(a assignment) time.Duration {
	s := a.lane.status.snapshot()
	if left, ok := s.Left(); ok && s.calling >= rateAfter {
		return left
	}
	return time.Duration(float64(a.fit.Time) * float64(a.job.Source.Left()) / float64(max(a.job.total.Load(), 1)))
}

// A hope is what is to be expected of a job that no lane is at work on.
type hope int

const (
	hopeful           hope = iota
	refusedEverywhere      // no lane that it fits on can load it
	devicesLost            // what it fits on is gone, or it fits nowhere
)

func (e *executor) hope(j *job) hope {
	at := time.Now()
	spent := false
	loads := schedule.Job{ID: j.ID, Kind: j.Kind, Fit: func(set []schedule.Device) schedule.Fit {
		f := j.Fit(set)
		if f.Short == 0 && (e.trouble.refused(j.ID, f.Devices, at) || e.trouble.tooSmall(j.ID, memoryOf(set))) {
			spent = true
			f.Short, f.Dimension = 1, "GPU memory"
		}
		return f
	}}
	if !schedule.Fits(e.Devices, loads) {
		if spent {
			return refusedEverywhere
		}
		return devicesLost
	}
	if len(e.work) > 0 {
		return hopeful // a device may come back while others work
	}
	loadable := loads.Fit
	loads.Fit = func(set []schedule.Device) schedule.Fit {
		f := loadable(set)
		if f.Short == 0 && (e.trouble.lost(f.Devices, at) || e.nothing[onLane{j.ID, setOf(f.Devices)}]) {
			return nowhere(set) // or what is left has to be done elsewhere
		}
		return f
	}
	if schedule.Fits(e.Devices, loads) {
		return hopeful
	}
	if spent {
		return refusedEverywhere
	}
	return devicesLost
}

// laneName names the lane on some devices.
func laneName(devices []string, beside bool) string {
	name := strings.Join(devices, "+")
	if beside {
		name += "-judge"
	}
	return name
}

func (e *executor) start(ctx context.Context, j *job, s schedule.Start) {
	name := laneName(s.Fit.Devices, s.Beside)
	l, ok := e.lanes[name]
	if !ok {
		l = &lane{engine: e.Engine, name: name, devices: s.Fit.Devices, beside: s.Beside}
	}
	e.clear(ctx, l.devices, name)
	e.lanes[name] = l
	l.begin(ctx, j, s.Fit, e.pace(s.Fit), e.trouble.failedBefore(l.devices))
	l.status = e.watch(l, s.Fit.Time)
	e.work[name] = assignment{job: j, lane: l, fit: s.Fit, beside: s.Beside, ends: e.ends[j]}
	go func() {
		e.closings.wait(ctx, l.devices)
		e.ended <- ended{name, j, l.work()}
	}()
}

// clear gives back what idle lanes hold on devices, but for one of them.
func (e *executor) clear(ctx context.Context, devices []string, but string) {
	for name, idle := range e.lanes {
		if _, busy := e.work[name]; !busy && name != but && overlap(idle.devices, devices) {
			e.leave(ctx, idle)
		}
	}
}

// finish takes note that a lane ended its work on a job. Its error is one that
// ends the run.
func (e *executor) finish(ctx context.Context, end ended) error {
	if end.lane == "" {
		delete(e.refused, end.job)
		if end.err != nil {
			return end.err
		}
		e.forget(end.job)
		return nil
	}
	a := e.work[end.lane]
	delete(e.work, end.lane)
	e.drop(a.lane.status)
	e.taken(a, end.err)
	if a.lane.answers.Load() > 0 {
		e.trouble.laneWorks(a.job.ID, a.lane.devices)
	}
	return e.judge(ctx, a, end.err)
}

// taken notes lanes that found nothing to do, so that they are not started on
// the same job again until another lane ended its work on it: that may have
// given units back.
func (e *executor) taken(a assignment, err error) {
	if err == nil && !a.stuck && a.lane.taken.Load() == 0 && a.job.Source.Left() > 0 {
		if e.ends[a.job] == a.ends {
			e.nothing[onLane{a.job.ID, setOf(a.lane.devices)}] = true
		}
		return
	}
	e.ends[a.job]++
	for of := range e.nothing {
		if of.job == a.job.ID {
			delete(e.nothing, of)
		}
	}
}

// judge puts an error down to the lane, or to the model.
func (e *executor) judge(ctx context.Context, a assignment, err error) error {
	at := time.Now()
	var lane *LaneError
	var load *LoadError
	var refused *RefusedError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil // what is left says whether that came too late
	case errors.As(err, &refused):
		e.leave(ctx, a.lane)
		e.condemn(a.job, err)
	case errors.As(err, &load):
		if a.lane.inPlace != nil {
			e.leave(ctx, a.lane) // it was not heard to end the load
		}
		if crowded := new(crowdedError); errors.As(err, &crowded) {
			e.separate(a.lane.devices)
			e.trouble.crowded(a.job.ID, a.lane.devices, at, err)
			e.Warn(fmt.Sprintf("%v; they are kept apart from now on", err))
			return nil
		}
		e.trouble.cannotLoad(a.job.ID, a.lane.devices, at, err, load.Final)
		tight := new(tightError)
		if errors.As(err, &tight) {
			e.trouble.tight(a.job.ID, a.lane.devices, memoryOf(e.devices(a.lane.devices)))
		} else if !load.Final && e.trouble.inRow(a.job.ID, a.lane.devices) && !a.beside {
			e.laneFailed(ctx, a, at, fmt.Errorf("%w; another model could not be loaded there either", err))
			return nil
		}
		e.Warn(fmt.Sprintf("%v; %s is tried elsewhere, or later", err, a.job.Model.Label))
	case errors.As(err, &lane) && a.beside:
		// Its server is its own; the devices are another lane's, too.
		e.trouble.besideFailed(a.job.ID, a.lane.devices, at, err)
		e.leave(ctx, a.lane)
		e.Warn(fmt.Sprintf("%v; the run goes on without %s for a while", err, a.lane.name))
	case errors.As(err, &lane):
		e.laneFailed(ctx, a, at, err)
	default:
		return err
	}
	return nil
}

// separate ends that a lane is beside another one on devices: their models take
// more than was planned.
func (e *executor) separate(devices []string) {
	for _, d := range devices {
		e.apart[d] = true
	}
	for name, a := range e.work {
		if a.beside && !a.stuck && overlap(a.lane.devices, devices) {
			a.stuck = true
			e.work[name] = a
			a.lane.recall()
		}
	}
}

func (e *executor) laneFailed(ctx context.Context, a assignment, at time.Time, err error) {
	if e.trouble.laneFailed(a.lane.devices, at, err) {
		e.Warn(fmt.Sprintf("%v; the run goes on without %s for a while", err, a.lane.name))
	}
	e.leave(ctx, a.lane)
}

// leave gives a lane's devices back: its server is ended, and another one is
// opened when they are used again.
func (e *executor) leave(ctx context.Context, l *lane) {
	if e.lanes[l.name] == l {
		delete(e.lanes, l.name)
		l.left = true
		e.closings.shut(ctx, l)
	}
}

// releaseAll begins to give back what the lanes hold.
func (e *executor) releaseAll() {
	for _, l := range e.lanes {
		e.closings.shut(context.Background(), l)
	}
	clear(e.lanes)
}

// condemn ends a job that is not to be run any more: its units are failed once
// its lanes have given back theirs.
func (e *executor) condemn(j *job, why error) {
	for _, name := range e.lanesOf(j) {
		e.work[name].lane.fail(why)
	}
	if e.condemned[j] == nil {
		e.condemned[j] = why
	}
}

// refusal is why no lane can load a job.
func (e *executor) refusal(j *job) error {
	return tried(e.trouble.why(j.ID))
}

// refuse fails what is left of a job, beside the lanes.
func (e *executor) refuse(ctx context.Context, j *job, why error) {
	e.Warn(fmt.Sprintf("%v; what is left of it is in error, the others go on", why))
	e.refused[j] = true
	failure := store.Failure{Reason: reason(why), Message: why.Error(), At: now()}
	refuse := func(ctx context.Context, c Call) (store.Reply, error) {
		if c.Model != j.Model {
			return Recorded(e.Replies)(ctx, c)
		}
		if reply, ok, err := e.Replies.Get(ctx, c.Key); ok || err != nil {
			return reply, err
		}
		if _, err := e.Replies.Fail(context.WithoutCancel(ctx), c.Key, failure); err != nil {
			return store.Reply{}, err
		}
		e.tally.failed(j.Model.Label, failure)
		return store.Reply{}, &FailedError{failure}
	}
	go func() { e.ended <- ended{job: j, err: j.failAll(ctx, refuse)} }()
}

// failAll goes through what is left of a job with an ask that makes no call.
func (j *job) failAll(ctx context.Context, ask Ask) error {
	s := j.Source.Seat("")
	defer s.Leave()
	for {
		u, ok := s.Next(ctx)
		if !ok {
			return ctx.Err()
		}
		failed, err := j.Do(ctx, ask, u)
		if err != nil {
			j.Source.GiveBack(u)
			return err
		}
		j.done(u)
		j.through.Add(1)
		if failed {
			j.failed.Add(1)
		}
	}
}

// abandon leaves what is left of a job undone.
func (e *executor) abandon(j *job, why []error) error {
	err := fmt.Errorf("%s: %w", j.ID, ErrUndone)
	if len(why) > 0 {
		err = fmt.Errorf("%s: %w: %w", j.ID, ErrUndone, tried(why))
	}
	e.Warn(err.Error())
	e.forget(j)
	return err
}

// reason is the short name under which a failure is counted.
func reason(err error) string {
	if errors.Is(err, ErrRemade) {
		return ErrRemade.Error()
	}
	return models.Reason(err)
}
