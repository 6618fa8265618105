package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"perg/harness/store"
)

// A Queue is a Source of units that are all known from the start, the numbers
// from 0. A seat
// gets those of one group, whose prompts begin alike, as long as there are
// any: a server keeps the prompts of a slot, and prefills of the next one only
// what is new. Two seats on one group prefill its beginning twice, so each
// takes a group of its own while there are enough.
type Queue struct {
	// Demand names the class that a unit must have, "" for any; nil: any. What
	// another class comes upon is kept for it.
	Demand func(Unit) string

	sections [][]int // for each the units at which its groups end

	mu       sync.Mutex
	section  int // of the next group that no seat had yet
	group    int // that group, in its section
	first    int // its first unit
	open     []*group
	returned []Unit
	reserved map[string][]Unit // for seats of a class
	waiting  int

	beginning, rest mean // of what calls take: of prefilling a beginning, and of all else
}

// A group is the rest of the units whose prompts begin alike.
type group struct {
	section   int
	next, end int // units
	seats     int
}

func (g *group) left() int { return g.end - g.next }

// NewQueue makes a queue of sections, whose order is kept: of each the units at
// which its groups end, in ascending order over all.
func NewQueue(sections [][]int) *Queue {
	q := &Queue{sections: sections}
	for _, ends := range sections {
		if n := len(ends); n > 0 {
			q.waiting = ends[n-1]
		}
	}
	return q
}

// Alike is the section of so many units that all begin alike.
func Alike(n int) [][]int { return [][]int{{n}} }

type queueSeat struct {
	queue  *Queue
	class  string
	group  *group // nil: none yet
	first  Unit   // that it had of its group
	begins bool   // the next answer to one since then is the first of its group here
}

// Seat is a seat on a lane of a class; of class "" it is given any unit.
func (q *Queue) Seat(class string) Seat { return &queueSeat{queue: q, class: class} }

func (s *queueSeat) Next(ctx context.Context) (Unit, bool) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	for ctx.Err() == nil {
		u, ok := q.pop(s.class)
		if !ok {
			if u, ok = s.following(); !ok {
				if u, ok = q.released(s.class); !ok {
					return 0, false
				}
			}
			if class := q.demand(u); s.class != "" && class != "" && class != s.class {
				q.reserve(class, u)
				continue
			}
		}
		q.waiting--
		return u, true
	}
	return 0, false
}

// following is the next unit in the seat's order, whatever class it demands.
func (s *queueSeat) following() (Unit, bool) {
	q := s.queue
	if n := len(q.returned); n > 0 {
		u := q.returned[n-1]
		q.returned = q.returned[:n-1]
		return u, true
	}
	if s.group == nil || s.group.left() == 0 {
		s.detach()
		if s.group = q.choose(); s.group == nil {
			return 0, false
		}
		s.group.seats++
		s.first, s.begins = Unit(s.group.next), true
	}
	g := s.group
	u := Unit(g.next)
	g.next++
	if g.left() == 0 {
		q.open = slices.DeleteFunc(q.open, func(o *group) bool { return o == g })
	}
	return u, true
}

func (q *Queue) demand(u Unit) string {
	if q.Demand == nil {
		return ""
	}
	return q.Demand(u)
}

func (q *Queue) reserve(class string, u Unit) {
	if q.reserved == nil {
		q.reserved = make(map[string][]Unit)
	}
	q.reserved[class] = append(q.reserved[class], u)
}

// pop takes the first unit that is reserved for a class, for any where it is "".
func (q *Queue) pop(class string) (Unit, bool) {
	for of, all := range q.reserved {
		if len(all) > 0 && (class == "" || class == of) {
			q.reserved[of] = all[1:]
			return all[0], true
		}
	}
	return 0, false
}

// released takes a unit that was reserved for another class, and does not
// demand that any more: what it has to be like was given back, and is made
// elsewhere now.
func (q *Queue) released(class string) (Unit, bool) {
	for of, all := range q.reserved {
		for i, u := range all {
			if demands := q.demand(u); demands == "" || demands == class {
				q.reserved[of] = slices.Delete(all, i, i+1)
				return u, true
			}
		}
	}
	return 0, false
}

func (s *queueSeat) detach() {
	if s.group != nil {
		s.group.seats--
		s.group = nil
	}
}

// choose is the group that a seat goes on with: one that was left, else the
// next of those that nobody had yet, else, where it pays, a share of the
// largest that others are at work on. Sections are begun in their order, one
// ahead at most of the oldest that is not handed out; and none ahead of the
// first, which other jobs and second calls wait for.
func (q *Queue) choose() *group {
	for _, g := range q.open {
		if g.seats == 0 {
			return g
		}
	}
	untouched := q.section < len(q.sections)
	if untouched && q.section <= q.oldest()+1 && (q.section == 0 || q.oldest() > 0) {
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

// oldest is the first section that is not wholly handed out.
func (q *Queue) oldest() int {
	oldest := q.section
	for _, g := range q.open {
		oldest = min(oldest, g.section)
	}
	return oldest
}

func (q *Queue) begin() *group {
	ends := q.sections[q.section]
	g := &group{section: q.section, next: q.first, end: ends[q.group]}
	q.open = append(q.open, g)
	q.first = g.end
	if q.group++; q.group == len(ends) {
		q.section, q.group = q.section+1, 0
	}
	return g
}

func (q *Queue) largest() *group {
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
func (q *Queue) pays(g *group) bool {
	return q.rest.n == 0 || q.rest.value()*float64(g.left())/2 >= q.beginning.value()
}

func (s *queueSeat) Reply(u Unit, r store.Reply) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.begins && u >= s.first {
		s.begins = false
		q.beginning.add(r.PromptEval)
		return
	}
	q.rest.add(r.PromptEval + r.Eval)
}

func (s *queueSeat) Leave() {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.detach()
}

// GiveBack takes a unit back, to be handed out first.
func (q *Queue) GiveBack(u Unit) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.returned = append(q.returned, u)
	q.waiting++
}

// Left is the number of units that are not handed out.
func (q *Queue) Left() int {
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

// Ready says whether units are left: none of them has to be waited for.
func (q *Queue) Ready() bool { return q.Left() > 0 }
