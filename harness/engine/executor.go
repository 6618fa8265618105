package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"perg/harness/schedule"
)

// An executor carries stages of jobs out, one goroutine's own: whenever
// something ends, or may be tried again, it asks the schedule what to start.
type executor struct {
	*Engine
	trouble  *trouble
	there    []schedule.Device
	departed map[string]departure  // devices that were there, by ID
	waits    time.Time             // for devices to come, until it is asked again; zero: nothing does
	jobs     []*job                // of the stage, not finished
	planned  map[*job]schedule.Job // as the schedule sees them
	nothing  map[onLane]bool       // a lane found nothing to do in a job, since another one ended its work on it
	ends     map[*job]int          // how many lanes ended their work on it, having found some

	lanes     map[string]*lane      // with a server that may be used again, by name
	paces     map[onLane]*pace      // of a job on a set of devices
	alone     map[*job]bool         // what went wrong beside other lanes: it has its devices to itself
	moved     chan struct{}         // the number of servers that a pace wants
	read      map[*job]bool         // whose models were read ahead
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
	beside bool // resident next to another one
	shares bool // its devices, with lanes that were there before
	server int  // which one on its devices
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
		Engine: e, trouble: newTrouble(e.Patience / 2), there: slices.Clone(e.Devices), departed: make(map[string]departure),
		lanes: make(map[string]*lane), work: make(map[string]assignment),
		apart: make(map[string]bool), condemned: make(map[*job]error), refused: make(map[*job]bool), ended: make(chan ended),
		paces: make(map[onLane]*pace), alone: make(map[*job]bool), read: make(map[*job]bool), moved: make(chan struct{}, 1),
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
		e.follow()
		for _, j := range slices.Clone(e.jobs) {
			if e.finished(j) {
				e.forget(j)
			}
		}
		var again <-chan time.Time
		if failure == nil && ctx.Err() == nil {
			undone = append(undone, e.turn(ctx)...)
			if at, ok := e.next(time.Now()); ok && len(e.jobs) > 0 {
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
		case <-e.moved:
		case <-e.changed:
		case <-e.retry:
			e.trouble.forgive()
			clear(e.nothing)
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
		if p := e.paces[of]; p != nil {
			f.Servers = p.at().servers
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
	return slices.DeleteFunc(slices.Clone(e.there), func(d schedule.Device) bool { return !slices.Contains(ids, d.ID) })
}

// turn starts what the schedule says can start now, and gives up what can be
// done nowhere. Its errors are those of jobs that were given up.
func (e *executor) turn(ctx context.Context) (undone []error) {
	e.waits = time.Time{}
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
			why := e.trouble.whyLanes(j.ID)
			if away := e.whyAway(); away != nil {
				why = append(why, away)
			}
			undone = append(undone, e.abandon(j, why))
		case devicesAway:
			if until, _ := e.awaited(j); e.waits.IsZero() || until.Before(e.waits) {
				e.waits = until
			}
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
			e.clear(s.Fit.Devices, "")
		}
	}
	for _, s := range starts {
		if j := e.job(s.Job); s.Kind == schedule.Generate && (!s.Share || e.shareable(j, s.Fit.Devices)) {
			working = true
			e.start(ctx, j, s)
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
		if s.Share && !e.shareable(j, s.Fit.Devices) {
			continue
		}
		if j.Source.Ready() || !yields(laneName(s), s.Fit.Devices) {
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
	e.share()
	e.readAhead(ctx, state)
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
	for _, d := range e.there {
		if !e.trouble.barred(d.ID, at) {
			s.Devices = append(s.Devices, d)
		}
	}
	for _, j := range e.jobs {
		lanes := e.lanesOf(j)
		for _, name := range lanes {
			a := e.work[name]
			s.Running = append(s.Running, schedule.Running{Job: j.ID, Devices: a.fit.Devices, Bytes: e.bytes(name, a), Left: e.timeLeft(a), Beside: a.beside, Server: a.server})
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

// laneName names the lane of a start.
func laneName(s schedule.Start) string {
	name := schedule.LaneName(s.Fit.Devices, s.Server)
	if s.Beside {
		name += "-beside"
	}
	return name
}

func (e *executor) start(ctx context.Context, j *job, s schedule.Start) {
	name := laneName(s)
	l, ok := e.lanes[name]
	if !ok {
		l = newLane(e.Engine, name, s)
	}
	e.clear(l.devices, name)
	e.lanes[name] = l
	l.begin(ctx, j, s.Fit, e.paceOf(j, s), e.trouble.failedBefore(l.devices))
	l.status = e.watch(l, s.Fit.Time)
	e.work[name] = assignment{job: j, lane: l, fit: s.Fit, beside: s.Beside, shares: s.Share, server: s.Server, ends: e.ends[j]}
	l.shares, l.moved = s.Share, e.turnAgain
	go func() {
		e.closings.wait(l.ctx, l.devices)
		e.ended <- ended{name, j, l.work()}
	}()
}

// clear gives back what idle lanes hold on devices, but for one of them.
func (e *executor) clear(devices []string, but string) {
	for name, idle := range e.lanes {
		if _, busy := e.work[name]; !busy && name != but && overlap(idle.devices, devices) {
			e.leave(idle)
		}
	}
}
