package harness

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
)

// A job is one stage of the run with one model: a variant's generations, or
// the judge's ratings of all of them. Several lanes may work on it; each
// generation goes to one.
type job struct {
	id      string
	variant *Variant
	stage   Stage
	total   int
	source  source
	do      doing
	// done is told of each generation that went through the stage.
	done    func(generation)
	through atomic.Int64 // generations whose replies are durable
}

// A doing makes a generation's calls and says whether it failed; its error is
// one that concerns more than that generation.
type doing func(context.Context, ask, generation) (failed bool, err error)

// A source hands out generations. next waits where more may come; it is false
// at the end, or when ctx is done.
type source interface {
	next(ctx context.Context) (generation, bool)
	giveBack(generation) // one that was not finished
	left() int           // not handed out yet
}

// A queue is a source of generations that are all known from the start.
type queue struct {
	mu       sync.Mutex
	pull     func() (generation, bool)
	returned []generation
	waiting  int
}

func newQueue(all iter.Seq[generation], n int) (q *queue, stop func()) {
	pull, stop := iter.Pull(all)
	return &queue{pull: pull, waiting: n}, stop
}

func (q *queue) next(ctx context.Context) (generation, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ctx.Err() != nil {
		return generation{}, false
	}
	if n := len(q.returned); n > 0 {
		g := q.returned[n-1]
		q.returned = q.returned[:n-1]
		q.waiting--
		return g, true
	}
	g, ok := q.pull()
	if ok {
		q.waiting--
	}
	return g, ok
}

func (q *queue) giveBack(g generation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.returned = append(q.returned, g)
	q.waiting++
}

func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}

// A backlog is the source of the judge's job: each variant's generations in
// their order, as soon as they and all before them were answered. It holds no
// more than what overtook the slowest call in flight.
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
	pull    func() (generation, bool)
	total   int
	taken   int          // handed out
	through int          // all generations before this one are answered
	ahead   map[int]bool // answered beyond it
}

func newBacklog(p *Plan) (b *backlog, stop func()) {
	b = &backlog{byLabel: make(map[string]*answers)}
	b.more = sync.NewCond(&b.mu)
	var stops []func()
	for _, v := range p.Variants {
		pull, stop := iter.Pull(p.generations(v))
		a := &answers{pull: pull, total: p.Count(v), ahead: make(map[int]bool)}
		b.variants = append(b.variants, a)
		b.byLabel[v.Label] = a
		stops = append(stops, stop)
	}
	return b, func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// answered tells the backlog that a generation has its response, or will have
// none.
func (b *backlog) answered(g generation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.byLabel[g.Variant.Label]
	a.ahead[g.at] = true
	for a.ahead[a.through] {
		delete(a.ahead, a.through)
		a.through++
	}
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
			if a.taken < a.through {
				a.taken++
				return a.pull()
			}
			pending = pending || a.taken < a.total
		}
		if !pending {
			return generation{}, false
		}
		b.more.Wait()
	}
}

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
		n += a.total - a.taken
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
