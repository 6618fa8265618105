package harness

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/rundir"
	"perg/harness/sizing"
	"perg/harness/tables"
	"perg/models"
)

// hang keeps a request until its connection ends.
func hang(a asked) { <-a.request.Context().Done() }

// atChat has something happen at the n-th chat.
func atChat(n int, do func()) func(http.ResponseWriter, asked) bool {
	return func(_ http.ResponseWriter, a asked) bool {
		if a.kind == chat && a.n == n {
			do()
		}
		return false
	}
}

// The only host that has a candidate dies, while another one has the judge: the
// run ends, what was answered is rated, and the rest is missing. It waited for
// ever.
func TestTheOnlyHostOfACandidateDiesBesideAJudge(t *testing.T) {
	first, second := newStandIn(t, "a:latest", "judge:latest"), newStandIn(t, "judge:latest")
	first.tamper = atChat(30, func() { go first.down() })
	first.takes = 5 * time.Millisecond
	p := judgedPlan(t, 20, variant("a:latest"))
	r, _ := testRun(t, p, first.client)
	on(r, fleet.LocationsOf(map[string]map[string]bool{
		first.client.Host():  {"a:latest digest of a:latest": true, "judge:latest digest of judge:latest": true},
		second.client.Host(): {"judge:latest digest of judge:latest": true},
	}), first.client, second.client)
	result, err := r.Execute(t.Context())
	if !errors.Is(err, engine.ErrUndone) || result.Failed > 0 || result.Missing == 0 || result.OK < 20 || !result.Written {
		t.Errorf("result %+v, error %v", result.Counts, err)
	}
	if result.Rated == 0 || result.Unjudged > 0 {
		t.Errorf("%d are rated, %d not", result.Rated, result.Unjudged)
	}
}

// A server that restarts in a moment costs nothing, though its call, or its load,
// had taken longer than the patience by then.
func TestAServerThatRestartsDuringALongCall(t *testing.T) {
	for at, away := range map[kind]time.Duration{
		chat: 50 * time.Millisecond,
		load: 700 * time.Millisecond, // it is made again half a second after it was cut
	} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, "a:latest")
			if at == chat {
				s.takes = 900 * time.Millisecond
			} else {
				s.loading = 900 * time.Millisecond
			}
			s.client.Patience = 600 * time.Millisecond
			var once sync.Once
			s.tamper = func(_ http.ResponseWriter, a asked) bool {
				if a.kind == at {
					once.Do(func() {
						time.AfterFunc(800*time.Millisecond, func() {
							s.down()
							time.Sleep(away)
							s.up()
						})
					})
				}
				return false
			}
			p := testPlan(t, 1, variant("a:latest"))
			r, warnings := testRun(t, p, s.client)
			r.Config.Parallel = "4"
			result, err := r.Execute(t.Context())
			mustComplete(t, p, result, err)
			if s.number(at) < 2 || len(*warnings) > 0 {
				t.Errorf("%d requests, warnings %q", s.number(at), *warnings)
			}
		})
	}
}

// A suggesting pass goes on where one of its hosts dies, as a run does: all items
// are read. It ended with the host.
func TestSuggestingGoesOnWithoutAHost(t *testing.T) {
	well, dies := newStandIn(t, "a:latest"), newStandIn(t, "a:latest")
	well.takes, dies.takes = 10*time.Millisecond, 10*time.Millisecond
	dies.tamper = atChat(6, func() { go dies.down() })
	p := testPlan(t, 60, variant("a:latest"))
	p.Sizes.Prompt = sizing.Tokens{All: 50000, Read: 50000} // so that both are worth their load
	r, _ := testRun(t, p, well.client)
	on(r, nil, well.client, dies.client)
	g := &Suggesting{Config: r.Config, Dataset: p.Task.Dataset, Store: r.Store, Fleet: r.Fleet, Say: func(string) {}, Warn: func(string) {}}
	if err := g.work(t.Context(), p); err != nil {
		t.Error(err)
	}
	found, err := p.evaluator(tables.Recorded(r.Store)).Suggestions(t.Context(), p.Variants[0])
	if err != nil || found.Read != 60 {
		t.Errorf("%+v, error %v", found, err)
	}
	if dies.number(chat) < 6 {
		t.Error("the other host never died")
	}
}

// A host that takes calls and answers none of them, be it that all of it hangs
// or only its model, is left: the other one makes its calls. Each was in error.
func TestAHostThatHangsIsLeft(t *testing.T) {
	for name, all := range map[string]bool{"all of it": true, "its chats": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			well, hangs := newStandIn(t, "a:latest", "b:latest"), newStandIn(t, "a:latest", "b:latest")
			well.takes, hangs.takes = 10*time.Millisecond, 10*time.Millisecond
			hangs.client.CallTimeout = 500 * time.Millisecond
			if all {
				hangs.client.CallTimeout = 0
			}
			hangs.tamper = func(_ http.ResponseWriter, a asked) bool {
				if (all || a.kind == chat || a.kind == count) && hangs.number(chat) > 5 {
					hang(a)
					return true
				}
				return false
			}
			p := testPlan(t, 30, variant("a:latest"), variant("b:latest"))
			r, warnings := testRun(t, p, well.client)
			on(r, nil, hangs.client, well.client)
			began := time.Now()
			result, err := r.Execute(t.Context())
			mustComplete(t, p, result, err)
			if told := strings.Join(*warnings, "\n"); !strings.Contains(told, "goes on without "+hangs.client.Host()) || time.Since(began) > 25*time.Second {
				t.Errorf("after %v, warnings %s", time.Since(began), told)
			}
		})
	}
}

// A server that lets nobody in ends a run before it begins, with what to do; one
// that does so in the middle is its lane's trouble, and no row's.
func TestAServerThatDeniesAccess(t *testing.T) {
	for _, status := range []int{401, 403} {
		s := newStandIn(t, "a:latest")
		s.tamper = func(w http.ResponseWriter, a asked) bool { page(w, status); return true }
		_, _, err := prepared(t, 1, rundir.Defaults(), s)
		var problem *hint.Error
		if !errors.Is(err, models.ErrDenied) || !errors.As(err, &problem) || !strings.Contains(problem.Hint, "http://USER:PASSWORD@HOST") {
			t.Errorf("%d: %v", status, err)
		}
	}

	well, denies := newStandIn(t, "a:latest"), newStandIn(t, "a:latest")
	well.takes, denies.takes = 10*time.Millisecond, 10*time.Millisecond
	denies.tamper = func(w http.ResponseWriter, a asked) bool {
		if denies.number(chat) > 5 {
			page(w, 401)
			return true
		}
		return false
	}
	p := testPlan(t, 30, variant("a:latest"))
	p.Sizes.Prompt = sizing.Tokens{All: 50000, Read: 50000}
	r, warnings := testRun(t, p, well.client)
	on(r, nil, denies.client, well.client)
	result, err := r.Execute(t.Context())
	mustComplete(t, p, result, err)
	if told := strings.Join(*warnings, "\n"); !strings.Contains(told, "access denied") {
		t.Errorf("warnings %s", told)
	}

	denies.n = make(map[kind]int)
	r, _ = testRun(t, p, denies.client)
	result, err = r.Execute(t.Context())
	if !errors.Is(err, engine.ErrUndone) || !errors.Is(err, models.ErrDenied) || result.Failed > 0 || result.Missing == 0 {
		t.Errorf("alone: result %+v, error %v", result.Counts, err)
	}
}
