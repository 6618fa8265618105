package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"perg/harness/schedule"
)

// paceOf is the pace of a lane that starts: that of the job's other lanes on the
// same devices, if there are any.
func (e *executor) paceOf(j *job, s schedule.Start) *pace {
	on := onLane{j.ID, setOf(s.Fit.Devices)}
	if s.Beside {
		return e.pace(s.Fit, nil)
	}
	if e.paces[on] == nil {
		e.paces[on] = e.pace(s.Fit, e.turnAgain)
	}
	return e.paces[on]
}

// turnAgain has the schedule asked again though nothing ended.
func (e *executor) turnAgain() {
	select {
	case e.moved <- struct{}{}:
	default:
	}
}

// shareable says whether a job may be loaded beside the lanes on some devices:
// until these have loaded theirs, what they had before may be there still.
func (e *executor) shareable(j *job, devices []string) bool {
	return !e.alone[j] && !slices.ContainsFunc(e.on(devices), func(name string) bool { return !e.work[name].lane.placed.Load() })
}

// bytes are what a lane takes on each of its devices: what was planned, or what
// it was seen to have loaded where that is more.
func (e *executor) bytes(name string, a assignment) []uint64 {
	if loaded := e.holdings.of(a.lane); len(a.fit.Bytes) == 1 && loaded > a.fit.Bytes[0] {
		return []uint64{loaded}
	}
	return a.fit.Bytes
}

// on are the names of the lanes at work on some devices, residents left out, in
// the order in which they came.
func (e *executor) on(devices []string) (names []string) {
	for name, a := range e.work {
		if !a.beside && overlap(a.lane.devices, devices) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return e.work[a].server - e.work[b].server })
	return names
}

// share has the lanes of each job on the same devices be as many as its pace
// wants, once the schedule has started what it will: of too many the last ends,
// and a server that is not started as there is no room for it, or nothing to
// gain by it, is not waited for.
func (e *executor) share() {
	for on, p := range e.paces {
		var lanes []string
		var one assignment
		for name, a := range e.work {
			if a.job.ID == on.job && !a.beside && setOf(a.lane.devices) == on.lane {
				lanes, one = append(lanes, name), a
			}
		}
		switch want := p.at().servers; {
		case len(lanes) == 0:
			delete(e.paces, on)
		case len(lanes) < want && !p.reached(want) && len(e.on(one.lane.devices)) == len(lanes) && one.lane.placed.Load():
			p.capped(len(lanes))
		case len(lanes) > want:
			slices.SortFunc(lanes, func(a, b string) int { return e.work[a].server - e.work[b].server })
			e.retire(lanes[len(lanes)-1])
		}
	}
	for name, idle := range e.lanes {
		// What a lane has left in memory beside others at work is theirs.
		others := slices.ContainsFunc(e.on(idle.devices), func(o string) bool { return e.work[o].job.Source.Left() > 0 })
		if _, busy := e.work[name]; !busy && !idle.beside && others {
			e.leave(idle)
		}
	}
}

// retire has a lane end once its units in flight are done.
func (e *executor) retire(name string) {
	a := e.work[name]
	a.stuck = true
	e.work[name] = a
	a.lane.recall()
}

// crowded keeps a job from sharing devices, where that went wrong.
func (e *executor) crowded(a assignment, err error) {
	e.alone[a.job] = true
	if p := e.paces[onLane{a.job.ID, setOf(a.lane.devices)}]; p != nil {
		p.capped(max(1, len(e.on(a.lane.devices))))
	}
	e.Warn(fmt.Sprintf("%v; the run goes on without %s", err, a.lane.name))
}

// next is when the schedule is to be asked again though nothing ended: something
// that was left alone may be tried again, what is at work on a device ends about when
// the next job would be loaded, or takes longer than was thought when a device that
// is idle was not worth a load.
func (e *executor) next(at time.Time) (next time.Time, ok bool) {
	next, ok = e.trouble.next(at)
	if !e.waits.IsZero() && (!ok || e.waits.Before(next)) {
		next, ok = e.waits, true
	}
	s := e.state()
	idle := slices.ContainsFunc(s.Devices, func(d schedule.Device) bool { return len(e.on([]string{d.ID})) == 0 })
	more := slices.ContainsFunc(e.jobs, func(j *job) bool { return len(e.lanesOf(j)) > 0 && j.Source.Left() > 0 })
	if due := at.Add(lookIdle); idle && more && (!ok || due.Before(next)) {
		next, ok = due, true
	}
	for _, r := range s.Running {
		i := slices.IndexFunc(s.Devices, func(d schedule.Device) bool { return slices.Equal(r.Devices, []string{d.ID}) })
		if i < 0 || s.Devices[i].Memory == 0 || s.Devices[i].Processor || len(e.on(r.Devices)) != 1 {
			continue
		}
		for _, j := range s.Waiting {
			f := j.Fit(s.Devices[i : i+1])
			if j.Kind != schedule.Generate || f.Short > 0 {
				continue
			}
			left := r.Left - f.Load
			if ahead := r.Left - readAheadOf*f.Load; ahead > 0 {
				left = ahead
			}
			if due := at.Add(max(left, lookAgain)); left > 0 && (!ok || due.Before(next)) {
				next, ok = due, true
			}
			break
		}
	}
	return next, ok
}

// readAheadOf is how many times its load before a device is free the next model's
// files are read.
const readAheadOf = 3

// readAhead has the files of the model that will be loaded next read, as of a
// state, when a device is about to be free for it.
func (e *executor) readAhead(ctx context.Context, s schedule.State) {
	next := schedule.Upcoming(s)
	if next == "" {
		return
	}
	j := e.job(next)
	if e.read[j] || len(e.lanesOf(j)) > 0 {
		return
	}
	for _, r := range s.Running {
		set := slices.DeleteFunc(slices.Clone(s.Devices), func(d schedule.Device) bool { return !slices.Contains(r.Devices, d.ID) })
		if r.Beside || len(set) == 0 {
			continue
		}
		if f := j.Fit(set); f.Short == 0 && r.Left <= readAheadOf*f.Load {
			e.read[j] = true
			go e.Fleet.ReadAhead(ctx, j.Model)
			return
		}
	}
}

// lookAgain is the least time after which the schedule is asked again: what is
// left of a job is estimated anew with each answer.
const lookAgain = time.Second

// lookIdle is how often it is asked while a device is idle.
const lookIdle = 10 * time.Second
