package engine

import (
	"sync"
	"time"

	"perg/harness/store"
)

// What a lane is doing.
const (
	Working = "working"
	Loading = "loading"
)

// LaneStatus is a lane's progress at a moment. Done is that of its job, which
// it may share with other lanes; the other counts are its own since it took
// the job up.
type LaneStatus struct {
	Lane         string        `json:"lane"`
	Host         string        `json:"host"`
	Model        string        `json:"model"` // its label
	Remote       bool          `json:"-"`     // it runs elsewhere
	Stage        Stage         `json:"stage"`
	State        string        `json:"state"` // "working" or "loading"
	Unit         []string      `json:"unit"`  // what the last unit taken up is called; nil before the first
	Done         int           `json:"done"`  // units through the job
	Total        int           `json:"total"`
	Calls        int           `json:"calls"` // made and answered, or failed
	InFlight     int           `json:"in_flight"`
	GPUs         []string      `json:"gpus"`    // UUIDs; null where there are none, or not known
	Slots        int           `json:"slots"`   // 0: the server's own, not known
	Limit        int           `json:"limit"`   // most calls in flight, as measured so far
	Settled      bool          `json:"settled"` // whether that is what brings the most
	Known        int           `json:"known"`   // replies that the store had
	Failed       int           `json:"failed"`  // units
	OutputTokens int           `json:"output_tokens"`
	Elapsed      time.Duration `json:"elapsed_ns"`

	doneBefore int           // done when the first call went out
	calling    time.Duration // since then
	through    int           // units, since then
	own        int           // of them, by this lane
	lately     mark          // from which on the rate is told; zero: from the first call
	busy       time.Duration // with calls in flight, less what counts as the other lane's
	planned    time.Duration // of the whole job on this lane
	shared     bool          // its devices, with another lane, at some time
}

// CallsPerSecond is the rate since the stage began; 0 before its first call.
func (s LaneStatus) CallsPerSecond() float64 { return perSecond(s.Calls, s.Elapsed) }

// TokensPerSecond is the rate of output tokens since the stage began.
func (s LaneStatus) TokensPerSecond() float64 { return perSecond(s.OutputTokens, s.Elapsed) }

// Left estimates the time to the end of the stage from the units since
// its first call: those that the store knew cost nothing and say nothing. ok is
// false where there are none yet.
func (s LaneStatus) Left() (left time.Duration, ok bool) {
	from, took := s.doneBefore, s.calling
	if !s.lately.at.IsZero() {
		from, took = s.lately.done, time.Since(s.lately.at)
	}
	n := s.Done - from
	if took <= 0 || n <= 0 {
		return 0, false
	}
	return time.Duration(float64(took) / float64(n) * float64(max(0, s.Total-s.Done))), true
}

// A mark is how much of a job was done at a moment.
type mark struct {
	at   time.Time
	done int
}

// The rate is that of the last while: a job's first calls, and those before the
// number in flight was another, say little of what is to come.
const (
	rateWindow = time.Minute
	markEvery  = time.Second
)

func perSecond(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

type laneStatus struct {
	mu        sync.Mutex
	s         LaneStatus
	job       *job
	pace      *pace
	unit      Unit      // the last that was taken up; -1: none yet
	since     time.Time // the stage began
	firstCall time.Time
	busySince time.Time // calls are in flight; zero: none is
	weight    float64   // of its time: what it has of its devices
	tally     *tally
	at        point  // of the pace, as the last unit was taken up
	before    int    // units through when the first call went out
	marks     []mark // of the last while, in order
}

// mark notes how far the job is. It is called with l.mu held.
func (l *laneStatus) mark(now time.Time) {
	if n := len(l.marks); l.firstCall.IsZero() || n > 0 && now.Sub(l.marks[n-1].at) < markEvery {
		return
	}
	done, _ := l.job.count()
	l.marks = append(l.marks, mark{now, done})
	for now.Sub(l.marks[0].at) > rateWindow {
		l.marks = l.marks[1:]
	}
}

func (l *laneStatus) snapshot() LaneStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.s
	s.Limit, s.Settled = l.pace.state()
	s.Done, s.Total = l.job.count()
	s.through = int(l.job.through.Load()) - l.before
	if !l.since.IsZero() {
		s.Elapsed = time.Since(l.since)
	}
	if !l.firstCall.IsZero() {
		s.calling = time.Since(l.firstCall)
	}
	if len(l.marks) > 0 && time.Since(l.marks[0].at) >= rateAfter && s.Done > l.marks[0].done {
		s.lately = l.marks[0]
	}
	s.busy += l.uncounted()
	if l.unit >= 0 && l.job.Name != nil {
		s.Unit = l.job.Name(l.unit)
	}
	return s
}

func (l *laneStatus) update(f func(*LaneStatus)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.s)
}

func newLaneStatus(l *lane, j *job, gpus []string, t *tally) *laneStatus {
	return &laneStatus{
		s:     LaneStatus{Lane: l.name, GPUs: gpus, Model: j.Model.Label, Remote: j.Model.Remote, Stage: j.Stage, State: Working, Total: int(j.total.Load())},
		job:   j,
		pace:  l.pace,
		unit:  -1,
		since: time.Now(),
		tally: t, weight: 1,
	}
}

func (l *laneStatus) host(host string)   { l.update(func(s *LaneStatus) { s.Host = host }) }
func (l *laneStatus) slots(n int)        { l.update(func(s *LaneStatus) { s.Slots = n }) }
func (l *laneStatus) state(state string) { l.update(func(s *LaneStatus) { s.State = state }) }
func (l *laneStatus) known()             { l.update(func(s *LaneStatus) { s.Known++ }) }

// uncounted is the time of the calls in flight that busy lacks.
func (l *laneStatus) uncounted() time.Duration {
	if l.busySince.IsZero() {
		return 0
	}
	return time.Duration(l.weight * float64(time.Since(l.busySince)))
}

// shares is told whether a resident is beside others on the devices now, and
// what the lane has of them: all of them is 1.
func (l *laneStatus) shares(resident bool, weight float64) {
	l.update(func(s *LaneStatus) {
		s.busy += l.uncounted()
		if !l.busySince.IsZero() {
			l.busySince = time.Now()
		}
		s.shared, l.weight = s.shared || resident, weight
	})
}

// expects is told what the plan gives the whole job on this lane.
func (l *laneStatus) expects(d time.Duration) { l.update(func(s *LaneStatus) { s.planned = d }) }

func (l *laneStatus) sent() {
	l.update(func(s *LaneStatus) {
		if s.InFlight++; s.InFlight == 1 {
			l.busySince = time.Now()
		}
		if l.firstCall.IsZero() {
			l.firstCall, l.before = time.Now(), int(l.job.through.Load())
			s.doneBefore, _ = l.job.count()
		}
	})
}

func (l *laneStatus) answered(tokens int) {
	l.update(func(s *LaneStatus) {
		if s.InFlight--; s.InFlight == 0 {
			s.busy, l.busySince = s.busy+l.uncounted(), time.Time{}
		}
		s.Calls++
		s.OutputTokens += tokens
	})
}

// callFailed counts a call that failed; its unit may get over it.
func (l *laneStatus) callFailed(f store.Failure) {
	l.tally.failed(l.job.Model.Label, f)
}

func (l *laneStatus) took(u Unit) {
	at := l.pace.at()
	l.update(func(*LaneStatus) {
		if at != l.at {
			l.marks, l.at = nil, at // it was another rate
		}
		l.unit = u
	})
}

func (l *laneStatus) done(failed bool) {
	l.job.through.Add(1)
	if failed {
		l.job.failed.Add(1)
	}
	l.update(func(s *LaneStatus) {
		if failed {
			s.Failed++
		}
		if !l.firstCall.IsZero() {
			s.own++
		}
		l.mark(time.Now())
	})
}
