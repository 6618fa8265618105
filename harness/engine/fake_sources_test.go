package engine

import (
	"context"
	"sync"

	"perg/harness/store"
)

// A backlog is the source of a scoring job: it hands out a unit of others' as
// soon as that, and what it is compared with, are done.
type backlog struct {
	of []*fakeJob

	mu       sync.Mutex
	more     *sync.Cond
	first    map[*fakeJob]int // unit
	done_    []bool
	taken    []bool
	ended    map[*fakeJob]bool
	returned []Unit
}

func newBacklog(of []*fakeJob) *backlog {
	b := &backlog{of: of, first: make(map[*fakeJob]int), ended: make(map[*fakeJob]bool)}
	b.more = sync.NewCond(&b.mu)
	n := 0
	for _, g := range of {
		b.first[g] = n
		n += len(g.units)
	}
	b.done_, b.taken = make([]bool, n), make([]bool, n)
	return b
}

func (b *backlog) done(j *fakeJob, u Unit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done_[b.first[j]+int(u)] = true
	b.more.Broadcast()
}

func (b *backlog) endedOf(j *fakeJob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended[j] = true
	b.more.Broadcast()
}

// ready is the first unit that can be handed out, or -1; waiting says how many
// are not handed out and may come.
func (b *backlog) ready() (ready Unit, waiting int) {
	ready = -1
	for _, g := range b.of {
		for u := range g.units {
			at := b.first[g] + u
			can := b.done_[at] && (g.units[u].base < 0 || b.done_[b.first[g]+g.units[u].base])
			if b.taken[at] || !can && b.ended[g] {
				continue
			}
			waiting++
			if can && ready < 0 {
				ready = Unit(at)
			}
		}
	}
	return ready, waiting
}

func (b *backlog) Next(ctx context.Context) (Unit, bool) {
	defer context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.more.Broadcast()
	})()
	b.mu.Lock()
	defer b.mu.Unlock()
	for ctx.Err() == nil {
		if n := len(b.returned); n > 0 {
			u := b.returned[n-1]
			b.returned = b.returned[:n-1]
			return u, true
		}
		ready, waiting := b.ready()
		if ready >= 0 {
			b.taken[ready] = true
			return ready, true
		}
		if waiting == 0 {
			return 0, false
		}
		b.more.Wait()
	}
	return 0, false
}

func (b *backlog) Seat(string) Seat        { return b }
func (b *backlog) Leave()                  {}
func (b *backlog) Reply(Unit, store.Reply) {}

func (b *backlog) GiveBack(u Unit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.returned = append(b.returned, u)
	b.more.Broadcast()
}

func (b *backlog) Left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, waiting := b.ready()
	return waiting + len(b.returned)
}

func (b *backlog) Ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	ready, _ := b.ready()
	return ready >= 0 || len(b.returned) > 0
}

// Alike is a source whose units demand the class on which their base was made.
type alike struct {
	job *fakeJob

	mu    sync.Mutex
	class []string // on which a unit is made; "": not handed out
	given []bool
	out   []bool // has its outcome
}

func newAlike(j *fakeJob) *alike {
	n := len(j.units)
	return &alike{job: j, class: make([]string, n), given: make([]bool, n), out: make([]bool, n)}
}

type alikeSeat struct {
	*alike
	class string
}

func (a *alike) Seat(class string) Seat { return &alikeSeat{a, class} }

func (s *alikeSeat) Next(ctx context.Context) (Unit, bool) {
	a := s.alike
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil {
		return 0, false
	}
	for u, unit := range a.job.units {
		if !a.given[u] && (unit.base < 0 || s.class == "" || a.class[unit.base] == s.class) {
			a.given[u], a.class[u] = true, s.class
			return Unit(u), true
		}
	}
	return 0, false
}

func (a *alike) Leave()                  {}
func (a *alike) Reply(Unit, store.Reply) {}

func (a *alike) done(u Unit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.out[u] = true
}

func (a *alike) GiveBack(u Unit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.given[u], a.class[u] = false, ""
}

func (a *alike) Left() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, given := range a.given {
		if !given {
			n++
		}
	}
	return n
}

func (a *alike) Ready() bool { return a.Left() > 0 }

// Pinned is a queue whose units demand the class to which their base was handed
// out last.
type pinned struct {
	*Queue
	units []unit

	mu    sync.Mutex
	class []string
}

func newPinned(units []unit) *pinned {
	p := &pinned{Queue: NewQueue(sectionsOf(len(units))), units: units, class: make([]string, len(units))}
	p.Demand = func(u Unit) string {
		base := units[u].base
		if base < 0 {
			return ""
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.class[base]
	}
	return p
}

type pinnedSeat struct {
	Seat
	*pinned
	class string
}

func (p *pinned) Seat(class string) Seat { return &pinnedSeat{p.Queue.Seat(class), p, class} }

func (s *pinnedSeat) Next(ctx context.Context) (Unit, bool) {
	u, ok := s.Seat.Next(ctx)
	if ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pinned.class[u] = s.class
	}
	return u, ok
}
