package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"perg/harness/store"
	"perg/models"
)

// sectioned is a queue over sections with groups of the given sizes.
func sectioned(sections ...[]int) (q *Queue, n int) {
	var ends [][]int
	for _, sizes := range sections {
		var cell []int
		for _, size := range sizes {
			n += size
			cell = append(cell, n)
		}
		ends = append(ends, cell)
	}
	return NewQueue(ends), n
}

// Whatever the groups and however many seats come and go, each unit is handed
// out once, but for those that are given back.
func TestAQueueHandsEachUnitOutOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var sections [][]int
		for range 1 + rng.IntN(5) {
			var sizes []int
			for range 1 + rng.IntN(6) {
				sizes = append(sizes, 1+rng.IntN(20))
			}
			sections = append(sections, sizes)
		}
		q, n := sectioned(sections...)
		seats := make([]Seat, 1+rng.IntN(9))
		for i := range seats {
			seats[i] = q.Seat("")
		}
		done := make(map[int]int)
		for idle := 0; idle < 1000; {
			i := rng.IntN(len(seats))
			if rng.IntN(30) == 0 {
				seats[i].Leave()
				seats[i] = q.Seat("")
			}
			g, ok := seats[i].Next(t.Context())
			if !ok {
				idle++
				continue
			}
			seats[i].Reply(g, store.Reply{Response: models.Response{PromptEval: time.Duration(rng.IntN(100)), Eval: time.Duration(rng.IntN(10))}})
			if rng.IntN(10) == 0 {
				q.GiveBack(g)
				continue
			}
			done[int(g)]++
		}
		// A seat may find that it is not worth its while; the owner goes on.
		if len(done)+q.Left() != n || q.Left() != 0 {
			t.Fatalf("sections %v, %d seats: %d of %d handed out, %d left", sections, len(seats), len(done), n, q.Left())
		}
		for place, times := range done {
			if times != 1 {
				t.Fatalf("unit %d was done %d times", place, times)
			}
		}
	}
}

// A unit that demands a class is handed to a seat of that class alone, and is
// left where there is none.
func TestUnitsThatDemandAClass(t *testing.T) {
	q, n := sectioned([]int{10}, []int{10, 10})
	q.Demand = func(u Unit) string {
		if u < 10 {
			return ""
		}
		return []string{"a", "b"}[u%2]
	}
	seats := map[string]Seat{"a": q.Seat("a"), "b": q.Seat("b")}
	seen := make(map[Unit]int)
	for _, class := range []string{"a", "b", "a", "b"} {
		for u, ok := seats[class].Next(t.Context()); ok; u, ok = seats[class].Next(t.Context()) {
			if want := q.Demand(u); want != "" && want != class {
				t.Fatalf("unit %d, which demands %s, was handed to %s", u, want, class)
			}
			if seen[u]++; u == 11 && seen[u] == 1 {
				q.GiveBack(u)
			}
		}
		if class == "a" && len(seen) == 20 && q.Left() != 10 {
			t.Errorf("%d are left for b, want 10", q.Left())
		}
	}
	if len(seen) != n || q.Left() != 0 {
		t.Errorf("%d of %d units were handed out, %d are left", len(seen), n, q.Left())
	}
}

// beginnings counts how often a seat begins a group when all seats take turns,
// and the sections that are under way at once.
func beginnings(t *testing.T, q *Queue, seats int, prefill, rest time.Duration) (begun map[*group]int, ahead int) {
	t.Helper()
	all := make([]*queueSeat, seats)
	for i := range all {
		all[i] = q.Seat("").(*queueSeat)
	}
	begun = make(map[*group]int)
	for busy := true; busy; {
		busy = false
		for _, s := range all {
			u, ok := s.Next(t.Context())
			if !ok {
				continue
			}
			busy = true
			r := store.Reply{Response: models.Response{Eval: rest}}
			if s.begins {
				begun[s.group]++
				r.PromptEval = prefill
			}
			ahead = max(ahead, s.group.section-q.oldest())
			s.Reply(u, r)
		}
	}
	return begun, ahead
}

func TestEachSeatHasAGroupOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		what          string
		sections      [][]int
		seats         int
		prefill, rest time.Duration
		least, most   int // beginnings that are prefilled
	}{
		{"12 groups on 4 seats", [][]int{{1}, slices.Repeat([]int{24}, 12)}, 4, time.Second, 50 * time.Millisecond, 13, 13},
		{"groups of different sizes, beginnings that are dear", [][]int{{1}, {40, 10, 30, 5, 20, 25, 10, 10}}, 4, 10 * time.Second, 50 * time.Millisecond, 9, 9},
		{"one group on 4 seats", [][]int{{100}}, 4, 0, time.Second, 4, 4},
		{"one large group, and others after it", [][]int{{400}, {10, 10, 10, 10}}, 4, time.Second, time.Second, 8, 11},
		{"a short end is not shared", [][]int{{1}, {2}}, 2, 10 * time.Second, 50 * time.Millisecond, 2, 3},
	} {
		q, _ := sectioned(c.sections...)
		begun, ahead := beginnings(t, q, c.seats, c.prefill, c.rest)
		n := 0
		for _, times := range begun {
			n += times
		}
		if n < c.least || n > c.most || ahead > 1 {
			t.Errorf("%s: %d beginnings, want %d to %d; %d sections ahead, want 1 at most", c.what, n, c.least, c.most, ahead)
		}
	}
}

// No unit is taken up before the last of the first section's, which others wait
// for, and the order of sections is kept.
func TestTheFirstSectionComesFirst(t *testing.T) {
	q, _ := sectioned([]int{50}, []int{9, 9, 9}, []int{30})
	seats := []Seat{q.Seat(""), q.Seat(""), q.Seat(""), q.Seat("")}
	var order []int
	for i := 0; q.Left() > 0; i++ {
		g, ok := seats[i%len(seats)].Next(t.Context())
		if !ok {
			t.Fatal("a seat has nothing to do")
		}
		order = append(order, int(g))
	}
	if !slices.IsSorted(order[:50]) || slices.Max(order[:50]) != 49 {
		t.Errorf("the first 50 are %v", order[:50])
	}
	if slices.Index(order, 77) > slices.Index(order, 78+4) {
		t.Errorf("the third section is under way before the second is handed out: %v", order[50:])
	}
}
