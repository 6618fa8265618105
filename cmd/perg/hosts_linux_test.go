package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// points is how many faults of a kind there are: three, or PERG_SOAK.
func points(t *testing.T) int {
	text := os.Getenv("PERG_SOAK")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A run on three machines equals the run on one, whatever goes wrong.
func TestHosts(t *testing.T) {
	p := newParty(t, 200*time.Millisecond, "steady", "swayed", "--judge", "judge", "--kv-cache", "f16,q8_0", "--limit", "9")
	for _, of := range []struct {
		name   string
		suffer func(*hosted, *rand.Rand)
	}{
		{"agents are killed", agentDies},
		{"the controller is killed", controllerDies},
		{"both are killed", bothDie},
	} {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			rng := seeded(t)
			for left := points(t); left > 0; left -= 3 {
				r := p.begin(t)
				n := min(left, 3)
				for i := range n {
					if !r.reaches((i*r.planned + rng.IntN(r.planned)) / n) {
						break
					}
					of.suffer(r, rng)
				}
				r.finishes()
			}
		})
	}
	t.Run("nothing goes wrong", func(t *testing.T) {
		t.Parallel()
		p.begin(t).finishes()
	})
}

func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// agentDies, and is started again at once or a while later.
func agentDies(r *hosted, rng *rand.Rand) {
	b := r.boxes[1+rng.IntN(len(r.boxes)-1)]
	r.agents[b.name].kill()
	r.faults++
	time.Sleep(upTo(rng, 2*time.Second))
	r.join(b)
}

// controllerDies, and is started again, at once or a while later, with the same
// command.
func controllerDies(r *hosted, rng *rand.Rand) {
	r.controller.kill()
	r.faults++
	time.Sleep(upTo(rng, 2*time.Second))
	r.lead()
}

func bothDie(r *hosted, rng *rand.Rand) {
	b := r.boxes[1+rng.IntN(len(r.boxes)-1)]
	r.controller.kill()
	r.agents[b.name].kill()
	r.faults += 2
	time.Sleep(upTo(rng, 2*time.Second))
	if rng.IntN(2) == 0 {
		r.join(b)
		r.lead()
	} else {
		r.lead()
		r.join(b)
	}
}
