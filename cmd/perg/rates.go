package main

import (
	"time"

	"perg/harness"
)

// atLeast is the time that a run is to take still, which is no less than that of
// any of its lanes: a plan may not have known what is measured.
func atLeast(left *time.Duration, rates map[string]rate) *time.Duration {
	for _, r := range rates {
		if left != nil && r.left != nil && *r.left > *left {
			left = r.left
		}
	}
	return left
}

// Recent are the counts of each lane over the last minute: over days a mean
// would hide that a server has stalled.
type recent map[string][]count

type count struct {
	at            time.Time
	variant       string
	stage         harness.Stage
	calls, tokens int
}

// A rate is what a lane does now, in a second.
type rate struct {
	calls, tokens float64
	left          *time.Duration // of its job; nil: not known
}

func (r recent) rates(now time.Time, lanes []harness.LaneStatus) map[string]rate {
	const (
		over  = time.Minute
		least = 5 * time.Second
	)
	rates := make(map[string]rate)
	for _, l := range lanes {
		c := count{now, l.Model, l.Stage, l.Calls, l.OutputTokens}
		past := r[l.Lane]
		if n := len(past); n > 0 && (past[n-1].variant != c.variant || past[n-1].stage != c.stage || past[n-1].calls > c.calls) {
			past = nil // the lane has another job
		}
		past = append(past, c)
		for len(past) > 2 && now.Sub(past[1].at) >= over {
			past = past[1:]
		}
		r[l.Lane] = past
		is := rate{calls: l.CallsPerSecond(), tokens: l.TokensPerSecond()}
		if d := now.Sub(past[0].at); d >= least {
			is.calls, is.tokens = float64(c.calls-past[0].calls)/d.Seconds(), float64(c.tokens-past[0].tokens)/d.Seconds()
		}
		if left, ok := l.Left(); ok {
			is.left = &left
		}
		rates[l.Lane] = is
	}
	for lane := range r {
		if _, ok := rates[lane]; !ok {
			delete(r, lane)
		}
	}
	return rates
}
