package engine

import (
	"maps"
	"slices"
	"sync"
	"time"

	"perg/harness/store"
)

// A Status is the work as a whole at a moment. Counts of calls are those of
// this run, not of earlier ones that it resumes.
type Status struct {
	Jobs    []JobStatus // of all stages
	Calls   int         // made and answered, or failed
	Known   int         // replies that were there
	Elapsed time.Duration
	Left    *time.Duration // by the plan and measured rates; nil: not known
	Next    []string       // IDs of what waits for devices, in the order in which it will start
	// Errors counts failed calls by reason; Last is the last of them, nil
	// where there is none.
	Errors map[string]int
	Last   *Fault
}

// A JobStatus is a job's progress, in units.
type JobStatus struct {
	ID                  string
	Stage               Stage
	Done, Failed, Total int
}

// A Fault is a call that failed.
type Fault struct {
	At      time.Time
	Model   string // its label
	Message string
}

// Status is what the work came to so far, and what is ahead of it.
func (e *Engine) Status() Status {
	e.mu.Lock()
	ahead, began := e.ahead, e.began
	s, measured := e.tally.status(e.statuses), e.tally.measured(e.statuses)
	e.mu.Unlock()
	if ahead == nil {
		return s
	}
	s.Elapsed = time.Since(began)
	for _, j := range e.all() {
		done, total := j.count()
		s.Jobs = append(s.Jobs, JobStatus{j.ID, j.Stage, done, int(j.failed.Load()), total})
	}
	s.Next, s.Left = ahead.rest(measured)
	return s
}

// Lanes is the present state of the lanes at work.
func (e *Engine) Lanes() []LaneStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]LaneStatus, len(e.statuses))
	for i, s := range e.statuses {
		all[i] = s.snapshot()
	}
	return all
}

// watch begins a lane's status; drop ends it.
func (e *Engine) watch(l *lane, planned time.Duration) *laneStatus {
	s := newLaneStatus(l, l.job, e.Fleet.GPUs(l.devices), &e.tally)
	s.expects(planned)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.statuses = append(e.statuses, s)
	return s
}

func (e *Engine) drop(s *laneStatus) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.statuses = slices.DeleteFunc(e.statuses, func(other *laneStatus) bool { return other == s })
	e.tally.ended(s.snapshot())
}

func (e *Engine) expect(ahead *outlook) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ahead = ahead
}

// A tally counts what lanes did that have ended their work, and the failed
// calls of all.
type tally struct {
	mu     sync.Mutex
	calls  int
	known  int
	pace   map[Stage]pacing
	errors map[string]int
	last   *Fault
}

// A pacing is the time that lanes had calls in flight, and the time that the
// plan gave what they did in it. Where two lanes share a device both take its
// time: it is spent once, and what either did in it cannot be told.
type pacing struct {
	spent, planned time.Duration
	shared         bool
}

func (p pacing) plus(o pacing) pacing {
	return pacing{p.spent + o.spent, p.planned + o.planned, p.shared || o.shared}
}

// ratio is how many times longer things take than planned; ok is false where
// too little was done to tell.
func (p pacing) ratio() (ratio float64, ok bool) {
	const least = time.Second
	if p.spent < least || p.planned <= 0 {
		return 1, false
	}
	return float64(p.spent) / float64(p.planned), true
}

// ended adds a lane that ended its work.
func (t *tally) ended(s LaneStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls += s.Calls
	t.known += s.Known
	if t.pace == nil {
		t.pace = make(map[Stage]pacing)
	}
	t.pace[s.Stage] = t.pace[s.Stage].plus(s.pacing())
}

func (t *tally) failed(model string, f store.Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.errors == nil {
		t.errors = make(map[string]int)
	}
	t.errors[f.Reason]++
	t.last = &Fault{f.At, model, f.Message}
}

// status has the counts, those of the lanes at work included.
func (t *tally) status(atWork []*laneStatus) Status {
	t.mu.Lock()
	s := Status{Calls: t.calls, Known: t.known, Errors: maps.Clone(t.errors), Last: t.last}
	t.mu.Unlock()
	for _, l := range atWork {
		lane := l.snapshot()
		s.Calls += lane.Calls
		s.Known += lane.Known
	}
	return s
}

// measured is how each stage went so far against the plan.
func (t *tally) measured(atWork []*laneStatus) map[Stage]pacing {
	t.mu.Lock()
	all := maps.Clone(t.pace)
	t.mu.Unlock()
	if all == nil {
		all = make(map[Stage]pacing)
	}
	for _, l := range atWork {
		s := l.snapshot()
		all[s.Stage] = all[s.Stage].plus(s.pacing())
	}
	return all
}

// pacing is a lane's.
func (s LaneStatus) pacing() pacing {
	if s.Total == 0 {
		return pacing{}
	}
	// Lanes that share a job are taken to do units that take as much.
	mine := float64(s.own) / float64(max(1, s.through))
	return pacing{s.busy, time.Duration(float64(s.planned) * mine * float64(s.Done-s.doneBefore) / float64(s.Total)), s.shared}
}
