package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"perg/harness/schedule"
)

var errSilent = errors.New("no sign of life for 15 s")

func TestDevicesJoinARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24)
		m := w.machine("gpu02", 24, 24)
		m.comes = 30 * time.Second
		j := w.generates(w.model("a", 10), 2400)
		w.mustRun(t)
		w.mustDo(t, j, 2400)
		if w.counted("a machine joins") != 1 || time.Since(w.began) > 90*time.Second {
			t.Errorf("it took %v with three GPUs after 30 s", time.Since(w.began))
		}
	})
}

// Where a job takes much longer than was planned, what stood idle as it seemed too
// short to be worth a load joins it all the same.
func TestWhatTakesLongerThanPlannedIsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24, 24)
		j := w.generates(w.model("a", 10), 2400)
		fit := j.Fit
		j.Fit = func(set []schedule.Device) schedule.Fit {
			f := fit(set)
			f.Time = f.Load
			return f
		}
		if err := w.runWith(t.Context(), func(e *Engine) { e.InFlight = 16 }); err != nil {
			t.Fatal(err)
		}
		w.mustDo(t, j, 2400)
		if loads := len(w.told(": loads a")); loads != 2 || w.took() > 100*time.Second {
			t.Errorf("it took %v in %d loads on two GPUs", w.took(), loads)
		}
	})
}

// What is at work on a machine that leaves goes on elsewhere, at once: nothing is
// waited for there.
func TestWhatLeavesIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24)
		m := w.machine("gpu02", 24)
		m.clings = 10 * time.Minute
		defer time.Sleep(time.Hour) // what clings has failed
		a := w.generates(w.model("a", 10), 400)
		var at time.Duration
		w.after(10*time.Second, func() {
			w.cuts(m, true, true)
			w.after(10*time.Second, func() {
				w.leaves(m, errSilent)
				at = time.Since(w.began)
				synctest.Wait()
				for _, l := range w.engine.Lanes() {
					if strings.HasPrefix(l.Lane, "gpu02") {
						t.Errorf("%s is at work on what has left", l.Lane)
					}
				}
			})
		})
		w.mustRun(t)
		w.mustDo(t, a, 400)
		if at == 0 {
			t.Error("nothing left")
		}
		if got := len(w.told("no sign of life for 15 s; the run goes on without gpu02/gpu0")); got != 1 {
			t.Errorf("it is said %d times that it has left", got)
		}
		if took := time.Since(w.began); took > 45*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// What comes back works as before, whatever failed there.
func TestWhatComesBackIsForgiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.machine("gpu02", 24)
		j := w.generates(w.model("a", 10), 400)
		w.after(10*time.Second, func() { w.dies("gpu02/gpu0") }) // left alone for a minute
		w.after(3*time.Minute, func() {
			w.revives("gpu02/gpu0")
			w.leaves(m, errSilent)
			w.joins(m)
		})
		w.mustRun(t)
		w.mustDo(t, j, 400)
		starts := w.told("gpu02/gpu0: a server starts")
		if last := starts[len(starts)-1].at; last < 3*time.Minute || last > 3*time.Minute+5*time.Second {
			t.Errorf("a server starts at %v, and it came back after 3 minutes", last)
		}
	})
}

// A job whose devices have all left waits for them within the patience, from when
// the last of them left, and is undone then: with why.
func TestWhatHasLeftIsAwaited(t *testing.T) {
	for _, c := range []struct {
		back time.Duration // 0: never
		done bool
	}{{110 * time.Second, true}, {130 * time.Second, false}, {0, false}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.gpus(8)
			first, last := w.machine("gpu02", 24), w.machine("gpu03", 24)
			j, small := w.generates(w.model("a", 10), 2000), w.generates(w.model("small", 4), 4000)
			w.after(10*time.Second, func() { w.leaves(first, errSilent) })
			w.after(40*time.Second, func() {
				w.leaves(last, errors.New("it said good-bye"))
				if c.back > 0 {
					w.after(c.back, func() { w.joins(last) })
				}
			})
			err := w.run(t.Context())
			w.mustHold(t)
			w.mustDo(t, small, 4000)
			if c.done {
				w.mustDo(t, j, 2000)
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrUndone) || !strings.Contains(err.Error(), "it said good-bye") || !strings.Contains(err.Error(), "gpu02/gpu0 left 2m30s ago: no sign of life for 15 s") {
				t.Errorf("the run ends with %v", err)
			}
		})
	}
}

// A run without devices waits for the first, if it may, and not for ever.
func TestTheFirstIsAwaited(t *testing.T) {
	for comes, done := range map[time.Duration]bool{time.Minute: true, 3 * time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.machine("gpu02", 24).comes = comes
			j := w.generates(w.model("a", 10), 20)
			err := w.run(t.Context())
			w.mustHold(t)
			switch {
			case done:
				w.mustDo(t, j, 20)
				if err != nil {
					t.Error(err)
				}
			case !errors.Is(err, ErrUndone) || !strings.Contains(err.Error(), "no device joined the run within 2m0s") || time.Since(w.began) != 2*time.Minute:
				t.Errorf("after %v: %v", time.Since(w.began), err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		e := New(Options{Fleet: fakeFleet{}}, []*Job{{ID: "generate a", Model: &Model{}, Fit: nowhere, Source: NewQueue(Alike(1))}})
		if err := e.Run(t.Context()); !errors.Is(err, ErrUndone) || time.Since(began) > 0 {
			t.Errorf("a run that nobody may join ends after %v with %v", time.Since(began), err)
		}
	})
}

// The end of a run does not wait for what has left.
func TestReleaseDoesNotWaitForWhatHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24)
		m := w.machine("gpu02", 24)
		m.clings = 10 * time.Minute
		defer time.Sleep(time.Hour) // what clings has failed
		w.generates(w.model("a", 10), 1<<10)
		ctx, cancel := context.WithCancel(t.Context())
		w.after(10*time.Second, func() {
			w.cuts(m, true, true)
			cancel()
			w.after(12*time.Second, func() { w.leaves(m, errSilent) })
		})
		if err := w.run(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if took := time.Since(w.began); took > 26*time.Second {
			t.Errorf("it ended after %v, and its machine was given up after 22 s", took)
		}
	})
}

// The time left is that on the devices that are there; none, no time.
func TestTheTimeLeftFollowsTheDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.most = 1 << 20
		m := w.machine("gpu02", 24)
		w.generates(w.model("a", 10), 4000)
		w.generates(w.model("b", 10), 4000)
		look := func(what string, known bool) {
			if left := w.engine.Status().Left; (left != nil) != known || known && *left < time.Minute {
				t.Errorf("%s: %v", what, left)
			}
		}
		w.after(20*time.Second, func() { look("at work", true) })
		w.after(21*time.Second, func() { w.leaves(m, errSilent) })
		w.after(40*time.Second, func() { look("away", false) })
		w.after(50*time.Second, func() { w.joins(m) })
		w.after(70*time.Second, func() { look("back", true) })
		w.mustRun(t)
	})
}

// A judge that has a unit in hand as the run is paused keeps it, also where a job
// that generates waits for devices: it is not started again and again.
func TestAJudgeInAPauseBesideWhatIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24, 24)
		other := w.machine("gpu03", 24)
		m := w.machine("gpu02", 80)
		m.comes = time.Minute
		a, large := w.generates(w.model("a", 10), 2), w.generates(w.model("large", 60), 2)
		s := w.scores(w.model("judge", 5), 0, a, large)
		w.after(5*time.Second, w.pause)
		w.after(30*time.Second, func() { w.leaves(other, errSilent) })
		w.after(50*time.Second, w.resume)
		w.mustRun(t)
		w.mustDo(t, s, 4)
		if w.steps > 200 {
			t.Errorf("%d steps: it goes round in circles", w.steps)
		}
	})
}
