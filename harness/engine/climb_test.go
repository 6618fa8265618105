package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A run comes near to the best that any number of calls and of servers brings,
// and soon: on servers with a ceiling each, a knee past which more calls cost,
// and a GPU that all of them share, whose calls spend a quarter of their time on
// what they do not report. Time is virtual: what is tested is the engine's
// choice alone.
func TestClimbAgainstTheGrid(t *testing.T) {
	for _, c := range []struct {
		what        string
		units       int
		fills, card int
		falls       float64
	}{
		{"one server of 16 fills it", 8000, 16, 16, 0},
		{"a knee at 4", 4000, 4, 4, 0.03},
		{"no gain from width", 4000, 1, 1, 0.01},
		{"two servers of 16", 20000, 16, 32, 0},
		{"three servers of 8, with a knee", 24000, 8, 24, 0.02},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.most = 10 * c.units
				w.gpus(140)
				m := w.model("m", 8)
				m.call, m.gap, m.fills, m.card, m.falls = 800*time.Millisecond, 200*time.Millisecond, c.fills, c.card, c.falls
				best := 0.0
				for width := 1; width <= 16; width++ {
					for servers := 1; servers <= mostServers; servers++ {
						n := width * servers
						best = max(best, float64(n)/(m.call.Seconds()*m.slowed(width, n)))
					}
				}
				w.generates(m, c.units)
				settled := -1
				w.after(time.Second, func() { w.whenSettled(func() { settled = w.calls() }) })
				w.mustRun(t)
				took := w.took() - w.told("is asked")[0].at
				lost, climbing := 1-float64(c.units)/took.Seconds()/best, float64(settled)/float64(c.units)
				if testing.Verbose() {
					fmt.Printf("BenchmarkClimb/%s 1 %.4f lost 0.03 lost-limit %.4f climbing 0.05 climbing-limit\n", strings.ReplaceAll(c.what, " ", "_"), lost, climbing)
				}
				if lost > 0.03 || climbing > 0.05 || settled < 0 {
					t.Errorf("%.1f %% less than the best, found after %.1f %% of the calls", 100*lost, 100*climbing)
				}
			})
		})
	}
}

// calls are those that were made.
func (w *world) calls() int {
	w.mu.Lock()
	e := w.engine
	w.mu.Unlock()
	return e.Status().Calls
}

// whenSettled does something once the climbs of all lanes have ended.
func (w *world) whenSettled(f func()) {
	w.mu.Lock()
	e := w.engine
	w.mu.Unlock()
	lanes := e.Lanes()
	if len(lanes) > 0 && !slices.ContainsFunc(lanes, func(l LaneStatus) bool { return !l.Settled }) {
		f()
		return
	}
	w.after(100*time.Millisecond, func() { w.whenSettled(f) })
}
