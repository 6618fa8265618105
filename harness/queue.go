package harness

import (
	"context"
	"slices"
	"sync"
	"time"

	"perg/harness/store"
)

// A queue is a source of generations that are all known from the start. A seat
// gets those of one group, whose prompts begin alike, as long as there are
// any: a server keeps the prompts of a slot, and prefills of the next one only
// what is new. Two seats on one group prefill its beginning twice, so each
// takes a group of its own while there are enough.
type queue struct {
	generation func(place int) generation
	cells      [][]int // for each cell the places at which its groups end

	mu       sync.Mutex
	cell     int // of the next group that no seat had yet
	group    int // that group, in its cell
	first    int // its first place
	open     []*group
	returned []generation
	waiting  int

	beginning, rest mean // of what calls take: of prefilling a beginning, and of all else
}

// A group is the rest of the generations whose prompts begin alike.
type group struct {
	cell      int
	next, end int // places
	seats     int
}

func (g *group) left() int { return g.end - g.next }

func newQueue(cells [][]int, generation func(place int) generation) *queue {
	q := &queue{generation: generation, cells: cells}
	for _, ends := range cells {
		if n := len(ends); n > 0 {
			q.waiting = ends[n-1]
		}
	}
	return q
}

// single is the groups of generations that all begin alike.
func single(n int) [][]int { return [][]int{{n}} }

type queueSeat struct {
	queue  *queue
	group  *group // nil: none yet
	begins bool   // the next answer is the first of its group here
}

func (q *queue) seat() seat { return &queueSeat{queue: q} }

func (s *queueSeat) next(ctx context.Context) (generation, bool) {
	q := s.queue
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
	if s.group == nil || s.group.left() == 0 {
		s.detach()
		if s.group = q.choose(); s.group == nil {
			return generation{}, false
		}
		s.group.seats++
		s.begins = true
	}
	g := s.group
	place := g.next
	g.next++
	q.waiting--
	if g.left() == 0 {
		q.open = slices.DeleteFunc(q.open, func(o *group) bool { return o == g })
	}
	return q.generation(place), true
}

func (s *queueSeat) detach() {
	if s.group != nil {
		s.group.seats--
		s.group = nil
	}
}

// choose is the group that a seat goes on with: one that was left, else the
// next of those that nobody had yet, else, where it pays, a share of the
// largest that others are at work on. Cells are begun in their order, one
// ahead at most of the oldest that is not handed out; and none ahead of the
// baseline, which judges and second calls wait for.
func (q *queue) choose() *group {
	for _, g := range q.open {
		if g.seats == 0 {
			return g
		}
	}
	untouched := q.cell < len(q.cells)
	if untouched && q.cell <= q.oldest()+1 && (q.cell == 0 || q.oldest() > 0) {
		return q.begin()
	}
	if g := q.largest(); g != nil && q.pays(g) {
		return g
	}
	if untouched {
		return q.begin()
	}
	return nil
}

// oldest is the first cell that is not wholly handed out.
func (q *queue) oldest() int {
	oldest := q.cell
	for _, g := range q.open {
		oldest = min(oldest, g.cell)
	}
	return oldest
}

func (q *queue) begin() *group {
	ends := q.cells[q.cell]
	g := &group{cell: q.cell, next: q.first, end: ends[q.group]}
	q.open = append(q.open, g)
	q.first = g.end
	if q.group++; q.group == len(ends) {
		q.cell, q.group = q.cell+1, 0
	}
	return g
}

func (q *queue) largest() *group {
	var largest *group
	for _, g := range q.open {
		if largest == nil || g.left() > largest.left() {
			largest = g
		}
	}
	return largest
}

// pays says whether half of what is left of a group takes longer than
// prefilling its beginning again.
func (q *queue) pays(g *group) bool {
	return q.rest.n == 0 || q.rest.value()*float64(g.left())/2 >= q.beginning.value()
}

func (s *queueSeat) reply(r store.Reply) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.begins {
		s.begins = false
		q.beginning.add(r.PromptEvalDuration)
		return
	}
	q.rest.add(r.PromptEvalDuration + r.EvalDuration)
}

func (s *queueSeat) leave() {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.detach()
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

// A mean is of durations, in seconds.
type mean struct {
	sum float64
	n   int
}

func (m *mean) add(d time.Duration) {
	m.sum += d.Seconds()
	m.n++
}

func (m *mean) value() float64 {
	if m.n == 0 {
		return 0
	}
	return m.sum / float64(m.n)
}
