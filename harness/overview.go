package harness

import (
	"maps"
	"slices"
	"sync"
	"time"

	"perg/gpu"
	"perg/harness/store"
)

// An Overview is a run as a whole at a moment: what it came to so far, and what
// is ahead of it. Counts of calls are those of this run, not of earlier ones
// that it resumes.
type Overview struct {
	Answers Part // generations through their variants
	Ratings Part // generations through extractor and judges, each counted
	Calls   int  // made and answered, or failed
	Known   int  // replies that the store had
	Failed  int  // generations
	Elapsed time.Duration
	Left    *time.Duration // by the plan and measured rates; nil: not known
	Next    []string       // what waits for devices, in the order in which it will start
	// Errors counts failed calls by reason; Last is the last of them, nil
	// where there is none.
	Errors map[string]int
	Last   *Fault
	GPUs   []GPUNow // in the order of their indexes; none where none is watched
}

// A Part is how many of how many generations are done.
type Part struct{ Done, Of int }

// A Fault is a call that failed.
type Fault struct {
	At      time.Time
	Variant string
	Message string
}

// A GPUNow is what a GPU was last seen doing, and its power limit in milliwatts,
// nil where it is not known.
type GPUNow struct {
	gpu.Sample
	PowerLimit *uint32
}

// Overview may be called at any time.
func (r *Run) Overview() Overview {
	r.mu.Lock()
	ahead, o, measured := r.ahead, r.tally.overview(r.statuses), r.tally.measured(r.statuses)
	r.mu.Unlock()
	if ahead == nil {
		return o
	}
	o.Elapsed = time.Since(ahead.began)
	for _, j := range ahead.all {
		part := &o.Answers
		if j.stage == Score {
			part = &o.Ratings
		}
		part.Done += int(j.through.Load())
		part.Of += j.total
		// A lane may have ended its work before its last replies are durable.
		o.Failed += int(j.failed.Load())
	}
	o.Next, o.Left = ahead.rest(measured)
	for _, s := range r.Samples() {
		now := GPUNow{Sample: s}
		for _, g := range r.Fleet.Inventory.GPUs {
			if g.UUID == s.UUID {
				now.PowerLimit = g.PowerLimit
			}
		}
		o.GPUs = append(o.GPUs, now)
	}
	return o
}

// Overview of a pass has one job and no GPUs.
func (g *Suggesting) Overview() Overview {
	g.mu.Lock()
	statuses := slices.Clone(g.statuses)
	g.mu.Unlock()
	o := g.tally.overview(statuses)
	for _, s := range statuses {
		l := s.snapshot()
		o.Answers, o.Failed = Part{l.Done, l.Total}, int(s.job.failed.Load()) // of the one job that all share
		o.Elapsed = max(o.Elapsed, l.Elapsed)
		if left, ok := l.Left(); ok && (o.Left == nil || left < *o.Left) {
			o.Left = &left
		}
	}
	return o
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
// plan gave what they did in it. Where a judge is resident beside a variant
// both take the time of one device: it is spent once, and what either did in it
// cannot be told.
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

func (t *tally) failed(variant string, f store.Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.errors == nil {
		t.errors = make(map[string]int)
	}
	t.errors[f.Reason]++
	t.last = &Fault{f.At, variant, f.Message}
}

// overview has the counts, those of the lanes at work included.
func (t *tally) overview(atWork []*laneStatus) Overview {
	t.mu.Lock()
	o := Overview{Calls: t.calls, Known: t.known, Errors: maps.Clone(t.errors), Last: t.last}
	t.mu.Unlock()
	for _, l := range atWork {
		s := l.snapshot()
		o.Calls += s.Calls
		o.Known += s.Known
	}
	return o
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
	return pacing{s.busy, time.Duration(float64(s.planned) * float64(s.own) / float64(s.Total)), s.shared}
}
