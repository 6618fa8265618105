package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// sharing makes a world of one GPU on which each server of a model works on 4
// calls at once, and all of them together on so many.
func sharing(t *testing.T, card int) (*world, *fakeModel) {
	w := newWorld(t)
	w.gpus(80)
	m := w.model("m", 8)
	m.call, m.most, m.fills, m.card = time.Second, 4, 4, card
	return w, m
}

// allOn are the calls that a GPU worked on at once, on average over a run.
func (w *world) allOn(calls int, call time.Duration) float64 {
	return float64(calls) * call.Seconds() / w.took().Seconds()
}

// Where one server leaves a GPU half idle a second one is started, and they
// share the queue.
func TestTwoServersFillWhatOneDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := sharing(t, 8)
		j := w.generates(m, 4000)
		var last Load
		w.loadedTo = func(l Load) { last = l }
		w.mustRun(t)
		w.mustNotWarn(t)
		w.mustDo(t, j, 4000)
		if at := w.allOn(4000, m.call); at < 0.9*8 {
			t.Errorf("%.2f calls at once on average, of 8", at)
		}
		if n := len(w.told(": loads m")); n != 3 { // a third one brings nothing, and goes
			t.Errorf("%d loads, want 3", n)
		}
		if p := last.Pace; p == nil || p.InFlight != 4 || p.Servers != 2 || p.Gain < 1.9 || p.Gain > 2.1 {
			t.Errorf("measured %+v, want 2 servers of 4 that bring twice as much", last.Pace)
		}
	})
}

// What earlier runs found is where one begins: nothing is tried.
func TestServersThatAreKnownBeginTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := sharing(t, 8)
		m.servers, m.gain = 2, 2
		j := w.generates(m, 400)
		w.mustRun(t)
		w.mustNotWarn(t)
		w.mustDo(t, j, 400)
		if n := len(w.told(": loads m")); n != 2 {
			t.Errorf("%d loads, want 2", n)
		}
		if at := w.allOn(400, m.call); at < 0.75*8 {
			t.Errorf("%.2f calls at once on average with two loads in it, of 8", at)
		}
	})
}

// A server that brings nothing is ended, and no call is lost by that.
func TestAServerThatBringsNothingIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := sharing(t, 4)
		j := w.generates(m, 4000)
		w.mustRun(t)
		w.mustNotWarn(t)
		w.mustDo(t, j, 4000)
		if ended := w.told("gpu0-2: the server ends"); len(ended) != 1 || ended[0].at > w.took()/4 {
			t.Errorf("the second server ended at %v, of %v", ended, w.took())
		}
		if at := w.allOn(4000, m.call); at < 0.97*4 {
			t.Errorf("%.2f calls at once on average, of 4", at)
		}
	})
}

// Of variants that are short two are at work at once, each loaded once, where two
// servers fill the GPU: that is sooner than one after the other.
func TestTwoVariantsAtOnce(t *testing.T) {
	took := make(map[bool]time.Duration)
	for _, together := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w, m := sharing(t, 8)
			m.servers, m.gain = 2, 2
			other := w.model("n", 8)
			n := *m
			n.Model = other.Model
			*other = n
			a := w.generates(m, 80)
			b := w.generates(other, 80)
			if !together {
				w.stages = [][]*fakeJob{{a}, {b}}
			}
			w.mustRun(t)
			w.mustNotWarn(t)
			w.mustDo(t, a, 80)
			w.mustDo(t, b, 80)
			if loads := len(w.told(": loads ")); together && loads != 2 {
				t.Errorf("%d loads, want 2", loads)
			}
			took[together] = w.took()
		})
	}
	if took[true] >= took[false] {
		t.Errorf("two at once take %v, one after the other %v", took[true], took[false])
	}
}

// The next model is loaded while the one before it ends, where memory allows.
func TestTheNextModelIsLoadedBeforeTheLastOneEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := sharing(t, 4)
		m.servers, m.gain = 1, 1
		next := w.model("next", 8)
		next.most, next.servers = 4, 1
		a, b := w.generates(m, 100), w.generates(next, 100)
		w.mustRun(t)
		w.mustNotWarn(t)
		w.mustDo(t, a, 100)
		w.mustDo(t, b, 100)
		order := []string{m.Label, next.Label}
		if len(w.told("gpu0: loads m")) == 0 {
			order[0], order[1] = order[1], order[0]
		}
		ended, loaded := w.told("generate "+order[0]+" has ended"), w.told("gpu0-2: has "+order[1]+" in memory")
		if len(ended) == 0 || len(loaded) == 0 {
			t.Fatalf("ended %v, loaded %v", ended, loaded)
		}
		if gap, load := loaded[0].at-ended[0].at, w.tookTo("gpu0: loads", "gpu0: has"); gap > load {
			t.Errorf("the GPU is empty for %v between two models", gap)
		}
	})
}

// The files of a model that has to wait for all of a GPU are read before that is
// free.
func TestTheNextModelIsReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24)
		w.generates(w.model("large", 18), 300)
		w.generates(w.model("larger", 19), 300)
		w.mustRun(t)
		w.mustNotWarn(t)
		read, unloaded := w.told("the files of"), w.told(": unloads")
		if len(read) != 1 || len(unloaded) == 0 || read[0].at > unloaded[0].at {
			t.Errorf("read %v, the first model was unloaded at %v", read, unloaded)
		}
	})
}

// A server that does not fit beside another one is given up, and the others go
// on.
func TestAFurtherServerThatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := sharing(t, 8)
		w.site("gpu0").memory = 24 * gib
		j := w.generates(m, 600)
		w.when("gpu0: has m in memory", func() {
			w.change(w.site("gpu0"), "another program comes", func(i *ills) { i.foreign = 8 * gib })
		})
		w.mustRun(t)
		w.mustDo(t, j, 600)
		if said := w.warnings("goes on without gpu0-2"); len(said) != 1 {
			t.Errorf("warnings %q", w.warnings(""))
		}
	})
}

// Where there is no room for a further server none is waited for, and what is
// found is known.
func TestNoRoomForAFurtherServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := sharing(t, 8)
		w.site("gpu0").memory = 12 * gib
		w.generates(m, 1000)
		var last Load
		w.loadedTo = func(l Load) { last = l }
		w.mustRun(t)
		w.mustNotWarn(t)
		if last.InFlight != 4 || last.Pace == nil || last.Pace.Servers != 1 || last.Pace.Gain != 1 {
			t.Errorf("found %d in flight, %+v", last.InFlight, last.Pace)
		}
	})
}

// A GPU that fails ends all servers on it: that is one end, not two of the
// model's.
func TestTwoServersEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := sharing(t, 8)
		m.servers, m.gain = 2, 2
		j := w.generates(m, 400)
		w.when("gpu0-2: has m in memory", func() {
			w.faults = []string{"a crash"}
			w.after(10*time.Second, func() { w.crashes("gpu0") })
		})
		w.mustRun(t)
		w.mustDo(t, j, 400)
		if _, failed := j.outcomes(); failed > 0 {
			t.Errorf("%d units failed", failed)
		}
	})
}

// A user's number of calls in flight is kept: nothing else is tried.
func TestAFixedPaceTriesNoServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := sharing(t, 8)
		w.inFlight = 3
		j := w.generates(m, 300)
		w.mustRun(t)
		w.mustDo(t, j, 300)
		if n := len(w.told(": loads m")); n != 1 {
			t.Errorf("%d loads, want 1", n)
		}
	})
}

// What is left is estimated while jobs have two servers on a GPU, also where
// further ones wait.
func TestTimeLeftOfTwoServers(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			w, m := sharing(t, 6)
			m.servers, m.gain = 2, 1.5
			for i := range jobs {
				n := *m
				n.Model = w.model(string(rune('a'+i)), 8).Model
				w.models[n.Name] = &n
				w.generates(&n, 1200)
			}
			var at time.Time
			var left *time.Duration
			w.after(time.Minute, func() {
				w.mu.Lock()
				e := w.engine
				w.mu.Unlock()
				at, left = time.Now(), e.Status().Left
			})
			began := time.Now()
			w.mustRun(t)
			if left == nil {
				t.Fatal("nothing is estimated")
			}
			estimated, actual := at.Sub(began)+*left, time.Since(began)
			if r := estimated.Seconds() / actual.Seconds(); r < 0.8 || r > 1.25 {
				t.Errorf("%d jobs: a minute into it %v are estimated of %v", jobs, estimated, actual)
			}
		})
	}
}
