package engine

import (
	"fmt"
	"strings"
	"testing"
)

// A climb ends near the knee of a server's throughput and stays there,
// wherever the knee is and with noise on what is measured. Where calls wait for
// slots it goes down to those, unless that brings less.
func TestClimbEnds(t *testing.T) {
	for _, c := range []struct {
		what                    string
		knee, slots, most, want int
	}{
		{"a knee below the least", 1, 100, 32, 4},
		{"a knee at 4", 4, 100, 32, 4},
		{"a knee at 8", 8, 100, 32, 8},
		{"a knee at 16", 16, 100, 24, 16},
		{"no knee", 100, 100, 24, 24},
		{"two at most", 2, 100, 2, 2},
		{"one at most", 1, 100, 1, 1},
		{"one slot", 100, 1, 32, 1},
		{"two slots", 100, 2, 32, 2},
		{"four slots", 100, 4, 32, 4},
		{"six slots", 100, 6, 32, 6},
		{"a family that is forced to one slot", 100, 1, 8, 1},
	} {
		climb := newClimb(c.most)
		changes := 0
		for step := range 20 {
			noise := 1 + 0.02*float64(step%3-1)
			was := climb.limit
			served := min(climb.limit, c.slots)
			// Waiting calls keep a slot from being empty between two.
			atOnce := float64(served) * 0.99
			if climb.limit <= c.slots {
				atOnce = float64(served) * 0.9
			}
			climb.measured(100*float64(min(served, c.knee))*noise, atOnce)
			if climb.limit != was {
				changes++
			}
		}
		if !climb.settled || climb.limit != c.want || changes > 4 {
			t.Errorf("%s: settled %v at %d after %d changes, want %d", c.what, climb.settled, climb.limit, changes, c.want)
		}
	}
	// The calls' own times may say less than there was: throughput decides.
	c := newClimb(32)
	c.measured(400, 1)
	c.measured(100, 1)
	c.measured(410, 1)
	if !c.settled || c.limit != 4 {
		t.Errorf("settled %v at %d, want 4", c.settled, c.limit)
	}
}

// A limit that falls sends seats away.
func TestAPaceThatFalls(t *testing.T) {
	p := newPace(newClimb(8))
	for range 4 {
		if !p.acquire(t.Context()) || !p.keeps() {
			t.Fatal("four calls in flight are too many")
		}
	}
	p.climb.measured(100, 1)
	if p.keeps() {
		t.Error("four calls in flight stay where one is enough")
	}
	for range 3 {
		p.release()
	}
	if !p.keeps() {
		t.Error("the last one goes, too")
	}
}

func TestLowerGoesDownAndEnds(t *testing.T) {
	var steps []string
	slots, numCtx, ok := 8, 4096, true
	for {
		slots, numCtx, ok = lower(slots, numCtx, []int{3072, 2048, 1536, 1024})
		if !ok {
			break
		}
		steps = append(steps, fmt.Sprintf("%dx%d", slots, numCtx))
	}
	if got, want := strings.Join(steps, " "), "4x4096 2x4096 1x4096 1x3072 1x2048 1x1536 1x1024"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, _, ok := lower(0, 1024, []int{3072, 1024}); ok {
		t.Error("below the smallest context that holds every call")
	}
}
