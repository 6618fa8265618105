package engine

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"perg/models"
)

// What else is in a GPU's memory, be it the fleet's own judge or another
// program, neither holds up a change of model nor fails a load. Both once cost
// ten seconds at each change, a false warning, and the next model where its
// KV type or slots were others.
func TestWhatElseIsInMemoryDoesNotHoldUpAChangeOfModel(t *testing.T) {
	for name, c := range map[string]struct {
		judge   bool
		foreign uint64
		change  func(b *fakeModel)
	}{
		"a resident judge":                        {judge: true},
		"a resident judge, another KV type":       {judge: true, change: func(b *fakeModel) { b.KVCache = models.KVQ8 }},
		"a resident judge, fewer slots":           {judge: true, change: func(b *fakeModel) { b.kv *= 4 }},
		"another program":                         {foreign: 2 * gib},
		"another program, another KV type":        {foreign: 2 * gib, change: func(b *fakeModel) { b.KVCache = models.KVQ8 }},
		"a resident judge and another program":    {judge: true, foreign: gib},
		"nothing else, another KV type and slots": {change: func(b *fakeModel) { b.KVCache = models.KVQ8; b.kv *= 4 }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.gpus(24)
				ma, mb := w.model("a", 12), w.model("b", 11)
				if c.change != nil {
					c.change(mb)
				}
				a, b := w.generates(ma, 120), w.generates(mb, 120)
				if c.judge {
					s := w.scores(w.model("judge", 2), 0, a, b)
					defer func() { w.mustDo(t, s, 240) }()
				}
				// It comes while the first model is at work, and stays.
				w.after(12*time.Second, func() {
					w.change(w.site("gpu0"), "another program comes", func(i *ills) { i.foreign = c.foreign })
				})
				w.mustRun(t)
				w.mustNotWarn(t)
				w.mustDo(t, a, 120)
				w.mustDo(t, b, 120)
				if c.judge && len(w.told("gpu0-beside: loads judge")) == 0 {
					t.Error("the judge is not resident: this is about nothing")
				}
				if took := w.tookTo("gpu0: unloads", "gpu0: loads"); took < 0 || took > goneWithin {
					t.Errorf("the change of model took %v", took)
				}
			})
		})
	}
}

// A load is told with the size that was planned for its slots: with other ones
// nothing was planned.
func TestALoadIsToldWithItsPlan(t *testing.T) {
	for name, c := range map[string]struct {
		bigger float64
		want   string
	}{
		"as planned":            {1, "gpu0: has a in memory, 16 slots, 20.0 GiB where the plan said 20.0"},
		"a little bigger":       {1.1, "gpu0: has a in memory, 16 slots, 22.0 GiB where the plan said 20.0"},
		"too big for all slots": {1.3, "gpu0: has a in memory, 8 slots, 23.4 GiB where the plan said 0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.gpus(24)
				m := w.model("a", 16)
				m.kv, m.Contexts, m.bigger = 256<<10, []int{1024}, c.bigger
				w.generates(m, 60)
				w.mustRun(t)
				if len(w.told(c.want)) == 0 {
					t.Errorf("told %v, want %q", w.told("has a in memory"), c.want)
				}
			})
		})
	}
}

// Where memory does not come back, because another program took it, the run
// goes on, and says which one it is.
func TestMemoryThatDoesNotComeBackIsAWarningThatNamesTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24)
		a, b := w.generates(w.model("a", 8), 60), w.generates(w.model("b", 7), 60)
		w.when("gpu0: unloads", func() {
			w.change(w.site("gpu0"), "another program comes", func(i *ills) { i.foreign = 5 * gib })
		})
		w.mustRun(t)
		w.mustDo(t, a, 60)
		w.mustDo(t, b, 60)
		if said := w.warnings("holds"); len(said) != 1 || !strings.Contains(said[0], "more than expected: python on gpu0") {
			t.Errorf("warnings %q", w.warnings(""))
		}
	})
}

// The lanes that follow a wide one all wait until its memory is back: one of
// two loaded into what was left, with half its slots for good, and warned.
func TestWhatFollowsAWideLaneWaitsUntilItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gpus(24, 24)
		for _, s := range w.sites {
			s.spills = true
		}
		wide := w.generates(w.model("wide", 40), 60)
		a, b := w.generates(w.model("a", 12), 60), w.generates(w.model("b", 12), 60)
		w.mustRun(t)
		w.mustNotWarn(t)
		w.mustDo(t, wide, 60)
		w.mustDo(t, a, 60)
		w.mustDo(t, b, 60)
		if n := w.counts["loads that did not fit"]; n > 0 || w.counts["loads"] != 3 {
			t.Errorf("%d loads, %d of which did not find their memory", w.counts["loads"], n)
		}
		for _, gpu := range []string{"gpu0", "gpu1"} {
			alone := func(m moment) bool { return strings.HasPrefix(m.text, gpu+": a server starts, 16 slots") }
			if started := w.told(": a server starts"); !slices.ContainsFunc(started, alone) {
				t.Errorf("no server with all slots on %s: %v", gpu, started)
			}
		}
	})
}

// A model that another client unloads, and that the next call brings back with
// part of it on the CPU, is seen: without --allow-cpu the lane is not used until
// it fits again. It went on on the CPU, unsaid.
func TestAModelThatComesBackPartlyOnTheCPUIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.gpus(24)
		w.site("gpu0").spills = true
		w.inFlight = 3
		a := w.generates(w.model("a", 18), 200)
		w.after(20*time.Second, func() {
			w.change(w.site("gpu0"), "another program comes", func(i *ills) { i.foreign = 12 * gib; i.spills = true })
			w.site("gpu0").dirty = true
			w.stops("gpu0")
		})
		w.after(3*time.Minute, func() { w.change(w.site("gpu0"), "it goes", func(i *ills) { i.foreign = 0 }) })
		w.mustRun(t)
		w.mustDo(t, a, 200)
		spilled := w.told("are spilled")
		if len(spilled) == 0 {
			t.Fatal("nothing was spilled: this is about nothing")
		}
		if said := w.warnings("python on gpu0"); len(said) == 0 {
			t.Errorf("it is not said who holds the memory: %q", w.warnings(""))
		}
		// On the CPU: those in flight that brought it back.
		asked, until := 0, spilled[0].at+w.tookTo("are spilled", "gpu0: unloads")
		for _, m := range w.told("is asked") {
			if m.at >= spilled[0].at && m.at < until {
				asked++
			}
		}
		if asked > w.inFlight {
			t.Errorf("%d calls were made with part of the model on the CPU; %d were in flight", asked, w.inFlight)
		}
	})
}

// A row says how much of its model was in GPU memory as it was answered, not as
// the model was first loaded. (Those in flight as it leaves may say either.)
func TestRowsCarryTheMemoryOfTheModelThatAnsweredThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := troubledWorld(t)
		w.gpus(24)
		w.site("gpu0").spills = true
		w.inFlight, w.allowCPU = 3, true
		a := w.generates(w.model("a", 18), 200)
		const lost = 30 * time.Second
		began := time.Now()
		w.after(lost, func() {
			w.change(w.site("gpu0"), "another program comes", func(i *ills) { i.foreign = 12 * gib; i.spills = true })
			w.site("gpu0").dirty = true
			w.stops("gpu0")
		})
		w.mustRun(t)
		w.mustDo(t, a, 200)
		spilled := w.told("are spilled")
		if len(spilled) == 0 {
			t.Fatal("nothing was spilled: this is about nothing")
		}
		whole, part := 0, 0
		for _, r := range w.replies.replies {
			at := r.StartedAt.Sub(began)
			before := at < spilled[0].at
			if all := *r.VRAM >= 18*gib; all != before && (at < lost-2*time.Second || at >= spilled[0].at) {
				t.Errorf("%s, asked at %v, says %.1f GiB were in GPU memory; part of it left at %v", r.Content, at, float64(*r.VRAM)/gib, spilled[0].at)
			}
			if before {
				whole++
			} else {
				part++
			}
		}
		if whole == 0 || part == 0 {
			t.Errorf("%d rows before, %d after", whole, part)
		}
	})
}
