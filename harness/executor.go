package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// An executor carries a plan out: whenever devices become free it asks the
// schedule what to start on them.
type executor struct {
	run     *Run
	devices []schedule.Device // those that still work
	jobs    []*job            // not finished
	planned map[string]schedule.Job
	backlog *backlog // of the first scorer, while variants generate; else nil
	rating  []*job   // of further judges, each after all before it
	all     []*job   // finished ones, too
	began   time.Time
	flight  singleflight.Group
	// counting waits for what becomes durable, while the lanes go on.
	counting errgroup.Group

	lanes map[string]*lane      // with a server that may be used again, by name
	work  map[string]assignment // what lanes do now, by lane
	ended chan ended

	calls, known int
}

// An assignment is a lane at work on a job.
type assignment struct {
	job     *job
	devices []string
	fit     schedule.Fit
	beside  bool // resident next to a candidate
	status  *laneStatus
}

type ended struct {
	lane string
	err  error
}

func newExecutor(r *Run) *executor {
	p := r.Plan
	e := &executor{
		run: r, devices: slices.Clone(r.Fleet.Devices), planned: make(map[string]schedule.Job),
		lanes: make(map[string]*lane), work: make(map[string]assignment), ended: make(chan ended), began: time.Now(),
	}
	answered := func(generation) {}
	generating, scoring, rating := p.jobs(r.Fleet, r.Config)
	scorers := p.scorers()
	if scoring != nil {
		e.backlog = newBacklog(p)
		answered = e.backlog.answered
	}
	job := func(planned schedule.Job, v *Variant, stage Stage, from source, do doing, done func(generation)) *job {
		e.planned[planned.ID] = planned
		return &job{id: planned.ID, variant: v, stage: stage, total: from.left(), source: from, do: do, done: done}
	}
	for i, j := range generating {
		v := p.Variants[i]
		a := p.arrange(v)
		e.jobs = append(e.jobs, job(j, v, Generate, newQueue(a.groups(), a.generation), p.answerQuery, answered))
	}
	if scoring != nil {
		e.jobs = append(e.jobs, job(*scoring, scorers[0], Score, e.backlog, p.score(scorers[0]), func(generation) {}))
		scorers = scorers[1:]
	}
	for i, j := range rating {
		e.rating = append(e.rating, job(j, scorers[i], Score, newQueue(single(p.Total()), p.everywhere()), p.score(scorers[i]), func(generation) {}))
	}
	e.all = slices.Concat(e.jobs, e.rating)
	return e
}

// stages carries the plan out: variants and the first scorer together, then
// the other judges one by one.
func (e *executor) stages(ctx context.Context) error {
	err := e.carryOut(ctx)
	for _, j := range e.rating {
		if err != nil {
			break
		}
		e.backlog = nil
		e.jobs = append(e.jobs, j)
		err = e.carryOut(ctx)
	}
	if counted := e.counting.Wait(); err == nil {
		err = counted
	}
	return err
}

// answerQuery makes the call of a generation.
func (p *Plan) answerQuery(ctx context.Context, ask ask, g generation) (failed bool, err error) {
	s, err := p.generate(ctx, ask, g)
	return s.err != nil, err
}

// score makes one scorer's calls for a generation. Judges that come to a run
// later pass over what was not answered.
func (p *Plan) score(by *Variant) doing {
	var judges []*Variant
	if slices.Contains(p.Judges, by) {
		judges = []*Variant{by}
	}
	return func(ctx context.Context, ask ask, g generation) (failed bool, err error) {
		s, err := p.evaluate(ctx, ask, g, judges)
		if p.Rerating && errors.Is(err, errNotAsked) {
			return false, nil
		}
		failed = s.err != nil || slices.ContainsFunc(s.judgments, func(j judgment) bool { return j.reply == nil })
		return failed, err
	}
}

// carryOut runs all jobs to their end, to the cancelling of ctx, or to an
// error that concerns more than one lane. No lane is at work when it returns.
func (e *executor) carryOut(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var failure error
	for {
		if failure == nil && ctx.Err() == nil {
			e.startAll(ctx)
		}
		if len(e.work) == 0 {
			break
		}
		if err := e.finish(ctx, <-e.ended); err != nil && failure == nil {
			failure = err
			cancel(err)
		}
	}
	if failure == nil {
		failure = ctx.Err()
	}
	if failure == nil && len(e.jobs) > 0 {
		failure = fmt.Errorf("%s could not be run: nothing is left to run it on", e.jobs[0].id)
	}
	return failure
}

// startAll starts what the schedule says can start now.
func (e *executor) startAll(ctx context.Context) {
	state := schedule.State{Devices: e.devices}
	generating := false
	for _, j := range e.jobs {
		atWork := false
		for _, name := range e.lanesOf(j) {
			a := e.work[name]
			state.Running = append(state.Running, schedule.Running{Job: j.id, Devices: a.devices, Bytes: a.fit.Bytes, Left: e.timeLeft(a), Beside: a.beside})
			atWork = true
		}
		generating = generating || j.stage == Generate && atWork
		if atWork {
			state.Working = append(state.Working, e.planned[j.id])
		} else {
			state.Waiting = append(state.Waiting, e.planned[j.id])
		}
	}
	starts := schedule.Next(state)
	for _, s := range starts {
		e.start(ctx, s)
	}
	e.run.expect(e.outlook())
	if e.backlog != nil {
		// A judge that waits for answers must not hold the only devices on
		// which those could be given.
		stuck := slices.ContainsFunc(e.jobs, func(j *job) bool { return j.stage == Generate }) && !generating && len(starts) == 0
		e.backlog.yield(stuck)
	}
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
// once there is one.
func (e *executor) timeLeft(a assignment) time.Duration {
	if left, ok := a.status.snapshot().Left(); ok {
		return left
	}
	return time.Duration(float64(a.fit.Time) * float64(a.job.source.left()) / float64(max(a.job.total, 1)))
}

func (e *executor) start(ctx context.Context, s schedule.Start) {
	j := e.jobs[slices.IndexFunc(e.jobs, func(j *job) bool { return j.id == s.Job })]
	name := laneName(s.Fit.Devices)
	if s.Beside {
		name += "-judge"
	}
	l, ok := e.lanes[name]
	if !ok {
		l = &lane{name: name, devices: s.Fit.Devices, fleet: e.run.Fleet, store: e.run.Store, warn: e.run.Warn, loads: e.run.Dir.loaded, flight: &e.flight, counting: &e.counting, began: e.began, allowCPU: e.run.Config.AllowCPU}
	}
	var before []*lane
	for other, idle := range e.lanes {
		if _, busy := e.work[other]; !busy && other != name && overlap(idle.devices, l.devices) {
			before = append(before, idle)
			delete(e.lanes, other)
		}
	}
	e.lanes[name] = l
	l.status = e.run.newStatus(l, j)
	l.status.expects(s.Fit.Time)
	l.use(j.variant, settings{s.Fit.Slots, j.variant.KVCache}, s.Fit.NumCtx, e.run.Config.pace(s.Fit))
	e.work[name] = assignment{j, l.devices, s.Fit, s.Beside, l.status}
	go func() {
		for _, idle := range before {
			if err := idle.shut(context.WithoutCancel(ctx)); err != nil {
				e.run.Warn(err.Error())
			}
		}
		e.ended <- ended{name, l.work(ctx, j)}
	}()
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(d string) bool { return slices.Contains(b, d) })
}

const (
	// mostUnknown bounds the calls in flight at a server whose slots are not
	// known.
	mostUnknown = 32
)

// pace is the user's number of calls in flight, or one that is found by
// measuring, up to one for each slot: a call that waits for a slot takes the
// first that is free, whatever prompt that has in its cache, and so costs more
// than the moment between two calls that it would save.
func (c Config) pace(f schedule.Fit) *pace {
	if n, _ := c.inFlight(); n > 0 {
		return newPace(fixed(n))
	}
	if f.Slots > 0 {
		return newPace(newClimb(f.Slots))
	}
	return newPace(newClimb(mostUnknown))
}

// finish takes note that a lane ended its work on a job. Its error is one that
// ends the run.
func (e *executor) finish(ctx context.Context, end ended) error {
	a := e.work[end.lane]
	delete(e.work, end.lane)
	e.run.drop(a.status)
	s := a.status.snapshot()
	e.calls += s.Calls
	e.known += s.Known

	var lost *laneLost
	switch {
	case end.err == nil:
	case !errors.As(end.err, &lost):
		return end.err
	case lost.load:
		return e.cannotLoad(ctx, end.lane, a, lost)
	default:
		return e.serverGone(end.lane, a, end.err)
	}
	if len(e.lanesOf(a.job)) == 0 && a.job.source.left() == 0 {
		e.jobs = slices.DeleteFunc(e.jobs, func(j *job) bool { return j == a.job })
	}
	return nil
}

// serverGone takes a lane's devices out of use. The job goes on elsewhere.
func (e *executor) serverGone(lane string, a assignment, err error) error {
	delete(e.lanes, lane)
	e.devices = slices.DeleteFunc(e.devices, func(d schedule.Device) bool { return slices.Contains(a.devices, d.ID) })
	if len(e.devices) == 0 {
		return err
	}
	e.run.Warn(fmt.Sprintf("%v; the run goes on without %s", err, lane))
	return nil
}

// cannotLoad fails what is left of a job whose variant could not be loaded,
// unless other lanes are at work on it.
func (e *executor) cannotLoad(ctx context.Context, lane string, a assignment, lost *laneLost) error {
	if others := e.lanesOf(a.job); len(others) > 0 {
		e.run.Warn(fmt.Sprintf("%v; %s stays with %s", lost, a.job.variant.Label, others[0]))
		e.bar(a.job.id, a.devices)
		return nil
	}
	e.run.Warn(fmt.Sprintf("%v; its generations are rows in error, the others go on", lost))
	failure := store.Failure{Reason: models.Reason(lost), Message: lost.Error(), At: time.Now()}
	refuse := func(ctx context.Context, c call) (store.Reply, error) {
		key := c.key()
		if reply, ok, err := e.run.Store.Get(ctx, key); ok || err != nil {
			return reply, err
		}
		if c.variant != a.job.variant {
			return recorded(e.run.Store)(ctx, c)
		}
		if _, err := e.run.Store.Fail(context.WithoutCancel(ctx), key, failure); err != nil {
			return store.Reply{}, err
		}
		a.status.callFailed(failure)
		return store.Reply{}, &pastFailure{failure}
	}
	a.status = e.run.newStatus(e.lanes[lane], a.job)
	e.work[lane] = a
	go func() { e.ended <- ended{lane, a.job.refuseAll(ctx, refuse, a.status)} }()
	return nil
}

// bar keeps a job from devices on which it could not be loaded.
func (e *executor) bar(id string, devices []string) {
	planned := e.planned[id]
	fit := planned.Fit
	planned.Fit = func(set []schedule.Device) schedule.Fit {
		f := fit(set)
		if f.Short == 0 && overlap(f.Devices, devices) {
			f.Short, f.Dimension = 1, "GPU memory"
		}
		return f
	}
	e.planned[id] = planned
}

// refuseAll goes through what is left of a job with an ask that makes no call.
func (j *job) refuseAll(ctx context.Context, ask ask, status *laneStatus) error {
	s := j.source.seat()
	defer s.leave()
	for {
		g, ok := s.next(ctx)
		if !ok {
			return ctx.Err()
		}
		failed, err := j.do(ctx, ask, g)
		if err != nil {
			j.source.giveBack(g)
			return err
		}
		j.done(g)
		status.done(failed)
	}
}

// release ends the lanes' servers; those of the user's own get their memory
// back.
func (e *executor) release(ctx context.Context) {
	for _, l := range e.lanes {
		if err := l.shut(context.WithoutCancel(ctx)); err != nil {
			e.run.Warn(err.Error())
		}
	}
}
