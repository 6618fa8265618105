package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// A further is a server some way off, that calls are sent ahead to.
type further struct {
	call, way time.Duration
	ahead     int
}

// does makes calls of a model that fills four slots, so many at once, 0 as many as
// are found to bring the most. It says what that took, and how many it were.
func (f further) does(t *testing.T, calls, atOnce int) (took time.Duration, found int) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.most, w.inFlight = 1<<30, atOnce
		m := w.machine("gpu02", 24)
		m.way, m.ahead = f.way, f.ahead
		a := w.model("a", 10)
		a.call, a.fills, a.most = f.call, 4, 16
		a.servers, a.gain = 1, 1
		j := w.generates(a, calls)
		w.loadedTo = func(l Load) { found = max(found, l.InFlight) }
		w.mustRun(t)
		w.mustDo(t, j, calls)
		took = w.told("generate a has ended")[0].at - w.told("has a in memory")[0].at
	})
	return took, found
}

// The way to a server costs nearly nothing where calls are sent ahead.
func TestCallsAheadHideTheWay(t *testing.T) {
	for _, c := range []struct {
		further
		least, most float64 // of the throughput of a server that is near
	}{
		{further{100 * time.Millisecond, 10 * time.Millisecond, 1}, 0.98, 1.02},
		{further{100 * time.Millisecond, 50 * time.Millisecond, 2}, 0.98, 1.02},
		{further{800 * time.Millisecond, 10 * time.Millisecond, 1}, 0.98, 1.02},
		{further{800 * time.Millisecond, 50 * time.Millisecond, 1}, 0.98, 1.02},
		{further{100 * time.Millisecond, 50 * time.Millisecond, 0}, 0.3, 0.6}, // it is the calls ahead that do it
	} {
		const calls = 800
		near, _ := further{c.call, 0, 0}.does(t, calls, 4)
		far, _ := c.does(t, calls, 4)
		share := float64(near) / float64(far)
		t.Logf("calls of %v, %v away, %d ahead: %.4f of the throughput", c.call, c.way, c.ahead, share)
		if share < c.least || share > c.most {
			t.Errorf("calls of %v, %v away, %d ahead: %.3f of the throughput, want %.2f to %.2f", c.call, c.way, c.ahead, share, c.least, c.most)
		}
	}
}

// The width that brings the most is found where calls are sent ahead, too.
func TestTheClimbWithCallsAhead(t *testing.T) {
	for _, f := range []further{
		{100 * time.Millisecond, 10 * time.Millisecond, 1},
		{100 * time.Millisecond, 50 * time.Millisecond, 2},
		{800 * time.Millisecond, 10 * time.Millisecond, 1},
		{800 * time.Millisecond, 50 * time.Millisecond, 1},
	} {
		if _, found := f.does(t, 800, 0); found != 4 {
			t.Errorf("calls of %v, %v away, %d ahead: %d at once, want 4", f.call, f.way, f.ahead, found)
		}
	}
}
