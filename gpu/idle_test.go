package gpu

import (
	"math"
	"testing"
	"time"
)

// idled is what an idling comes to where a GPU draws so much after so long, five times a
// second, and how long that takes.
func idled(watts func(time.Duration) float64, used float64) (map[string]float64, time.Duration) {
	i, began := idling{steady: steadyFor, most: idleMost}, time.Unix(1000, 0)
	for n := 0; ; n++ {
		after := time.Duration(n) * 200 * time.Millisecond
		done := i.add([]Sample{
			{UUID: "a", At: began.Add(after), PowerMW: new(uint32(1000 * watts(after))), GPUUtilization: new(used)},
			{UUID: "tells nothing", At: began.Add(after)},
		})
		if done {
			return i.watts(), after
		}
	}
}

// What a GPU draws at rest is known once its clocks have come down, and not before: an
// H200 takes 20 s for that.
func TestIdleWaitsForTheClocks(t *testing.T) {
	falls := func(after time.Duration) float64 { return 80 + 48*max(0, 1-after.Seconds()/20) }
	watts, took := idled(falls, 0)
	if len(watts) != 1 || math.Abs(watts["a"]-80) > 1 || took < 20*time.Second || took > idleMost {
		t.Errorf("%v after %v", watts, took)
	}
	watts, took = idled(func(time.Duration) float64 { return 31 }, 0)
	if watts["a"] != 31 || took != steadyFor {
		t.Errorf("of a steady one %v after %v", watts, took)
	}
	noisy := func(after time.Duration) float64 { return 100 + 20*float64(after.Milliseconds()/200%2) }
	if watts, took = idled(noisy, 0); math.Abs(watts["a"]-110) > 1 || took != idleMost {
		t.Errorf("of one that is never steady %v after %v", watts, took)
	}
	if watts, _ = idled(func(time.Duration) float64 { return 300 }, 0.4); len(watts) > 0 {
		t.Errorf("of one that works %v", watts)
	}
}
