package harness

import (
	"context"
	"math/bits"
	"sync"

	"perg/harness/store"
)

// A backlog is the source of the judge's job: each variant's generations as
// soon as they and their baselines were answered. It keeps two bits for each.
type backlog struct {
	mu       sync.Mutex
	more     *sync.Cond
	variants []*answers
	byLabel  map[string]*answers
	returned []generation
	yielding bool
}

// answers are one variant's generations on their way to the judge.
type answers struct {
	arrangement
	answered, taken places
	from            int // all before it are taken
	left            int // not taken
}

// places are a set of them.
type places []uint64

func (p places) add(place int)      { p[place/64] |= 1 << (place % 64) }
func (p places) has(place int) bool { return p[place/64]&(1<<(place%64)) != 0 }

func newBacklog(p *Plan) *backlog {
	b := &backlog{byLabel: make(map[string]*answers)}
	b.more = sync.NewCond(&b.mu)
	for _, v := range p.Variants {
		a := &answers{arrangement: p.arrange(v)}
		a.left = a.len()
		a.answered, a.taken = make(places, (a.left+63)/64), make(places, (a.left+63)/64)
		b.variants = append(b.variants, a)
		b.byLabel[v.Label] = a
	}
	return b
}

// take gives the first generation that can be judged.
func (a *answers) take() (generation, bool) {
	for a.from < a.len() && a.taken.has(a.from) {
		a.from++
	}
	for word := a.from / 64; word < len(a.answered); word++ {
		for open := a.answered[word] &^ a.taken[word]; open != 0; open &= open - 1 {
			place := word*64 + bits.TrailingZeros64(open)
			if a.answered.has(a.baseline(place)) {
				a.taken.add(place)
				a.left--
				return a.generation(place), true
			}
		}
	}
	return generation{}, false
}

// answered tells the backlog that a generation has its response, or will have
// none.
func (b *backlog) answered(g generation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.byLabel[g.Variant.Label].answered.add(g.at)
	b.more.Broadcast()
}

func (b *backlog) next(ctx context.Context) (generation, bool) {
	defer context.AfterFunc(ctx, b.wake)()
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if ctx.Err() != nil || b.yielding {
			return generation{}, false
		}
		if n := len(b.returned); n > 0 {
			g := b.returned[n-1]
			b.returned = b.returned[:n-1]
			return g, true
		}
		pending := false
		for _, a := range b.variants {
			if g, ok := a.take(); ok {
				return g, true
			}
			pending = pending || a.left > 0
		}
		if !pending {
			return generation{}, false
		}
		b.more.Wait()
	}
}

// Prompts of a judge begin alike whatever they rate: any seat is as good as
// another.
func (b *backlog) seat() seat          { return b }
func (b *backlog) leave()              {}
func (b *backlog) reply(r store.Reply) {}

func (b *backlog) giveBack(g generation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.returned = append(b.returned, g)
	b.more.Broadcast()
}

func (b *backlog) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.returned)
	for _, a := range b.variants {
		n += a.left
	}
	return n
}

func (b *backlog) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.more.Broadcast()
}

// yield makes lanes that wait on the backlog leave it, or lets them wait again.
func (b *backlog) yield(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.yielding = on
	b.more.Broadcast()
}
