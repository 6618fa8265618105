package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A prompt that ends the model's runner is in error once it has broken three
// times, the last two alone: it may have been in flight as somebody killed
// runners. No call beside it is in error: those in flight went with it, twice.
func TestAPromptThatEndsTheRunnerTakesNoOtherWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.gpus(24)
		w.inFlight = 8
		a := w.generates(w.model("a", 10), 60)
		poison := []int{3, 4, 20, 41}
		for _, u := range poison {
			w.poisons[fmt.Sprintf("a/%d", u)] = killsRunner
		}
		w.mustRun(t)
		if done, failed := a.outcomes(); done != 60 || failed != len(poison) {
			t.Errorf("%d are done, %d in error", done, failed)
		}
		for u, failed := range a.failed {
			if failed != slices.Contains(poison, u) {
				t.Errorf("unit %d is in error: %v", u, failed)
			}
		}
		for _, u := range poison {
			text := fmt.Sprintf("a/%d", u)
			if broken := w.questions[text].broken; len(broken) != 3 || broken[2].by != text {
				t.Errorf("%s broke: %v", text, broken)
			}
		}
	})
}

// A model that ends its server whenever it is at work is refused after two
// servers, and the others are done. It took lane after lane with it.
func TestAModelThatEndsItsServersIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.gpus(24, 24)
		var well []*fakeJob
		bad := w.generates(w.model("bad", 10), 50)
		for u := range bad.units {
			w.poisons[fmt.Sprintf("bad/%d", u)] = killsServer
		}
		for _, label := range []string{"a", "b", "c"} {
			well = append(well, w.generates(w.model(label, 10), 50))
		}
		w.mustRun(t)
		for _, j := range well {
			w.mustDo(t, j, 50)
		}
		w.mustFail(t, bad, "server error", "2 servers ended while it was at work")
		ends := 0
		for _, d := range w.deaths {
			if d.model == "bad" {
				ends++
			}
		}
		if ends != 2 {
			t.Errorf("%d servers ended", ends)
		}
	})
}

// Servers that end hours apart are no model's fault, however many they are.
func TestServersThatEndHoursApartRefuseNothing(t *testing.T) {
	for name, build := range map[string]func(*world){"perg's own": func(w *world) { w.gpus(24) }, "the user's": func(w *world) { w.hosts(1) }} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := troubledWorld(t)
				build(w)
				w.inFlight = 1
				m := w.model("a", 10)
				m.call = 20 * time.Second
				a := w.generates(m, 2200) // 12 hours
				for h := 1; h < 12; h += 2 {
					w.after(time.Duration(h)*time.Hour, func() { w.crashes(w.sites[0].id) })
				}
				w.mustRun(t)
				w.mustDo(t, a, 2200)
				if n := len(w.told("it crashed")); n != 6 {
					t.Errorf("the server ended %d times", n)
				}
			})
		})
	}
}

// A tag that is made anew in the middle of a run, on one of two hosts: what
// comes from it is dropped, and asked of the other one. Answers of the new model
// were kept under the digest of the old.
func TestATagThatIsMadeAnewOnOneHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.hosts(2, 2)
		a := w.generates(w.model("a", 5), 200)
		w.after(15*time.Second, func() { w.remakes("host1", a.model) })
		w.mustRun(t)
		w.mustDo(t, a, 200)
		for _, m := range w.told("host1: is asked") {
			if m.at > 30*time.Second {
				t.Fatalf("host1 is asked at %v", m.at)
			}
		}
		if said := w.warnings("model was made anew"); len(said) == 0 {
			t.Errorf("warnings %q", w.warnings(""))
		}
	})
}

// On the only host that has it, what is left of it is in error with that reason;
// other models go on. So it is where the tag was made anew before the load.
func TestATagThatIsMadeAnewOnTheOnlyHost(t *testing.T) {
	for name, at := range map[string]time.Duration{"while it is at work": 8 * time.Second, "before it is loaded": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := troubledWorld(t)
				w.hosts(2)
				a, b := w.generates(w.model("a", 5), 80), w.generates(w.model("b", 5), 40)
				w.after(at, func() { w.remakes("host0", a.model) })
				w.mustRun(t)
				w.mustDo(t, b, 40)
				done, failed := a.outcomes()
				if done != 80 || failed == 0 || (failed == 80) != (at == 0) {
					t.Errorf("%d are done, %d in error", done, failed)
				}
				n := 0
				for k, f := range w.replies.failures {
					if w.keys[k].model == a.model {
						n++
						if f.Reason != ErrRemade.Error() || !strings.Contains(f.Message, "a:latest is sha256:a-ane on host0 now") {
							t.Errorf("%s: %s", f.Reason, f.Message)
						}
					}
				}
				if n != failed {
					t.Errorf("%d failures for %d units in error", n, failed)
				}
			})
		})
	}
}

// A store that cannot be written ends the run with that, at once.
func TestAStoreThatCannotBeWrittenEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.gpus(24, 24)
		a := w.generates(w.model("a", 10), 300)
		s := w.scores(w.model("judge", 3), 0, a)
		w.after(12*time.Second, func() { w.replies.fails(errFull) })
		if err := w.run(t.Context()); !errors.Is(err, errFull) {
			t.Errorf("the run ends with %v", err)
		}
		w.mustHold(t)
		if w.took() > 20*time.Second {
			t.Errorf("it ended at %v", w.took())
		}
		if done, _ := s.outcomes(); done == 300 {
			t.Error("this is about nothing")
		}
	})
}
