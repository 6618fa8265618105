package harness

import (
	"sync"
	"time"
)

// A Stage is what a lane does with a variant.
type Stage string

// The stages.
const (
	Generate Stage = "generate" // the variant answers
	Score    Stage = "score"    // the judge model reads and rates answers
)

const (
	stateWorking = "working"
	stateLoading = "loading"
)

// LaneStatus is a lane's progress at a moment. Counts are those of its present
// stage.
type LaneStatus struct {
	Host         string        `json:"host"`
	Variant      string        `json:"variant"`
	Stage        Stage         `json:"stage"`
	State        string        `json:"state"` // "working" or "loading"
	Cell         string        `json:"cell"`  // method and setting of the last generation taken up
	Done         int           `json:"done"`  // generations through the stage
	Total        int           `json:"total"`
	Calls        int           `json:"calls"` // made and answered, or failed
	InFlight     int           `json:"in_flight"`
	Known        int           `json:"known"`  // replies that the store had
	Failed       int           `json:"failed"` // generations
	OutputTokens int           `json:"output_tokens"`
	Elapsed      time.Duration `json:"elapsed_ns"`

	doneBefore int           // generations done when the first call went out
	calling    time.Duration // since then
}

// CallsPerSecond is the rate since the stage began; 0 before its first call.
func (s LaneStatus) CallsPerSecond() float64 { return perSecond(s.Calls, s.Elapsed) }

// TokensPerSecond is the rate of output tokens since the stage began.
func (s LaneStatus) TokensPerSecond() float64 { return perSecond(s.OutputTokens, s.Elapsed) }

// Left estimates the time to the end of the stage from the generations since
// its first call: those that the store knew cost nothing and say nothing. ok is
// false where there are none yet.
func (s LaneStatus) Left() (left time.Duration, ok bool) {
	n := s.Done - s.doneBefore
	if s.calling <= 0 || n <= 0 {
		return 0, false
	}
	return time.Duration(float64(s.calling) / float64(n) * float64(s.Total-s.Done)), true
}

func perSecond(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

type laneStatus struct {
	mu        sync.Mutex
	s         LaneStatus
	since     time.Time // the stage began
	firstCall time.Time
}

func (l *laneStatus) snapshot() LaneStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.s
	if !l.since.IsZero() {
		s.Elapsed = time.Since(l.since)
	}
	if !l.firstCall.IsZero() {
		s.calling = time.Since(l.firstCall)
	}
	return s
}

func (l *laneStatus) update(f func(*LaneStatus)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.s)
}

func (l *laneStatus) begin(variant string, stage Stage, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.s = LaneStatus{Host: l.s.Host, Variant: variant, Stage: stage, State: stateWorking, Total: total}
	l.since, l.firstCall = time.Now(), time.Time{}
}

func (l *laneStatus) state(state string) { l.update(func(s *LaneStatus) { s.State = state }) }
func (l *laneStatus) known()             { l.update(func(s *LaneStatus) { s.Known++ }) }

func (l *laneStatus) sent() {
	l.update(func(s *LaneStatus) {
		s.InFlight++
		if l.firstCall.IsZero() {
			l.firstCall, s.doneBefore = time.Now(), s.Done
		}
	})
}

func (l *laneStatus) answered(tokens int) {
	l.update(func(s *LaneStatus) { s.InFlight--; s.Calls++; s.OutputTokens += tokens })
}

func (l *laneStatus) took(c Cell) {
	l.update(func(s *LaneStatus) { s.Cell = string(c.Method) + " " + string(c.Setting) })
}

func (l *laneStatus) done(failed bool) {
	l.update(func(s *LaneStatus) {
		s.Done++
		if failed {
			s.Failed++
		}
	})
}
