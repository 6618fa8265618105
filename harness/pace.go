package harness

import (
	"context"
	"sync"
	"time"
)

// A pace bounds how many generations a lane works on at once.
type pace struct {
	mu      sync.Mutex
	changed *sync.Cond
	held    int
	climb   climb

	since  time.Time // this window began
	calls  int       // answered in it
	tokens int
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

// answered counts a call that the server answered, with the tokens that it
// read and wrote.
func (p *pace) answered(tokens int) {
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
	took := now.Sub(p.since)
	if p.calls < windowRounds*p.climb.limit || took < windowTime {
		return
	}
	p.climb.measured(float64(p.tokens) / took.Seconds())
	p.since, p.calls, p.tokens = now, 0, 0
	p.changed.Broadcast()
}

// limit is the present number of generations at once, and whether measuring
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
// then goes back to the best and stays. It measures throughput and never waits
// for errors: Ollama queues without limit and refuses nothing.
type climb struct {
	limit   int
	most    int
	settled bool

	best   float64 // tokens per second
	bestAt int     // the limit that brought it
}

const (
	climbFrom = 4
	// worthwhile is the least gain for which a doubling is kept: below it the
	// difference is noise, and a call only waits longer.
	worthwhile = 1.05
)

func newClimb(most int) climb {
	c := climb{limit: min(climbFrom, most), most: most}
	c.settled = c.limit == c.most
	return c
}

// fixed is a climb that has ended.
func fixed(n int) climb { return climb{limit: n, most: n, settled: true} }

// measured takes the throughput at the present limit and chooses the next.
func (c *climb) measured(throughput float64) {
	switch {
	case c.settled:
	case throughput <= c.best*worthwhile:
		c.limit, c.settled = c.bestAt, true
	default:
		c.best, c.bestAt = throughput, c.limit
		c.limit = min(2*c.limit, c.most)
		c.settled = c.limit == c.bestAt
	}
}
