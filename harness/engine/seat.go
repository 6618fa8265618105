package engine

import (
	"context"
	"sync"
	"time"

	"perg/harness/store"
)

// A seat is what stands for a slot of a lane's server: the units that it has in
// flight follow each other there. It has one, and as many more as the server takes
// ahead, so that the next is there when one is done.
type seat struct {
	*lane
	source Seat

	mu       sync.Mutex
	fewer    *sync.Cond // units are in flight
	inFlight int        // units
	emptied  time.Time  // since when it had none
}

func (l *lane) seat() *seat {
	s := &seat{lane: l, source: l.job.Source.Seat(l.engine.Fleet.Class(l.devices))}
	s.fewer = sync.NewCond(&s.mu)
	return s
}

// sit is a seat's life. It calls enough where there is nothing more for it.
func (s *seat) sit(outcomes chan<- outcome, enough func()) {
	defer s.source.Leave()
	var ahead sync.WaitGroup
	defer ahead.Wait()
	for s.stays() {
		u, ok := s.next()
		switch {
		case !ok:
			enough()
			return
		case s.ahead.Load() == 0:
			s.do(u, outcomes)
		default:
			ahead.Go(func() { s.do(u, outcomes) })
		}
	}
}

// stays waits until the seat may have one more unit in flight; it is false where
// the lane has too many seats.
func (s *seat) stays() bool {
	s.yielding()
	s.mu.Lock()
	for s.inFlight > int(s.ahead.Load()) {
		s.fewer.Wait()
	}
	s.mu.Unlock()
	return s.pace.keeps(s.lane)
}

// next is the seat's next unit; false where there is none for it.
func (s *seat) next() (Unit, bool) {
	asked := time.Now()
	u, ok := s.source.Next(s.taking)
	s.waited(asked)
	if ok && !s.engine.hold.passes(s.ctx) {
		s.job.Source.GiveBack(u)
		return 0, false
	}
	if ok {
		s.taken.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight++
	}
	return u, ok
}

// waited counts the time since a unit was asked for in which the seat had none.
func (s *seat) waited(asked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight > 0 {
		return
	}
	if s.emptied.After(asked) {
		asked = s.emptied
	}
	s.pace.waited(time.Since(asked))
}

// do makes a unit's calls. Where the run was stopped the other seats' calls in
// flight are let finish.
func (s *seat) do(u Unit, outcomes chan<- outcome) {
	o, err := s.take(s.ctx, u)
	switch {
	case err == nil:
		outcomes <- o
	default:
		s.job.Source.GiveBack(u)
		if s.ctx.Err() == nil {
			s.fail(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	s.emptied = time.Now()
	s.fewer.Signal()
}

// take makes a unit's calls.
func (s *seat) take(ctx context.Context, u Unit) (outcome, error) {
	s.status.took(u)
	o := outcome{unit: u}
	var err error
	o.failed, err = s.job.Do(ctx, func(ctx context.Context, c Call) (store.Reply, error) {
		got, err := s.ask(ctx, c)
		if got.receipt != nil {
			o.receipts = append(o.receipts, got.receipt)
			if got.made {
				s.source.Reply(u, got.reply)
			}
		}
		return got.reply, err
	}, u)
	return o, err
}
