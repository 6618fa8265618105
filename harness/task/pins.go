package task

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
type Pins struct {
	Arrangement
	classOf func(gpus []string, host string) string // "": not of this fleet

	mu      sync.Mutex
	classes []string // those met; the first is "", not known
	of      []uint8  // of each item that of its first baseline, in classes
}

// NewPins is for a variant's arrangement in a fleet; nil, which pins nothing,
// where its GPUs are not of mixed classes. classOf names the class of some by
// their UUIDs, "" where one of them is not the fleet's.
func NewPins(a Arrangement, classOf func(gpus []string, host string) string, mixed bool) *Pins {
	if !mixed {
		return nil
	}
	return &Pins{Arrangement: a, classOf: classOf, classes: []string{""}, of: make([]uint8, len(a.task.Dataset.Items))}
}

func (p *Pins) pin(place int, class string) {
	if p == nil {
		return
	}
	item, first := p.itemOf(place)
	if !first {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.classes, class)
	if i < 0 {
		i = len(p.classes)
		p.classes = append(p.classes, class)
	}
	p.of[item] = uint8(i)
}

// itemOf is the item of a generation, and whether it is the item's first
// baseline, to which all others are pinned.
func (p *Pins) itemOf(place int) (item int, first bool) {
	_, cell, item, repeat := p.find(place)
	return item, cell == 0 && repeat == 0
}

// Answered pins an item to the GPUs that a reply to its baseline is from.
func (p *Pins) Answered(place int, r *store.Reply) {
	if p != nil && r != nil {
		p.pin(place, p.classOf(r.GPUs, r.Host))
	}
}

// demand is the class that a generation must be made on; "" for any.
func (p *Pins) demand(u engine.Unit) string {
	item, first := p.itemOf(int(u))
	if first {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.classes[p.of[item]]
}

// A pinning is a queue whose baselines are pinned as they are handed out, since
// what depends on the last of them is handed out before those are answered.
type pinning struct {
	*engine.Queue
	pins *Pins
}

func (p pinning) Seat(class string) engine.Seat {
	return pinningSeat{p.Queue.Seat(class), class, p.pins}
}

type pinningSeat struct {
	engine.Seat
	class string
	pins  *Pins
}

func (s pinningSeat) Next(ctx context.Context) (engine.Unit, bool) {
	u, ok := s.Seat.Next(ctx)
	if ok {
		s.pins.pin(int(u), s.class)
	}
	return u, ok
}

// Source is a variant's generations in their order; p may be nil.
func (p *Pins) Source(a Arrangement) engine.Source {
	q := engine.NewQueue(a.Groups())
	if p == nil {
		return q
	}
	q.Demand = p.demand
	return pinning{q, p}
}
