package engine

import (
	"slices"
	"sync"
	"time"

	"perg/harness/schedule"
)

// An outlook is what a run has ahead of it, as of the last time that the
// schedule was asked.
type outlook struct {
	devices []schedule.Device
	now     []prospect // waiting or at work
	then    []prospect // of further stages, one after the other

	mu    sync.Mutex
	at    time.Time      // of the estimate
	left  *time.Duration // nil: something fits on none of the devices that are there
	order []string
}

// A prospect is a job with what the plan says of it.
type prospect struct {
	*job
	planned schedule.Job
	lanes   []*laneStatus // at work on it
}

// outlook takes down what is ahead: the executor's own values change.
func (e *executor) outlook() *outlook {
	o := &outlook{devices: e.state().Devices}
	prospect := func(j *job) prospect {
		p := prospect{job: j, planned: schedule.Job{ID: j.ID, Kind: j.Kind, Fit: j.Fit}}
		for _, name := range e.lanesOf(j) {
			a, residents, servers := e.work[name], 0, 0
			p.lanes = append(p.lanes, a.lane.status)
			for _, b := range e.work {
				switch {
				case !overlap(a.lane.devices, b.lane.devices):
				case b.beside:
					residents++
				default:
					servers++
				}
			}
			weight := 0.0 // a resident takes the others' time
			if !a.beside || servers == 0 {
				weight = a.fit.Together(servers) / float64(max(servers, 1))
			}
			a.lane.status.shares(residents > 0 && servers > 0, weight)
		}
		return p
	}
	for _, j := range e.jobs {
		o.now = append(o.now, prospect(j))
	}
	for _, stage := range e.stages[e.stage+1:] {
		for _, j := range stage {
			o.then = append(o.then, prospect(j))
		}
	}
	return o
}

// estimateAge is how long an estimate is good for: placing a large sweep again
// takes some hundredths of a second.
const estimateAge = 3 * time.Second

// rest is what waits, in the order in which it will start, and how long all
// that is left takes: the placement of what is left of each job, in times that
// are the plan's, corrected by what was measured so far.
func (o *outlook) rest(measured map[Stage]pacing) (order []string, left *time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if age := time.Since(o.at); age < estimateAge {
		if o.left == nil {
			return o.order, nil
		}
		return o.order, new(max(0, *o.left-age))
	}
	o.at, o.order, o.left = time.Now(), nil, nil
	type begin struct {
		id string
		at time.Duration
	}
	var begins []begin
	var placed time.Duration
	known := true
	place := func(generating []schedule.Job, scoring *schedule.Job) {
		p := schedule.Place(o.devices, generating, scoring)
		for _, l := range p.Lanes {
			for _, a := range l.Work {
				begins = append(begins, begin{a.Job, placed + a.Begin})
			}
		}
		placed += p.Makespan
		known = known && len(p.Refused) == 0
	}
	var generating []schedule.Job
	var scoring *schedule.Job
	atWork := make(map[string]bool)
	for _, p := range o.now {
		atWork[p.ID] = len(p.lanes) > 0
		j := p.remaining(measured)
		if j.Kind == schedule.Score {
			scoring = &j
		} else {
			generating = append(generating, j)
		}
	}
	place(generating, scoring)
	for _, p := range o.then {
		place([]schedule.Job{p.remaining(measured)}, nil)
	}
	slices.SortStableFunc(begins, func(a, b begin) int { return int(a.at - b.at) })
	for _, b := range begins {
		if !atWork[b.id] && !slices.Contains(o.order, b.id) {
			o.order = append(o.order, b.id)
		}
	}
	if left, ok := o.atWork(); ok {
		o.left = &left
	} else if known {
		o.left = &placed
	}
	return o.order, o.left
}

// rateAfter is when a job's rate can be told: its first calls are slow.
const rateAfter = 5 * time.Second

// atWork is how long all takes where nothing waits any more: as long as the
// job that ends last at its rate. That is better than the plan knows.
func (o *outlook) atWork() (left time.Duration, ok bool) {
	if len(o.then) > 0 {
		return 0, false
	}
	for _, p := range o.now {
		var ends time.Duration
		measured := false
		for _, l := range p.lanes {
			s := l.snapshot()
			if d, ok := s.Left(); ok && s.calling >= rateAfter && (!measured || d < ends) {
				ends, measured = d, true
			}
		}
		if !measured && p.Source.Left() > 0 {
			return 0, false
		}
		left = max(left, ends)
	}
	return left, len(o.now) > 0
}

// remaining is what is left of a job, for the placement.
func (p prospect) remaining(measured map[Stage]pacing) schedule.Job {
	share := 0.0
	if done, total := p.count(); total > 0 {
		share = 1 - float64(done)/float64(total)
	}
	ratio := p.ratio(measured)
	j := p.planned
	fit := j.Fit
	j.Fit = func(set []schedule.Device) schedule.Fit {
		f := fit(set)
		f.Time = time.Duration(float64(f.Time) * ratio * share)
		if len(p.lanes) > 0 {
			f.Load = 0
		}
		return f
	}
	return j
}

// ratio is how many times longer than planned a job takes: as measured of
// itself, else of its stage, else of all.
func (p prospect) ratio(measured map[Stage]pacing) float64 {
	var own pacing
	for _, l := range p.lanes {
		own = own.plus(l.snapshot().pacing())
	}
	for _, m := range []pacing{own, measured[p.Stage]} {
		if r, ok := m.ratio(); ok && !m.shared {
			return r
		}
	}
	var all pacing
	for _, m := range measured {
		all = all.plus(m)
	}
	r, _ := all.ratio()
	return r
}
