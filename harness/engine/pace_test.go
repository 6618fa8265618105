package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"perg/models"
)

// A card is what servers of a model bring on some devices: so much for each call
// in flight, up to a knee at each server, falling by a share for each call past
// it, and never more than all devices do.
type card struct {
	knee, ceiling int
	falls         float64
}

func (c card) brings(p point) float64 {
	one := float64(min(p.width, c.knee))
	one *= 1 - c.falls*float64(max(0, p.width-c.knee))
	return 100 * min(one*float64(p.servers), float64(c.ceiling))
}

// A climb comes to what brings the most, wherever that is, with noise on what is
// measured, in few steps.
func TestClimbEnds(t *testing.T) {
	for _, c := range []struct {
		what  string
		card  card
		climb climb
	}{
		{"no knee, slots known", card{100, 1000, 0}, newClimb(16, 16, 1, true)},
		{"a knee at 8", card{8, 8, 0}, newClimb(16, 16, 1, true)},
		{"a knee at 4, and it falls", card{4, 4, 0.02}, newClimb(16, 16, 1, true)},
		{"no gain from width", card{1, 1, 0}, newClimb(16, 16, 1, true)},
		{"two servers fill it", card{16, 24, 0}, newClimb(16, 16, 1, true)},
		{"four servers of four", card{4, 16, 0.01}, newClimb(16, 16, 1, true)},
		{"three may not", card{8, 24, 0}, newClimb(16, 16, 2, false)},
		{"slots not known, no knee", card{100, 1000, 0}, newClimb(4, 32, 1, false)},
		{"slots not known, a knee at 16", card{16, 16, 0}, newClimb(4, 32, 1, false)},
		{"slots not known, one slot", card{1, 1, 0.01}, newClimb(4, 32, 1, false)},
		{"one slot", card{1, 1, 0}, newClimb(1, 1, 1, false)},
		{"what was known holds", card{8, 16, 0}, newClimb(8, 8, 2, false)},
	} {
		best := 0.0
		for width := 1; width <= c.climb.most; width++ {
			for servers := 1; servers <= mostServers; servers++ {
				if servers == c.climb.at.servers || c.climb.grows {
					best = max(best, c.card.brings(point{width, servers}))
				}
			}
		}
		for seed := range uint64(50) {
			dice := rand.New(rand.NewPCG(seed, 1))
			climb, steps := c.climb, 0
			for ; !climb.settled && steps < 100; steps++ {
				climb.measured(c.card.brings(climb.at) * (1 + 0.01*(dice.Float64()-0.5)))
			}
			if got := c.card.brings(climb.at); !climb.settled || steps > 10 || got < 0.97*best {
				t.Errorf("%s: settled %v at %+v after %d steps, which brings %.0f of %.0f", c.what, climb.settled, climb.at, steps, got, best)
			}
		}
	}
}

// A further server that cannot be had is not waited for.
func TestCappedClimb(t *testing.T) {
	c := newClimb(1, 1, 1, true)
	c.measured(100)
	if c.at.servers != 2 {
		t.Fatalf("at %+v, want two servers", c.at)
	}
	c.capped(1)
	if !c.settled || c.at != (point{1, 1}) {
		t.Errorf("settled %v at %+v", c.settled, c.at)
	}
	c = newClimb(4, 4, 2, false)
	c.measured(100)
	c.capped(1)
	if c.settled || c.at.servers != 1 || c.threshold() != 0 {
		t.Errorf("settled %v at %+v from %v: what two brought is not what one does", c.settled, c.at, c.threshold())
	}
}

// lengths are those of calls: how much work they are, against the mean.
type lengths func(*rand.Rand) float64

func same(*rand.Rand) float64     { return 1 }
func varied(d *rand.Rand) float64 { return 0.2 + d.ExpFloat64()*0.8 }

// A window ends soon where calls are alike, and is right about a difference of
// 5 % where they are not.
func TestWindows(t *testing.T) {
	// measured has the answers of so many seats, each at a share of a rate, until
	// the window says that it is enough.
	measured := func(seed uint64, seats int, of lengths, rate, threshold float64) (float64, int) {
		dice := rand.New(rand.NewPCG(seed, 2))
		began := time.Now()
		w := newWindow(seats, began)
		at := began
		for calls := 1; ; calls++ {
			n := of(dice)
			took := time.Duration(n / rate * float64(seats) * (0.8 + 0.4*dice.Float64()) * float64(time.Second))
			at = at.Add(took / time.Duration(seats))
			w.answered(at, asked{calls: 1, new: int(1000 * n)}, min(took, at.Sub(began)), price{1, 1})
			if w.ramp == 0 && w.enough(threshold*1000) {
				got, _ := w.rate()
				return got / 1000, calls
			}
			if calls > 10000 {
				t.Fatal("a window without end")
			}
		}
	}
	if _, calls := measured(1, 16, same, 20, 0); calls > 5*16 {
		t.Errorf("%d calls of 16 seats that are alike", calls)
	}
	if _, calls := measured(1, 8, same, 10, 19); calls > 4*8 {
		t.Errorf("%d calls to see that half is less", calls)
	}
	wrong := 0
	for seed := range uint64(200) {
		if got, _ := measured(seed, 16, varied, 22, 20*worthwhile); got < 20*worthwhile {
			wrong++
		}
		if got, _ := measured(seed, 16, varied, 20, 20*worthwhile); got > 20*worthwhile {
			wrong++
		}
	}
	if wrong > 20 {
		t.Errorf("%d of 400 windows are wrong about a gain", wrong)
	}
}

// driven answers calls at a pace as a server does on which so many at once take
// no longer, of which a call's own times tell so much, until it settles.
func driven(t *testing.T, p *pace, width int, took time.Duration, own float64, tokens func(call int) (prompt, new int), calls int) {
	t.Helper()
	l := &lane{}
	slots := make(chan struct{}, width)
	next := make(chan int, calls)
	for i := range calls {
		next <- i
	}
	close(next)
	seating, enough := context.WithCancel(t.Context())
	defer enough()
	var seats sync.WaitGroup
	for p.acquire(seating, l) {
		seats.Go(func() {
			defer p.release(l)
			for p.keeps(l) {
				call, ok := <-next
				if !ok {
					enough()
					return
				}
				sent := time.Now()
				slots <- struct{}{}
				time.Sleep(took)
				<-slots
				prompt, new := tokens(call)
				part := time.Duration(own * float64(took))
				p.answered(l, models.Response{PromptTokens: prompt, OutputTokens: new, PromptEval: part / 2, Eval: part / 2}, time.Since(sent))
			}
		})
	}
	seats.Wait()
}

func usual(int) (prompt, new int) { return 450, 60 }

// Sixteen slots, each call 0.8 s of which it reports 0.6 s as its own: all slots
// are kept full, and the climb costs little.
func TestWhatACallLeavesOutIsNoQueue(t *testing.T) {
	for _, c := range []struct {
		what  string
		climb climb
		limit time.Duration // of 450 calls, which take 22.4 s at best
	}{
		{"slots that are known", newClimb(16, 16, 1, false), 27 * time.Second},
		{"slots that are not", newClimb(climbFrom, mostUnknown, 1, false), 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			p := newPace(c.climb, nil)
			driven(t, p, 16, 800*time.Millisecond, 0.75, usual, 450)
			if took := time.Since(began); took > c.limit || p.at().width != 16 {
				t.Errorf("%s: %v at a width of %d, want at most %v at 16", c.what, took, p.at().width, c.limit)
			}
			if in, measured := p.found(); in != 16 || measured == nil || measured.Prompt <= 0 {
				t.Errorf("%s: found %d, %+v", c.what, in, measured)
			} else if perCall := 450*measured.Prompt + 60*measured.New; perCall < 0.045 || perCall > 0.055 {
				t.Errorf("%s: a call costs %.4f s of the devices' time, want 0.05", c.what, perCall)
			}
		})
	}
}

// A pace goes up again where what is asked changes.
func TestAPaceAfterAChangeOfPrompts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(newClimb(16, 16, 1, false), nil)
		driven(t, p, 4, time.Second, 1, usual, 300)
		if p.at().width != 4 {
			t.Fatalf("a width of %d, want 4", p.at().width)
		}
		driven(t, p, 16, time.Second, 1, func(int) (int, int) { return 450, 400 }, 1500)
		if p.at().width != 16 {
			t.Errorf("a width of %d after the change, want 16", p.at().width)
		}
	})
}

// A limit that falls sends seats away.
func TestAPaceThatFalls(t *testing.T) {
	p, l := newPace(newClimb(8, 8, 1, false), nil), &lane{}
	for range 8 {
		if !p.acquire(t.Context(), l) || !p.keeps(l) {
			t.Fatal("eight calls in flight are too many")
		}
	}
	p.climb.measured(100)
	if p.keeps(l) {
		t.Error("eight calls in flight stay where four are tried")
	}
	for range 4 {
		p.release(l)
	}
	if !p.keeps(l) {
		t.Error("the last four go, too")
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
