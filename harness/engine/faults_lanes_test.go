package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"perg/models"
)

// Where the only lane that a candidate fits on is lost while a judge is at work,
// the run ends and says so: what was answered is rated, the rest is missing. It
// waited for ever.
func TestTheOnlyLaneOfACandidateIsLostBesideAJudge(t *testing.T) {
	for name, make := range map[string]func(w *world) (a, s *fakeJob, dies time.Duration){
		"one of two hosts has the model": func(w *world) (a, s *fakeJob, dies time.Duration) {
			w.hosts(2, 2)
			m := w.model("a", 5)
			w.site("host1").has = map[string]bool{"judge:latest": true}
			a = w.generates(m, 60)
			return a, w.scores(w.model("judge", 3), 0, a), 15 * time.Second
		},
		"a wide lane": func(w *world) (a, s *fakeJob, dies time.Duration) {
			w.gpus(24, 24, 8)
			a = w.generates(w.model("a", 40), 200)
			return a, w.scores(w.model("judge", 3), 0, a), 35 * time.Second
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := troubledWorld(t)
				a, s, dies := make(w)
				w.after(dies, func() { w.dies(w.sites[0].id) })
				err := w.run(t.Context())
				w.mustHold(t)
				if !errors.Is(err, ErrUndone) || !strings.Contains(err.Error(), a.ID) {
					t.Errorf("the run ends with %v", err)
				}
				done, failed := a.outcomes()
				if done == 0 || done == len(a.units) || failed > 0 {
					t.Errorf("%d of %d are answered, %d in error", done, len(a.units), failed)
				}
				w.mustDo(t, s, done)
				if w.took() > time.Hour {
					t.Errorf("it ended after %v", w.took())
				}
			})
		})
	}
}

// A judge that waits for answers makes room for a candidate that has no other
// devices left.
func TestAJudgeThatWaitsMakesRoomForItsCandidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.hosts(2, 2)
		a := w.generates(w.model("a", 5), 100)
		s := w.scores(w.model("judge", 3), 0, a)
		w.after(15*time.Second, func() { w.dies("host0") })
		w.mustRun(t)
		w.mustDo(t, a, 100)
		w.mustDo(t, s, 100)
		if loaded := w.told("host1: loads"); len(loaded) < 3 || !strings.Contains(loaded[0].text, "judge") {
			t.Errorf("this is about nothing: %v", loaded)
		}
	})
}

// The patience begins as a server is seen to be away, not as the call or the load
// began that its end cut off: those that had taken longer than the patience ended
// the run.
func TestWhatTookLongerThanThePatienceIsMadeAgain(t *testing.T) {
	for name, c := range map[string]struct {
		size    float64
		call    time.Duration
		crashes time.Duration
	}{
		"a call": {1, 3 * time.Minute, 2 * time.Minute},
		"a load": {300, time.Second, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := troubledWorld(t)
				w.hosts(2)
				w.patience = 30 * time.Second
				m := w.model("a", c.size)
				m.call = c.call
				a := w.generates(m, 12)
				w.after(c.crashes, func() { w.crashes("host0") })
				w.mustRun(t)
				w.mustDo(t, a, 12)
				if len(w.told("it crashed")) == 0 || len(w.warnings("goes on without")) > 0 {
					t.Errorf("warnings %q", w.warnings(""))
				}
			})
		})
	}
}

// Devices on which no server starts, or every load fails, cost no row: what they
// are given goes elsewhere. They are tried again after 1, 2, 4... minutes, and
// used once they are well. Such a device was free again at once, and took model
// after model.
func TestADeviceOnWhichEverythingFails(t *testing.T) {
	for name, c := range map[string]struct {
		ail func(*ills)
		try string // what a try begins with
	}{
		"no server starts":           {func(i *ills) { i.refuses = true }, "gpu1: no server starts"},
		"every load fails":           {func(i *ills) { i.badLoads = true }, "gpu1: loads"},
		"every call ends its runner": {func(i *ills) { i.badCalls = true }, "gpu1: a server starts"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := troubledWorld(t)
				w.gpus(24, 24)
				w.inFlight = 1
				w.change(w.site("gpu1"), name, c.ail)
				var jobs []*fakeJob
				for _, label := range []string{"a", "b", "c"} {
					m := w.model(label, 10)
					m.call = 4 * time.Second
					jobs = append(jobs, w.generates(m, 400))
				}
				const well = 20 * time.Minute
				w.after(well, func() { w.revives("gpu1") })
				w.mustRun(t)
				for _, j := range jobs {
					w.mustDo(t, j, 400)
				}
				var tries []time.Duration
				if n := len(w.told(c.try)); n > 2*8 {
					t.Errorf("it was given %d models", n) // two at each try, and those once it is well
				}
				for _, m := range w.told(c.try) {
					if n := len(tries); n == 0 || m.at-tries[n-1] > 30*time.Second {
						tries = append(tries, m.at)
					}
				}
				for i, least := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute} {
					if len(tries) < i+2 {
						t.Fatalf("it was tried at %v", tries)
					}
					if waited := tries[i+1] - tries[i]; waited < least || waited > least+time.Minute {
						t.Errorf("try %d came after %v, want %v", i+2, waited, least)
					}
				}
				used := func(m moment) bool { return m.at > well }
				if !slices.ContainsFunc(w.told("gpu1: is asked"), used) {
					t.Error("it is never used again")
				}
			})
		})
	}
}

// A host that failed one load, or was away for longer than the patience, is used
// again: where the others die then, it does what is left.
func TestAHostThatFailedIsUsedAgain(t *testing.T) {
	for name, fail := range map[string]func(w *world){
		"it failed one load": func(w *world) {
			w.site("host0").badLoads = true
			w.after(3*time.Second, func() { w.revives("host0") })
		},
		"it was away for longer than the patience": func(w *world) {
			w.after(10*time.Second, func() { w.dies("host0") })
			w.after(4*time.Minute, func() { w.revives("host0") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := troubledWorld(t)
				w.hosts(2, 2)
				w.patience = time.Minute
				fail(w)
				a := w.generates(w.model("a", 5), 1200)
				s := w.scores(w.model("judge", 3), 0, a)
				w.after(6*time.Minute, func() { w.dies("host1") })
				w.mustRun(t)
				w.mustDo(t, a, 1200)
				w.mustDo(t, s, 1200)
				if w.took() < 6*time.Minute {
					t.Error("this is about nothing")
				}
			})
		})
	}
}

// A host that takes calls and never answers is left, and the others make its
// calls. Each became a row in error.
func TestAHostThatTakesCallsAndNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.hosts(4, 4)
		a, b := w.generates(w.model("a", 5), 100), w.generates(w.model("b", 5), 100)
		w.after(10*time.Second, func() { w.change(w.site("host1"), "hangs", func(i *ills) { i.hung = true }) })
		w.mustRun(t)
		w.mustDo(t, a, 100)
		w.mustDo(t, b, 100)
		if len(w.warnings("goes on without host1")) == 0 {
			t.Errorf("warnings %q", w.warnings(""))
		}
		w.revives("host1") // for what still waits there
	})
}

// A server that lets nobody in any more is its lane's trouble.
func TestAServerThatDeniesAccessInTheMiddleIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.hosts(2, 2)
		a := w.generates(w.model("a", 5), 100)
		err := w.runWith(t.Context(), func(e *Engine) {
			e.Fleet = oddFleet{Fleet: e.Fleet, chat: func(lane string) error {
				if lane == "host1" && time.Since(w.began) > 10*time.Second {
					return fmt.Errorf("%w: HTTP 401", models.ErrDenied)
				}
				return nil
			}}
		})
		w.mustHold(t)
		w.mustDo(t, a, 100)
		if said := w.warnings("goes on without host1"); err != nil || len(said) == 0 || !strings.Contains(said[0], "access denied") {
			t.Errorf("error %v, warnings %q", err, w.warnings(""))
		}
	})
}

// The server of a lane that was left is ended: its GPU is free for whatever may
// come. It lived until the end of perg.
func TestTheServerOfALaneThatWasLeftIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.gpus(24, 24)
		a := w.generates(w.model("a", 10), 2000)
		w.after(20*time.Second, func() {
			w.change(w.site("gpu1"), "breaks", func(i *ills) { i.badCalls = true })
		})
		w.when("goes on without gpu1", func() {
			w.after(20*time.Second, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				for _, p := range w.open {
					if strings.Contains(p.name, "gpu1") {
						t.Errorf("the server %s is alive", p.name)
					}
				}
			})
		})
		w.mustRun(t)
		w.mustDo(t, a, 2000)
		if len(w.warnings("goes on without gpu1")) == 0 {
			t.Error("this is about nothing")
		}
	})
}

// Servers start side by side: one that takes its time holds up no other.
func TestServersStartSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.gpus(24, 24, 24, 24)
		var jobs []*fakeJob
		for _, label := range []string{"a", "b", "c", "d"} {
			jobs = append(jobs, w.generates(w.model(label, 10), 40))
		}
		w.change(w.site("gpu3"), "hangs", func(i *ills) { i.hung = true })
		w.after(2*time.Minute, func() { w.revives("gpu3") })
		w.mustRun(t)
		for _, j := range jobs {
			w.mustDo(t, j, 40)
		}
		for _, gpu := range []string{"gpu0", "gpu1", "gpu2"} {
			if first := w.told(gpu + ": a server starts"); len(first) == 0 || first[0].at > 3*time.Second {
				t.Errorf("%s: %v", gpu, first)
			}
		}
	})
}

// A lane that finds nothing to do in a job that others are at work on is not
// started on it again and again: it was, hundreds of times a second.
func TestALaneThatFindsNothingIsNotStartedAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24, 48) // of two classes
		w.inFlight = 1
		m := w.model("a", 10)
		m.call = 4 * time.Second
		a := w.generates(m, 300)
		for u := range a.units[1:] {
			a.units[u+1].base = 0 // all are to be made where the first was
		}
		a.alike = true
		a.began()
		var seats atomic.Int64
		a.Job.Source = watchedSource{a.Source, &seats}
		w.mustRun(t)
		w.mustDo(t, a, 300)
		if w.took() < 10*time.Minute || seats.Load() > 10 {
			t.Errorf("%d seats were taken within %v", seats.Load(), w.took())
		}
	})
}
