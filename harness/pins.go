package harness

import (
	"context"
	"slices"
	"sync"

	"perg/harness/engine"
	"perg/harness/store"
)

// Pins keep all generations of an item and variant on the class of GPU that
// answered its baseline: numbers differ between GPUs by as much as a preference
// moves an answer, and would count as Breakage. What is known of servers that
// the user named is their address alone, which pins nothing.
type pins struct {
	arrangement
	classOf func(gpus []string) string // "": not of this fleet

	mu      sync.Mutex
	classes []string // those met; the first is "", not known
	of      []uint8  // of each baseline, in classes
}

// newPins is nil for a fleet with GPUs of one class, or with none.
func newPins(a arrangement, f *Fleet) *pins {
	if !f.mixed() {
		return nil
	}
	return &pins{arrangement: a, classOf: f.classOf, classes: []string{""}, of: make([]uint8, a.cellSize())}
}

func (p *pins) pin(place int, class string) {
	if p == nil || place >= len(p.of) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.classes, class)
	if i < 0 {
		i = len(p.classes)
		p.classes = append(p.classes, class)
	}
	p.of[place] = uint8(i)
}

// answered pins an item to the GPUs that a reply to its baseline is from.
func (p *pins) answered(place int, r *store.Reply) {
	if p != nil && r != nil {
		p.pin(place, p.classOf(r.GPUs))
	}
}

// demand is the class that a generation must be made on; "" for any.
func (p *pins) demand(u engine.Unit) string {
	if int(u) < len(p.of) {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.classes[p.of[p.baseline(int(u))]]
}

// A pinning is a queue whose baselines are pinned as they are handed out, since
// what depends on the last of them is handed out before those are answered.
type pinning struct {
	*engine.Queue
	pins *pins
}

func (p pinning) Seat(class string) engine.Seat {
	return pinningSeat{p.Queue.Seat(class), class, p.pins}
}

type pinningSeat struct {
	engine.Seat
	class string
	pins  *pins
}

func (s pinningSeat) Next(ctx context.Context) (engine.Unit, bool) {
	u, ok := s.Seat.Next(ctx)
	if ok {
		s.pins.pin(int(u), s.class)
	}
	return u, ok
}

// source is a variant's generations in their order.
func (p *pins) source(a arrangement) engine.Source {
	q := engine.NewQueue(a.groups())
	if p == nil {
		return q
	}
	q.Demand = p.demand
	return pinning{q, p}
}
