package engine

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"
)

// What hangs while memory is given back, a look at the devices' memory or an
// unload, holds up neither the next model nor the end of the run.
func TestWhatHangsWhileMemoryIsGivenBackHoldsNothingUp(t *testing.T) {
	for name, ail := range map[string]func(*ills){
		"the look at the memory": func(i *ills) { i.deaf = true },
		"the unload":             func(i *ills) { i.stuckUnload = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := troubledWorld(t)
				w.gpus(24)
				a, b := w.generates(w.model("a", 14), 60), w.generates(w.model("b", 14), 60)
				w.after(5*time.Second, func() { w.change(w.site("gpu0"), name+" hangs", ail) })
				w.mustRun(t)
				w.mustDo(t, a, 60)
				w.mustDo(t, b, 60)
				if w.took() > 3*time.Minute {
					t.Errorf("it took %v", w.took())
				}
			})
		})
	}
}

// Release ends with its context, though a server never answers the unload.
func TestReleaseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.hosts(2)
		a := w.generates(w.model("a", 5), 10)
		w.site("host0").stuckUnload = true
		e := w.newEngine()
		if err := e.Run(t.Context()); err != nil {
			t.Error(err)
		}
		w.mustDo(t, a, 10)
		ended := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		e.Release(ctx)
		if took := time.Since(ended); took > time.Second {
			t.Errorf("it took %v", took)
		}
		w.revives("host0") // for what still waits there
	})
}

// Ctrl-C is heard at once during a load, and while one waits for a server that
// is away; no call is made after it. Each seat made one, and the patience was
// waited for.
func TestAnInterruptDuringALoadIsHeardAtOnce(t *testing.T) {
	for name, away := range map[string]bool{"a load": false, "a server that is away": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.hosts(4)
				a := w.generates(w.model("a", 60), 40) // half a minute
				if away {
					w.dies("host0")
				}
				const at = 10 * time.Second
				w.after(at, w.interrupt)
				if err := w.run(t.Context()); !errors.Is(err, context.Canceled) {
					t.Errorf("the run ends with %v", err)
				}
				w.mustHold(t)
				w.mustDo(t, a, 0)
				if took := w.took() - at; took > 100*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				if asked := w.told("is asked"); len(asked) > 0 {
					t.Errorf("%d calls were made: %v", len(asked), asked)
				}
			})
		})
	}
}

// What is in flight as a run is interrupted has been paid for: it is let finish
// and kept. The same run goes on from there, makes no call twice, and comes to
// the replies of one that was left alone.
func TestAnInterruptedRunGoesOnWhereItEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		build := func() (*world, *fakeJob, *fakeJob) {
			w := newWorld(t)
			w.gpus(24, 24)
			a := w.generates(w.model("a", 10), 200)
			return w, a, w.scores(w.model("judge", 3), 0, a)
		}
		contents := func(w *world) map[string]string {
			all := make(map[string]string)
			for k, r := range w.replies.replies {
				all[w.keys[k].text] = r.Content
			}
			return all
		}
		left, _, _ := build()
		left.mustRun(t)

		w, a, s := build()
		for _, at := range []time.Duration{11 * time.Second, 14 * time.Second, 19 * time.Second} {
			w.after(at, w.interrupt)
			if err := w.run(t.Context()); !errors.Is(err, context.Canceled) {
				t.Errorf("interrupted after %v, the run ends with %v", at, err)
			}
			w.mustHold(t)
			w.forget()
		}
		w.mustRun(t)
		w.mustDo(t, a, 200)
		w.mustDo(t, s, 200)
		if calls := len(w.told("is asked")); calls != 400 {
			t.Errorf("%d calls for 400 units", calls)
		}
		if !maps.Equal(contents(w), contents(left)) {
			t.Error("the replies are others")
		}
	})
}

// A run that is interrupted when all is answered and not yet durable, or with its
// last call in flight, is complete.
func TestAnInterruptAfterTheLastCallIsNone(t *testing.T) {
	for _, moment := range []string{"is asked a/9", "generate a: unit 9 is done", "generate a has ended"} {
		t.Run(moment, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.hosts(1)
				w.inFlight = 1
				a := w.generates(w.model("a", 5), 10)
				w.when(moment, w.interrupt)
				w.mustRun(t)
				w.mustDo(t, a, 10)
				if said := w.told("Ctrl-C"); len(said) == 0 || said[0].at > w.took() {
					t.Error("this is about nothing")
				}
				if s := w.engine.Status().Jobs[0]; s.Done != s.Total {
					t.Errorf("the status says %d of %d", s.Done, s.Total)
				}
			})
		})
	}
}
