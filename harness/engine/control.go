package engine

import (
	"context"
	"sync"
	"time"
)

// A hold keeps the lanes from taking up units, while they keep what they hold: their
// servers, and the models in memory.
type hold struct {
	mu    sync.Mutex
	open  chan struct{} // closed when units may be taken again; nil: they may
	since time.Time
}

// Pause has no unit taken up from now on. What is in flight comes back and is kept.
func (e *Engine) Pause() {
	e.hold.mu.Lock()
	defer e.hold.mu.Unlock()
	if e.hold.open == nil {
		e.hold.open, e.hold.since = make(chan struct{}), time.Now()
	}
}

// Resume ends a pause. Rates are those of the time without it.
func (e *Engine) Resume() {
	e.hold.mu.Lock()
	defer e.hold.mu.Unlock()
	if e.hold.open == nil {
		return
	}
	lasted := time.Since(e.hold.since)
	close(e.hold.open)
	e.hold.open = nil
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.statuses {
		s.slept(lasted)
	}
}

// Paused says whether no unit is taken up.
func (e *Engine) Paused() bool {
	e.hold.mu.Lock()
	defer e.hold.mu.Unlock()
	return e.hold.open != nil
}

// Retry has what failed, and is left alone for a while, tried again now: lanes, and
// models that could not be loaded, but for those of which it is certain. Units that
// are in error stay so.
func (e *Engine) Retry() {
	select {
	case e.retry <- struct{}{}:
	default: // it was asked for, and is about to happen
	}
}

// passes waits while units are not to be taken up; false where ctx ended first.
func (h *hold) passes(ctx context.Context) bool {
	for {
		h.mu.Lock()
		open := h.open
		h.mu.Unlock()
		if open == nil {
			return true
		}
		select {
		case <-open:
		case <-ctx.Done():
			return false
		}
	}
}

// slept leaves a while out of a lane's rates.
func (l *laneStatus) slept(d time.Duration) {
	l.update(func(*LaneStatus) {
		began := time.Now().Add(-d)
		for _, at := range []*time.Time{&l.since, &l.firstCall} {
			if !at.IsZero() && at.Before(began) {
				*at = at.Add(d)
			}
		}
		l.marks = nil
	})
}

// forgive forgets what failed, where another try may help.
func (t *trouble) forgive() {
	for set, s := range t.lanes {
		if !s.final {
			delete(t.lanes, set)
		}
	}
	for _, all := range []map[onLane]*setback{t.loads, t.beside} {
		for of, s := range all {
			if !s.final {
				delete(all, of)
			}
		}
	}
	clear(t.row)
	clear(t.small)
}
