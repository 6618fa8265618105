package harness

import (
	"time"

	"perg/gpu"
	"perg/harness/engine"
	"perg/harness/sofar"
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
	Paused  bool           // nothing further is asked
	Left    *time.Duration // by the plan and measured rates; nil: not known
	Next    []string       // what waits for devices, in the order in which it will start
	// Errors counts failed calls by reason; Last is the last of them, nil
	// where there is none.
	Errors map[string]int
	Last   *engine.Fault
	// Variants and Judges are what they come to so far.
	Variants []sofar.Variant
	Judges   []sofar.Judge
	GPUs     []GPUNow // in the order of their indexes; none where none is watched
}

// A Part is how many of how many generations are done.
type Part struct {
	Done int `json:"done"`
	Of   int `json:"of"`
}

// A GPUNow is what a GPU was last seen doing, and its power limit in milliwatts,
// nil where it is not known.
type GPUNow struct {
	gpu.Sample
	PowerLimit *uint32
}

// overview is what an engine says of itself, its jobs told apart by their stage.
func overview(s engine.Status) Overview {
	o := Overview{Calls: s.Calls, Known: s.Known, Elapsed: s.Elapsed, Left: s.Left, Next: s.Next, Errors: s.Errors, Last: s.Last}
	for _, j := range s.Jobs {
		part := &o.Answers
		if j.Stage == Score {
			part = &o.Ratings
		}
		part.Done += j.Done
		part.Of += j.Total
		o.Failed += j.Failed
	}
	return o
}

// Overview may be called at any time.
func (r *Run) Overview() Overview {
	e := r.atWork()
	if e == nil {
		return Overview{}
	}
	o := overview(e.Status())
	o.Paused = e.Paused()
	o.Variants, o.Judges = r.Plan.count.Variants(), r.Plan.count.Judges()
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
