package task

import (
	"context"
	"math/bits"
	"sync"

	"perg/harness/engine"
	"perg/harness/store"
)

// A Backlog is the source of the first scorer's job: each variant's generations
// as soon as they and their baselines were answered. Its units are places in the
// whole run, variant after variant. It keeps two bits for each.
type Backlog struct {
	mu       sync.Mutex
	more     *sync.Cond
	variants []*pipeline
	returned []engine.Unit
}

// A pipeline is one variant's generations on their way to the scorer.
type pipeline struct {
	Arrangement
	first           int    // the unit of its first generation
	answered, taken places // have a response or will have none; are handed out
	from            int    // all before it are handed out
	left            int    // to be handed out
	over            bool   // no more will be answered
}

// Places are a set of places: a bit for each.
type places []uint64

func (p places) add(place int)      { p[place/64] |= 1 << (place % 64) }
func (p places) has(place int) bool { return p[place/64]&(1<<(place%64)) != 0 }

// NewBacklog is one of all generations of some variants, none of them answered.
func NewBacklog(t *Task, variants []*Variant) *Backlog {
	b := &Backlog{}
	b.more = sync.NewCond(&b.mu)
	first := 0
	for _, arranged := range t.Arrangements(variants) {
		a := &pipeline{Arrangement: arranged, first: first}
		a.left = a.Len()
		a.answered, a.taken = make(places, (a.left+63)/64), make(places, (a.left+63)/64)
		b.variants = append(b.variants, a)
		first += a.Len()
	}
	return b
}

// Generation is that of a unit.
func (b *Backlog) Generation(u engine.Unit) Generation {
	for _, a := range b.variants {
		if place := int(u) - a.first; place < a.Len() {
			return a.Generation(place)
		}
	}
	panic("task: no generation at that place")
}

// ready yields the places that can be handed out, in their order.
func (a *pipeline) ready(yield func(place int) bool) {
	for a.from < a.Len() && a.taken.has(a.from) {
		a.from++
	}
	for word := a.from / 64; word < len(a.answered); word++ {
		for open := a.answered[word] &^ a.taken[word]; open != 0; open &= open - 1 {
			place := word*64 + bits.TrailingZeros64(open)
			if a.answered.has(a.baseline(place)) && !yield(place) {
				return
			}
		}
	}
}

// take hands out the first generation that can be.
func (a *pipeline) take() (place int, ok bool) {
	for place = range a.ready {
		a.taken.add(place)
		a.left--
		return place, true
	}
	return 0, false
}

// Answered tells the backlog that a generation of a variant has its response,
// or will have none.
func (b *Backlog) Answered(variant, place int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.variants[variant].answered.add(place)
	b.more.Broadcast()
}

// Over tells it that no more will come of a variant.
func (b *Backlog) Over(variant int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.variants[variant]
	a.over, a.left = true, 0
	for range a.ready {
		a.left++
	}
	b.more.Broadcast()
}

// Next waits until a generation can be handed out; it is false when no further
// one will come.
func (b *Backlog) Next(ctx context.Context) (engine.Unit, bool) {
	defer context.AfterFunc(ctx, b.wake)()
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return 0, false
		}
		if n := len(b.returned); n > 0 {
			u := b.returned[n-1]
			b.returned = b.returned[:n-1]
			return u, true
		}
		pending := false
		for _, a := range b.variants {
			if place, ok := a.take(); ok {
				return engine.Unit(a.first + place), true
			}
			pending = pending || a.left > 0
		}
		if !pending {
			return 0, false
		}
		b.more.Wait()
	}
}

// Seat is the backlog itself: what is asked about one answer begins like what
// is asked about any other, so that no seat has a prompt of its own to keep.
func (b *Backlog) Seat(string) engine.Seat        { return b }
func (b *Backlog) Leave()                         {}
func (b *Backlog) Reply(engine.Unit, store.Reply) {}

// GiveBack takes a generation back, to be handed out first.
func (b *Backlog) GiveBack(u engine.Unit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.returned = append(b.returned, u)
	b.more.Broadcast()
}

// Left is the number of generations that are, or may yet be, handed out.
func (b *Backlog) Left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.returned)
	for _, a := range b.variants {
		n += a.left
	}
	return n
}

// Ready says whether one can be handed out now.
func (b *Backlog) Ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.returned) > 0 {
		return true
	}
	for _, a := range b.variants {
		for range a.ready {
			return true
		}
	}
	return false
}

func (b *Backlog) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.more.Broadcast()
}
