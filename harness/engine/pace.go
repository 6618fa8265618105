package engine

import (
	"context"
	"sync"
	"time"

	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

// A pace bounds how many units the lanes of one job on the same devices work on
// at once, and how many lanes these are. Both are the user's, or are found by
// measuring what all of them bring together.
type pace struct {
	changed func() // told where the number of servers that are wanted is another

	mu     sync.Mutex
	moved  *sync.Cond
	climb  climb
	seats  map[*lane]*seats
	lanes  int // that were at work at once, at most
	window window
	price  price // zero: not known yet
	idle   int   // windows in a row in which units were waited for
	usual  asked // that the climb was settled for
	sum    asked // at the best point
}

// seats are a lane's: how many there are, and whether it answered a call, as
// what loads is at no pace yet.
type seats struct {
	n        int
	going    int // of them, that take no further unit
	answered bool
}

// pace is the user's number of calls in flight, or one that is found by
// measuring, up to one for each slot. Further servers are tried only where
// somebody is told.
func (e *Engine) pace(f schedule.Fit, changed func()) *pace {
	switch {
	case e.InFlight > 0:
		return newPace(fixed(e.InFlight), changed)
	case f.Slots > 0:
		// What is known of servers was measured before.
		return newPace(newClimb(f.Slots, f.Slots, f.Servers, f.Servers == 0 && changed != nil), changed)
	}
	return newPace(newClimb(climbFrom, mostUnknown, 1, false), changed)
}

func newPace(c climb, changed func()) *pace {
	p := &pace{changed: changed, climb: c, seats: make(map[*lane]*seats)}
	p.moved = sync.NewCond(&p.mu)
	return p
}

// acquire waits for a lane's turn to seat one more; false when ctx is done.
func (p *pace) acquire(ctx context.Context, l *lane) bool {
	defer context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.moved.Broadcast()
	})()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.held(l) >= p.climb.at.width && ctx.Err() == nil {
		p.moved.Wait()
	}
	if ctx.Err() != nil {
		return false
	}
	if p.seats[l] == nil {
		p.seats[l] = &seats{}
		p.lanes = max(p.lanes, len(p.seats))
	}
	p.seats[l].n++
	return true
}

func (p *pace) held(l *lane) int {
	if s := p.seats[l]; s != nil {
		return s.n
	}
	return 0
}

func (p *pace) release(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seats[l]
	s.going = max(0, s.going-1)
	if s.n--; s.n == 0 {
		delete(p.seats, l)
	}
	p.moved.Broadcast()
}

// keeps says whether a lane's seat may go on: the width may have fallen below
// the number of those that it has. One that may not is to go, once its calls in
// flight have come back.
func (p *pace) keeps(l *lane) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seats[l]
	if s == nil || s.n-s.going <= p.climb.at.width {
		return true
	}
	s.going++
	return false
}

// waited counts time in which a seat waited for a unit.
func (p *pace) waited(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.window.idle += d.Seconds()
}

// answered counts a call that a lane's server answered, and for which it took so
// long.
func (p *pace) answered(l *lane, r models.Response, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if s := p.seats[l]; s != nil {
		s.answered = true
	}
	a := asked{calls: 1, prompt: r.PromptTokens, new: r.OutputTokens, reading: r.PromptEval, writing: r.Eval}
	seats := p.full()
	if seats == 0 || p.window.seats != seats {
		p.window = newWindow(seats, now) // the lanes are not what is to be measured
		return
	}
	if p.price == (price{}) {
		// The first calls tell it, before anything is compared by it.
		if p.sum = p.sum.plus(a); p.sum.calls == seats {
			p.price, p.sum = p.sum.price(), asked{}
			p.window = newWindow(seats, now)
			p.window.ramp = 0
		}
		return
	}
	p.window.answered(now, a, took, p.price)
	if p.climb.settled && p.window.n >= mostCalls || !p.climb.settled && p.window.enough(p.climb.threshold()) {
		p.measured(p.window, now)
	}
}

// full is the number of seats where each of the lanes that are wanted is at work
// with all of its own; 0 where one is not, as it begins or ends.
func (p *pace) full() int {
	if len(p.seats) != p.climb.at.servers {
		return 0
	}
	for _, s := range p.seats {
		if s.n != p.climb.at.width || !s.answered {
			return 0
		}
	}
	return p.climb.at.servers * p.climb.at.width
}

// measured takes a window in and begins the next.
func (p *pace) measured(w window, now time.Time) {
	before := p.climb.at
	p.take(w)
	p.window = newWindow(p.climb.at.servers*p.climb.at.width, now)
	if p.climb.at == before {
		p.window.ramp = 0
		return
	}
	p.moved.Broadcast()
	if p.climb.at.servers != before.servers {
		p.changed()
	}
}

func (p *pace) take(w window) {
	if w.starved() {
		// It says how fast units come. A climb that never sees anything else
		// stays where it is well.
		if p.idle++; p.idle > 1 && !p.climb.settled && p.climb.rate > 0 {
			p.climb.settle()
		}
		return
	}
	p.idle = 0
	if p.climb.settled {
		p.sum = p.sum.plus(w.sum)
		if p.price.another(p.usual, w.sum) {
			p.climb.again()
			p.usual = w.sum
		}
		return
	}
	at := p.climb.at
	rate, _ := w.rate()
	p.climb.measured(rate)
	if p.climb.best == at {
		p.sum, p.usual = w.sum, w.sum // at the best so far
	}
}

// another says whether calls are of another kind than earlier ones: half as
// much work again, or half as much of it in prompts.
func (p price) another(before, now asked) bool {
	mean := func(a asked) (work, reading float64) {
		n := float64(a.calls)
		work = p.of(a) / n
		return work, p.prompt * float64(a.prompt) / n / work
	}
	w1, r1 := mean(before)
	w2, r2 := mean(now)
	far := func(a, b float64) bool { return a > 1.5*b || b > 1.5*a }
	return far(w1, w2) || far(r1, r2) && max(r1, r2) > 0.2
}

// at is the present number of units at once on a lane, and of lanes.
func (p *pace) at() point {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.climb.at
}

// state is the present number of calls in flight on a lane, and whether that is
// what brings the most; 0 for a lane that has none.
func (p *pace) state() (limit int, settled bool) {
	if p == nil {
		return 0, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.climb.at.width, p.climb.settled
}

// reached says whether so many lanes were at work at once already: one that ended
// found nothing more to do.
func (p *pace) reached(lanes int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lanes >= lanes
}

// capped says that there can be no more lanes than so many.
func (p *pace) capped(servers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.climb.capped(servers)
	p.moved.Broadcast()
}

// found is the number of calls in flight that brought the most, once that is
// known, and what was measured with it; nil where nothing was.
func (p *pace) found() (inFlight int, measured *store.Pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.climb.settled {
		inFlight = p.climb.best.width
	}
	own := (p.sum.reading + p.sum.writing).Seconds()
	if p.climb.rate == 0 || p.sum.calls == 0 || p.sum.prompt == 0 || p.sum.new == 0 || own == 0 {
		return inFlight, nil
	}
	seconds := p.sum.seconds / own // that passed, for one of a call's own
	return inFlight, &store.Pace{
		InFlight: p.climb.best.width, Servers: p.climb.best.servers, Gain: p.climb.gain(), Calls: p.sum.calls,
		Prompt: seconds * p.sum.reading.Seconds() / float64(p.sum.prompt),
		New:    seconds * p.sum.writing.Seconds() / float64(p.sum.new),
	}
}
