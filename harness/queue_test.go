package harness

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"perg/harness/prompt"
	"perg/harness/store"
)

// sectioned is a queue over cells with groups of the given sizes.
func sectioned(cells ...[]int) (q *queue, n int) {
	var ends [][]int
	for _, sizes := range cells {
		var cell []int
		for _, size := range sizes {
			n += size
			cell = append(cell, n)
		}
		ends = append(ends, cell)
	}
	return newQueue(ends, func(place int) generation { return generation{at: place} }), n
}

// Whatever the groups and however many seats come and go, each generation is
// handed out once, but for those that are given back.
func TestAQueueHandsEachGenerationOutOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		var cells [][]int
		for range 1 + rng.IntN(5) {
			var sizes []int
			for range 1 + rng.IntN(6) {
				sizes = append(sizes, 1+rng.IntN(20))
			}
			cells = append(cells, sizes)
		}
		q, n := sectioned(cells...)
		seats := make([]seat, 1+rng.IntN(9))
		for i := range seats {
			seats[i] = q.seat()
		}
		done := make(map[int]int)
		for idle := 0; idle < 1000; {
			i := rng.IntN(len(seats))
			if rng.IntN(30) == 0 {
				seats[i].leave()
				seats[i] = q.seat()
			}
			g, ok := seats[i].next(t.Context())
			if !ok {
				idle++
				continue
			}
			seats[i].reply(store.Reply{PromptEvalDuration: time.Duration(rng.IntN(100)), EvalDuration: time.Duration(rng.IntN(10))})
			if rng.IntN(10) == 0 {
				q.giveBack(g)
				continue
			}
			done[g.at]++
		}
		// A seat may find that it is not worth its while; the owner goes on.
		if len(done)+q.left() != n || q.left() != 0 {
			t.Fatalf("cells %v, %d seats: %d of %d handed out, %d left", cells, len(seats), len(done), n, q.left())
		}
		for place, times := range done {
			if times != 1 {
				t.Fatalf("the generation at %d was done %d times", place, times)
			}
		}
	}
}

// beginnings counts how often a seat begins a group when all seats take turns,
// and the cells that are under way at once.
func beginnings(t *testing.T, q *queue, seats int, prefill, rest time.Duration) (begun map[*group]int, ahead int) {
	t.Helper()
	all := make([]*queueSeat, seats)
	for i := range all {
		all[i] = q.seat().(*queueSeat)
	}
	begun = make(map[*group]int)
	for busy := true; busy; {
		busy = false
		for _, s := range all {
			if _, ok := s.next(t.Context()); !ok {
				continue
			}
			busy = true
			r := store.Reply{EvalDuration: rest}
			if s.begins {
				begun[s.group]++
				r.PromptEvalDuration = prefill
			}
			ahead = max(ahead, s.group.cell-q.oldest())
			s.reply(r)
		}
	}
	return begun, ahead
}

func TestEachSeatHasAGroupOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		what          string
		cells         [][]int
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
		q, _ := sectioned(c.cells...)
		begun, ahead := beginnings(t, q, c.seats, c.prefill, c.rest)
		n := 0
		for _, times := range begun {
			n += times
		}
		if n < c.least || n > c.most || ahead > 1 {
			t.Errorf("%s: %d beginnings, want %d to %d; %d cells ahead, want 1 at most", c.what, n, c.least, c.most, ahead)
		}
	}
}

// No generation is taken up before the last of the baseline's, which others
// wait for, and the order of cells is kept.
func TestTheBaselineComesFirst(t *testing.T) {
	q, _ := sectioned([]int{50}, []int{9, 9, 9}, []int{30})
	seats := []seat{q.seat(), q.seat(), q.seat(), q.seat()}
	var order []int
	for i := 0; q.left() > 0; i++ {
		g, ok := seats[i%len(seats)].next(t.Context())
		if !ok {
			t.Fatal("a seat has nothing to do")
		}
		order = append(order, g.at)
	}
	if !slices.IsSorted(order[:50]) || slices.Max(order[:50]) != 49 {
		t.Errorf("the first 50 are %v", order[:50])
	}
	if slices.Index(order, 77) > slices.Index(order, 78+4) {
		t.Errorf("the third cell is under way before the second is handed out: %v", order[50:])
	}
}

// Groups are those of the prompts: a seat that changes its system prompt has
// begun another one.
func TestSeatsKeepTheirSystemPrompt(t *testing.T) {
	p := testPlan(t, 60, variant("a"))
	p.Methods = []prompt.Method{prompt.ZeroShot, prompt.CoT, prompt.PrefAligner}
	a := p.arrange(p.Variants[0])
	q := newQueue(a.groups(), a.generation)
	seats := make([]*queueSeat, 3)
	last := make([]string, len(seats))
	for i := range seats {
		seats[i] = q.seat().(*queueSeat)
	}
	changes := make(map[string]int)
	for i := 0; q.left() > 0; i++ {
		g, ok := seats[i%3].next(t.Context())
		if !ok {
			continue
		}
		c, err := p.query(g)
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(g.Method, g.Setting, c.request.System)
		if id != last[i%3] {
			last[i%3] = id
			changes[fmt.Sprint(g.Setting)]++
		}
		seats[i%3].reply(store.Reply{PromptEvalDuration: time.Hour, EvalDuration: time.Second})
	}
	// Three methods with three preferences each, each begun by one seat; what
	// has one beginning in all is begun by each seat at most once.
	if n := changes["relevant"] + changes["mixed"]; n > 2*3*3+3 {
		t.Errorf("seats change their system prompt %d times, want %d or few more", n, 2*3*3)
	}
}
