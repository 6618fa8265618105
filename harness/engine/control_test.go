package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// atWork has something done to the engine of the run, as a user does who steers it.
func (w *world) atWork(what string, f func(*Engine)) {
	w.steered.RLock()
	defer w.steered.RUnlock()
	w.mu.Lock()
	e := w.engine
	w.mu.Unlock()
	if e == nil || w.over() {
		return
	}
	w.tell("the user: %s", what)
	w.count("command: " + what)
	f(e)
}

func (w *world) pause() {
	w.atWork("pause", func(e *Engine) {
		e.Pause()
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.held.IsZero() {
			w.held = time.Now()
		}
	})
}

func (w *world) resume() {
	w.atWork("resume", func(e *Engine) {
		w.mu.Lock()
		w.held = time.Time{}
		w.mu.Unlock()
		e.Resume()
	})
}

// paused checks a unit that is taken up during a pause: no call may be made for it.
func (w *world) paused(j *fakeJob, u Unit) (ended func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held.IsZero() || time.Since(w.held) == 0 {
		return func() {}
	}
	sent := func() (n int) {
		for _, text := range j.units[u].texts {
			if q := w.questions[text]; q != nil {
				n += q.sent
			}
		}
		return n
	}
	before := sent()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if sent() > before {
			w.wrong("%s: unit %d is taken up while the run is paused", j.ID, u)
		}
	}
}

// randomCommands plans what the user asks of a run, beside Ctrl-C: each of the
// commands of perg ctl. Its stop is what Ctrl-C does. A pause ends, or the run is
// stopped in it.
func (w *world) randomCommands(r *rand.Rand) {
	horizon := w.horizon()
	plan := func(what string, at time.Duration, do func()) {
		w.faults = append(w.faults, fmt.Sprintf("the user: %s at %v", what, at))
		w.after(at, do)
	}
	for n := one(r, 0, 0, 0, 1, 1, 2, 4); n > 0; n-- {
		at := time.Duration(r.Float64() * float64(horizon))
		lasts := one(r, between(r, time.Millisecond, time.Second), between(r, time.Second, time.Minute), between(r, time.Minute, 2*time.Hour))
		switch r.IntN(5) {
		case 0, 1:
			plan("pause", at, w.pause)
			if chance(r, 0.2) {
				plan("stop", at+lasts, w.interrupt)
			}
			plan("resume", at+lasts, w.resume)
		case 2:
			plan("retry", at, func() { w.atWork("retry", (*Engine).Retry) })
		case 3:
			plan("status", at, func() {
				w.atWork("status", func(e *Engine) {
					for _, j := range e.Status().Jobs {
						if j.Done > j.Total || j.Failed > j.Done {
							w.wrong("the status of %s is %d of %d, %d failed", j.ID, j.Done, j.Total, j.Failed)
						}
					}
					e.Lanes()
				})
			})
		case 4:
			plan("stop", at, w.interrupt)
		}
	}
}

// A pause lets what is in flight come back and takes nothing up; what is loaded
// stays, and the run goes on where it was.
func TestPauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24)
		a := w.generates(w.model("a", 10), 400)
		const at, until = 11 * time.Second, 71 * time.Second
		w.after(at, w.pause)
		w.after(until-time.Second, func() {
			if !w.engine.Paused() {
				t.Error("it is not paused")
			}
			for _, l := range w.engine.Lanes() {
				if l.InFlight > 0 {
					t.Errorf("%d calls are in flight in a pause", l.InFlight)
				}
			}
		})
		w.after(until, w.resume)
		w.mustRun(t)
		w.mustDo(t, a, 400)
		for _, asked := range w.told("is asked") {
			if asked.at > at+3*time.Second && asked.at < until {
				t.Errorf("a call is made at %v", asked.at)
			}
		}
		left := newWorld(t)
		left.gpus(24)
		left.generates(left.model("a", 10), 400)
		left.mustRun(t)
		if loads, before := len(w.told("has a in memory")), len(left.told("has a in memory")); loads != before {
			t.Errorf("loaded %d times, and %d without a pause", loads, before)
		}
		if more := w.took() - left.took(); more < until-at-5*time.Second || more > until-at+5*time.Second {
			t.Errorf("a pause of %v took %v", until-at, more)
		}
	})
}

// A run that is paused is stopped at once.
func TestStopInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24)
		w.generates(w.model("a", 10), 400)
		w.after(11*time.Second, w.pause)
		w.after(40*time.Second, w.interrupt)
		if err := w.run(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("the run ends with %v", err)
		}
		w.mustHold(t)
		if took := w.took(); took > 40*time.Second+100*time.Millisecond {
			t.Errorf("it ends after %v", took)
		}
	})
}

// What is left alone after a failure is tried again when the user asks.
func TestRetryEndsTheWait(t *testing.T) {
	took := func(retry bool) time.Duration {
		var took time.Duration
		synctest.Test(t, func(t *testing.T) {
			w := troubledWorld(t)
			w.patience = time.Hour // a lane that failed is left alone for half of it
			w.gpus(24, 24)
			a := w.generates(w.model("a", 20), 2000)
			w.change(w.site("gpu1"), "loads nothing", func(i *ills) { i.badLoads = true })
			w.after(20*time.Second, func() { w.revives("gpu1") })
			if retry {
				w.after(25*time.Second, func() { w.atWork("retry", (*Engine).Retry) })
			}
			w.mustRun(t)
			w.mustDo(t, a, 2000)
			took = w.took()
		})
		return took
	}
	without, with := took(false), took(true)
	if with >= without*3/4 {
		t.Errorf("with a second GPU back the run takes %v, and took %v without", with, without)
	}
}

// The commands that perg ctl has are all in the worlds of TestSimulate.
func TestSimulatedCommands(t *testing.T) {
	var all []string
	for seed := range uint64(200) {
		synctest.Test(t, func(*testing.T) { all = append(all, randomWorld(seed).faults...) })
	}
	for _, command := range []string{"status", "pause", "resume", "retry", "stop"} {
		if !slices.ContainsFunc(all, func(f string) bool { return len(f) > 10 && f[:10+len(command)][10:] == command }) {
			t.Errorf("no world has the command %s", command)
		}
	}
}
