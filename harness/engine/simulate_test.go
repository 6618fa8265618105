package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"perg/harness/schedule"
)

var (
	seeds = flag.Int("seeds", 3000, "how many random worlds TestSimulate makes")
	from  = flag.Uint64("from", 0, "the first seed of TestSimulate")
	tells = flag.Bool("story", false, "tell the story of each seed, also where nothing is wrong")
)

// Random worlds, with random faults, in virtual time. Whatever goes wrong in
// them, the invariants hold that are checked here and as the fakes are used.
func TestSimulate(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	began := time.Now()
	var next atomic.Uint64
	next.Store(*from)
	var mu sync.Mutex
	counts := make(map[string]int)
	ran, failing := 0, 0
	t.Run("worlds", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for {
					seed := next.Add(1) - 1
					if seed >= *from+uint64(*seeds) {
						return
					}
					w := simulated(t, seed)
					mu.Lock()
					ran++
					for what := range w.counts {
						counts[what]++
					}
					if bad := w.violations(); len(bad) > 0 || *tells {
						if len(bad) > 0 {
							failing++
							t.Errorf("seed %d: %s", seed, bad[0])
						}
						if failing <= mostStories || *tells {
							w.report(os.Stdout, seed)
						}
					}
					mu.Unlock()
				}
			})
		}
	})
	took := time.Since(began)
	t.Logf("%d seeds from %d in %v, %.0f a second; %d failed", ran, *from, took.Round(time.Millisecond), float64(ran)/took.Seconds(), failing)
	if ran != *seeds {
		t.Errorf("%d seeds of %d were run", ran, *seeds)
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d worlds: %s", counts[what], what)
	}
}

// mostStories bounds those that are told of failing seeds.
const mostStories = 5

// report tells all of a world.
func (w *world) report(out io.Writer, seed uint64) {
	fmt.Fprintf(out, "seed %d:\n", seed)
	for _, v := range w.violations() {
		fmt.Fprintln(out, "  "+v)
	}
	fmt.Fprintln(out, "the world:")
	w.describe(out)
	fmt.Fprintln(out, "its story:")
	w.print(out)
	fmt.Fprintln(out)
}

// simulated is the world of a seed after its end.
func simulated(t *testing.T, seed uint64) (w *world) {
	stuck := time.AfterFunc(2*time.Minute, func() {
		fmt.Printf("seed %d does not end in real time\n", seed)
		pprof.Lookup("goroutine").WriteTo(os.Stdout, 1)
		os.Exit(1)
	})
	defer stuck.Stop()
	defer func() {
		if p := recover(); p != nil {
			if w == nil {
				panic(p)
			}
			w.wrong("something is left at the end: %v\n%s", p, stacks())
		}
	}()
	synctest.Test(t, func(*testing.T) {
		w = randomWorld(seed)
		w.simulate()
	})
	return w
}

// stacks are those of all goroutines in bubbles.
func stacks() string {
	var b bytes.Buffer
	all := make([]byte, 4<<20)
	for _, g := range strings.Split(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if strings.Contains(g, "synctest bubble") {
			b.WriteString(g + "\n\n")
		}
	}
	return b.String()
}

// simulate runs the jobs of a world with its faults, and then, with nothing
// wrong any more, what is left.
func (w *world) simulate() {
	err := w.runWithin(w.bound())
	w.checkEnd(err)
	w.mu.Lock()
	if w.killed {
		w.replies = w.replies.survivors()
		w.killed = false
	}
	w.mu.Unlock()
	w.replies.fails(nil)
	w.heal()
	w.mu.Lock()
	waits := w.asleep > 0 || slices.ContainsFunc(w.sites, func(s *site) bool { return s.machine == nil })
	w.mu.Unlock()
	if waits {
		time.Sleep(time.Hour) // what was ending has ended, and who sleeps is awake
	} else {
		time.Sleep(between(w.dice.of("again"), 0, 30*time.Second)) // others go on with what they have
	}
	w.tell("the same command again, with nothing wrong any more")
	w.mu.Lock()
	w.interrupted = false
	w.mu.Unlock()
	w.forget()
	err = w.runWithin(w.bound())
	w.checkEnd(err)
	w.checkWhole(err)
	w.checkPaidOnce()
	if len(w.machines) > 0 {
		time.Sleep(time.Hour) // what clings to those that left has failed
	}
}

// bound is how long a run may take, in virtual time.
func (w *world) bound() time.Duration {
	sum := 24 * time.Hour
	for _, j := range w.jobs() {
		sum += time.Duration(len(j.units)*4) * j.model.call * 15
	}
	for _, p := range w.poisons {
		if p == neverAnswers {
			sum += 8 * callLimit
		}
	}
	return sum
}

// runWithin is run, stopped where it does not end.
func (w *world) runWithin(limit time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- w.run(context.Background()) }()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
	}
	w.wrong("the run has not ended after %v:\n%s", limit, stacks())
	w.mu.Lock()
	w.stop()
	w.mu.Unlock()
	select {
	case err := <-done:
		return err
	case <-time.After(limit):
		w.wrong("nor after it was stopped")
		return nil
	}
}

// checkEnd checks what has to hold however a run ended.
func (w *world) checkEnd(err error) {
	w.mu.Lock()
	interrupted, killed := w.interrupted, w.killed
	w.mu.Unlock()
	whole := false
	switch {
	case err == nil:
		whole = true
	case errors.Is(err, ErrUndone):
		w.count("undone")
	case killed && (errors.Is(err, errKilled) || errors.Is(err, context.Canceled)):
	case interrupted && errors.Is(err, context.Canceled):
	case errors.Is(err, errFull):
	default:
		w.wrong("the run ends with %v", err)
	}
	for _, j := range w.jobs() {
		done, failed := j.outcomes()
		if failed > 0 {
			w.count("units in error")
		}
		if whole && done != len(j.units) {
			w.wrong("%s: %d of %d units have an outcome", j.ID, done, len(j.units))
		}
		if errors.Is(err, ErrUndone) && done != len(j.units) && !strings.Contains(err.Error(), j.ID) && j.Kind == schedule.Generate {
			w.wrong("%s: %d of %d units have an outcome, and the error does not name it", j.ID, done, len(j.units))
		}
	}
	if whole {
		for _, s := range w.engine.Status().Jobs {
			if s.Done != s.Total {
				w.wrong("%s: the status says %d of %d", s.ID, s.Done, s.Total)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if interrupted {
		w.checkPaid()
	}
	if interrupted && !killed && w.stopped > w.mayStop() {
		w.wrong("after Ctrl-C the run went on for %v", w.stopped)
	}
	if len(w.open) > 0 {
		w.wrong("%d servers are left open", len(w.open))
	}
}

// mayStop is how long a run may go on after Ctrl-C: until the calls in flight
// have come back, and been vouched for.
func (w *world) mayStop() time.Duration {
	may := 20 * time.Second
	for _, m := range w.models {
		load := time.Duration(float64(time.Second) * float64(m.planned(16, m.Contexts[0])) * m.bigger / drive)
		slots := cmp.Or(m.most, 16)
		call := time.Duration(2 * float64(m.call) * m.slowed(slots, 4*slots)) // beside all that share its site
		may = max(may, 12*(call+load)+20*time.Second)
	}
	if len(w.machines) > 0 {
		may += 25 * time.Second // until one that is lost is found out
	}
	for _, f := range w.faults {
		if strings.Contains(f, "hangs") || strings.Contains(f, "sleeps") {
			return callLimit + may
		}
	}
	for _, p := range w.poisons {
		if p == neverAnswers {
			return callLimit + may
		}
	}
	return may
}

// checkUndone checks, as a job ends that is not done, that it could be done on
// no site that is well, as far as the engine can know.
func (w *world) checkUndone(j *fakeJob) {
	done, _ := j.outcomes()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(j.of) > 0 || done == len(j.units) || w.interrupted || w.killed {
		return
	}
	if !slices.ContainsFunc(w.sites, func(s *site) bool { return s.failed > 0 || s.sick() || s.away() }) && w.fits(j) {
		w.wrong("%s is left undone, and nothing failed anywhere", j.ID)
	}
	for _, s := range w.sites {
		tried := w.tried(j.model, s.id)
		well := s.failed < laneTries && tried.failed == 0 && !tried.final && s.tags[j.model.Name] == ""
		switch m := s.machine; {
		case !well || j.alike || j.Fit([]schedule.Device{s.device()}).Short > 0:
		case m == nil || m.there:
			w.wrong("%s is left undone, and %s is well", j.ID, s.id)
		case time.Since(m.since) < w.patience || time.Since(w.runBegan) < w.patience:
			w.wrong("%s is left undone, and %s may come yet", j.ID, s.id)
		}
	}
}

// fits says whether a job fits on the world's sites.
func (w *world) fits(j *fakeJob) bool {
	var devices []schedule.Device
	for _, s := range w.sites {
		devices = append(devices, s.device())
	}
	return schedule.Fits(devices, schedule.Job{ID: j.ID, Kind: j.Kind, Fit: j.Fit})
}

// checkWhole checks that a run with nothing wrong leaves what one that was
// never disturbed would have left.
func (w *world) checkWhole(err error) {
	uncertain := make(map[*fakeModel]bool) // what becomes of it depends on order
	for text, p := range w.poisons {
		if p == killsServer {
			for _, j := range w.jobs() {
				if strings.HasPrefix(text, j.model.Label) {
					uncertain[j.model] = true
				}
			}
		}
	}
	for _, j := range w.jobs() {
		if j.model.bigger > 1 {
			uncertain[j.model] = true
		}
		certain := !uncertain[j.model] && w.fits(j) && !slices.ContainsFunc(j.of, func(g *fakeJob) bool { return uncertain[g.model] })
		done, _ := j.outcomes()
		if certain && len(j.of) == 0 && done != len(j.units) {
			w.wrong("%s: %d of %d units are done at last: %v", j.ID, done, len(j.units), err)
		}
		for u := range j.units {
			if j.done[u] > 0 && certain && j.failed[u] != w.bad(j, u) {
				w.wrong("%s: unit %d failed at last: %v, and should: %v", j.ID, u, j.failed[u], w.bad(j, u))
			}
		}
	}
}

// bad says whether a unit fails wherever it is done.
func (w *world) bad(j *fakeJob, u int) bool {
	for _, text := range j.units[u].texts {
		if w.poisons[text] != harmless {
			return true
		}
	}
	if len(j.of) == 0 {
		return false
	}
	g, of := j.rated(Unit(u))
	base := g.units[of].base
	return w.bad(g, int(of)) || base >= 0 && w.bad(g, base)
}
