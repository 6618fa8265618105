package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"perg/models"
)

// mustFail checks that all units of a job are in error, with something that was
// said.
func (w *world) mustFail(t *testing.T, j *fakeJob, reason, said string) {
	t.Helper()
	if done, failed := j.outcomes(); done != len(j.units) || failed != done {
		t.Errorf("%s: %d of %d units are done, %d of them failed", j.ID, done, len(j.units), failed)
	}
	n := 0
	for k, f := range w.replies.failures {
		if w.keys[k].model == j.model {
			n++
			if f.Reason != reason || !strings.Contains(f.Message, said) {
				t.Errorf("%s fails with %q: %s", w.keys[k].text, f.Reason, f.Message)
			}
		}
	}
	if n != len(j.units) {
		t.Errorf("%d of %d calls of %s are kept as failed", n, len(j.units), j.ID)
	}
}

// A judge that can be loaded nowhere gives its devices back at once: the
// candidates use them, and its units are in error with what was said. It held a
// host until all was answered.
func TestAJudgeThatCannotBeLoadedHoldsNoDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.hosts(2, 2)
		a := w.generates(w.model("a", 5), 600)
		s := w.scores(w.model("judge", 3), 0, a)
		err := w.runWith(t.Context(), func(e *Engine) {
			e.Fleet = oddFleet{Fleet: e.Fleet, load: func(_, model string) error {
				if model == "judge:latest" {
					err := &models.ServerError{Status: 500, Message: "unknown model architecture"}
					w.loadFailed(w.site("host0").process, s.model, err)
					w.loadFailed(w.site("host1").process, s.model, err)
					return err
				}
				return nil
			}}
		})
		if err != nil {
			t.Errorf("the run ends with %v", err)
		}
		w.mustHold(t)
		w.mustDo(t, a, 600)
		w.mustFail(t, s, "server error", "unknown model architecture")
		calls := [2]int{len(w.told("host0: is asked")), len(w.told("host1: is asked"))}
		if calls[0] < 200 || calls[1] < 200 {
			t.Errorf("calls by host: %v", calls)
		}
	})
}

// A judge's server that is resident beside a candidate and ends for good takes
// nothing with it: the candidate's answers all come, and the judge is run again
// later, or alone. The candidate's lane, which was well, was lost with it.
func TestAResidentJudgesServerIsLost(t *testing.T) {
	for name, starts := range map[string]int64{"it starts again later": 1 << 30, "it does not start there any more": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := troubledWorld(t)
				w.gpus(24)
				a, b := w.generates(w.model("a", 10), 300), w.generates(w.model("b", 9), 300)
				s := w.scores(w.model("judge", 2), 0, a, b)
				w.when("gpu0-beside: is asked", func() {
					w.mu.Lock()
					defer w.mu.Unlock()
					for _, p := range w.open {
						if p.name == "gpu0-beside" {
							p.exits = mostRestarts
							p.end("it crashed")
						}
					}
				})
				var opened atomic.Int64
				err := w.runWith(t.Context(), func(e *Engine) {
					e.Fleet = oddFleet{Fleet: e.Fleet, open: func(lane string) error {
						if lane == "gpu0-beside" && opened.Add(1) > starts {
							return fmt.Errorf("ollama serve on %s: exit status 7", lane)
						}
						return nil
					}}
				})
				if err != nil {
					t.Errorf("the run ends with %v", err)
				}
				w.mustHold(t)
				w.mustDo(t, a, 300)
				w.mustDo(t, b, 300)
				w.mustDo(t, s, 600)
				if len(w.told("its supervisor gives up")) == 0 || len(w.warnings("goes on without gpu0 ")) > 0 {
					t.Errorf("warnings %q", w.warnings(""))
				}
				if took := w.tookTo("gpu0: unloads", "gpu0: loads"); took > goneWithin {
					t.Errorf("the next candidate came after %v", took)
				}
			})
		})
	}
}

// A judge that has no devices left is left undone, with the reason; what it
// would have rated is all there.
func TestAJudgeWithoutDevicesIsLeftUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.hosts(2, 2)
		w.site("host0").has = map[string]bool{"a:latest": true}
		a := w.generates(w.model("a", 5), 100)
		s := w.scores(w.model("judge", 3), 0, a)
		w.after(12*time.Second, func() { w.dies("host1") })
		err := w.run(t.Context())
		w.mustHold(t)
		w.mustDo(t, a, 100)
		if done, failed := s.outcomes(); done == 100 || failed > 0 {
			t.Errorf("%d are rated, %d in error", done, failed)
		}
		if !errors.Is(err, ErrUndone) || !strings.Contains(err.Error(), "score judge: "+ErrUndone.Error()+": ") || strings.Contains(err.Error(), "generate a") {
			t.Errorf("the run ends with %v", err)
		}
	})
}
