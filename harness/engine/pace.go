package engine

import (
	"context"
	"math"
	"sync"
	"time"

	"perg/harness/schedule"
)

// mostUnknown bounds the calls in flight at a server whose slots are not known.
const mostUnknown = 32

// pace is the user's number of calls in flight, or one that is found by
// measuring, up to one for each slot: a call that waits for a slot takes the
// first that is free, whatever prompt that has in its cache, and so costs more
// than the moment between two calls that it would save.
func (e *Engine) pace(f schedule.Fit) *pace {
	switch {
	case e.InFlight > 0:
		return newPace(fixed(e.InFlight))
	case f.Slots > 0:
		return newPace(newClimb(f.Slots))
	}
	return newPace(newClimb(mostUnknown))
}

// A pace bounds how many units a lane works on at once.
type pace struct {
	mu      sync.Mutex
	changed *sync.Cond
	held    int
	climb   climb

	since  time.Time // this window began
	calls  int       // answered in it
	tokens int
	served time.Duration // that the server worked on them, each by itself
}

func newPace(c climb) *pace {
	p := &pace{climb: c}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// acquire waits for its turn; false when ctx is done.
func (p *pace) acquire(ctx context.Context) bool {
	defer context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.held >= p.climb.limit && ctx.Err() == nil {
		p.changed.Wait()
	}
	if ctx.Err() != nil {
		return false
	}
	p.held++
	return true
}

func (p *pace) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
	p.changed.Signal()
}

// keeps says whether a seat may go on: the limit may have fallen below those
// that are held.
func (p *pace) keeps() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held <= p.climb.limit
}

// answered counts a call that the server answered, with the tokens that it
// read and wrote, and how long it worked on it, waiting for a slot left out.
func (p *pace) answered(tokens int, served time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.climb.settled {
		return
	}
	now := time.Now()
	if p.since.IsZero() {
		p.since = now // the first call's load and ramp are not measured
		return
	}
	p.calls++
	p.tokens += tokens
	p.served += served
	took := now.Sub(p.since)
	if p.calls < windowRounds*p.climb.limit || took < windowTime {
		return
	}
	p.climb.measured(float64(p.tokens)/took.Seconds(), p.served.Seconds()/took.Seconds())
	p.since, p.calls, p.tokens, p.served = now, 0, 0, 0
	p.changed.Broadcast()
}

// limit is the present number of units at once, and whether measuring
// has settled it.
func (p *pace) limit() (n int, settled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.climb.limit, p.climb.settled
}

// A window is long enough to say what a limit brings: every slot several
// calls, and no less than a second.
const (
	windowRounds = 4
	windowTime   = time.Second
)

// A climb looks for the number of calls in flight at which a server's
// throughput stops growing: it doubles the number as long as that brings more,
// then goes back to the best and stays. Where the calls' own times say that
// the server worked on fewer at once than were in flight, the others waited
// for a slot: it tries that number, and stays with it unless it brings less.
// It never waits for errors: Ollama queues without limit and refuses nothing.
type climb struct {
	limit   int
	most    int
	settled bool
	trying  bool // the number that the server worked on at once

	best   float64 // tokens per second
	bestAt int     // the limit that brought it
}

const (
	climbFrom = 4
	// worthwhile is the least gain for which a doubling is kept: below it the
	// difference is noise, and a call only waits longer.
	worthwhile = 1.05
	// waiting is the share of the calls in flight below which the others wait
	// for a slot, rather than are on their way, and gaps what slots are empty
	// between two calls.
	waiting = 0.85
	gaps    = 0.25
	// asGood is the share of the best throughput that fewer calls in flight
	// have to reach: where calls are short it is not the slots that are waited
	// for.
	asGood = 0.98
)

func newClimb(most int) climb {
	return climb{limit: min(climbFrom, most), most: most, settled: most == 1}
}

// fixed is a climb that has ended.
func fixed(n int) climb { return climb{limit: n, most: n, settled: true} }

// measured takes the throughput at the present limit, in tokens per second,
// and how many calls the server worked on at once, on average, and chooses the
// next limit.
func (c *climb) measured(throughput, atOnce float64) {
	switch {
	case c.settled:
	case c.trying && throughput >= c.best*asGood:
		c.settled = true
	case c.trying:
		c.trying = false
		c.further()
	case throughput <= c.best*worthwhile:
		c.limit, c.settled = c.bestAt, true
	default:
		c.best, c.bestAt = throughput, c.limit
		if atOnce > 0 && atOnce < waiting*float64(c.limit) {
			c.limit, c.trying = max(1, int(math.Round(atOnce+gaps))), true
			return
		}
		c.further()
	}
}

func (c *climb) further() {
	c.limit = min(2*c.bestAt, c.most)
	c.settled = c.limit == c.bestAt
}
