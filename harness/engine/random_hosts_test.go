package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// randomMachines adds machines that join the run, early or late, and may have it
// have no GPUs of its own.
func (w *world) randomMachines(r *rand.Rand) {
	if !chance(r, 0.3) {
		return
	}
	if chance(r, 0.4) {
		w.sites = nil
	}
	equal := one(r, 8, 16, 24, 48)
	for n := range 1 + r.IntN(4) {
		var sizes []int
		for range few(r, 4) {
			sizes = append(sizes, one(r, equal, equal, 8, 12, 24, 80))
		}
		m := w.machine(fmt.Sprintf("m%d", n), sizes...)
		m.way = one(r, 0, time.Millisecond, 10*time.Millisecond, 50*time.Millisecond)
		m.ahead = one(r, 0, 1, 1, 2)
		m.comes = one(r, 0, 0, between(r, 0, time.Minute), between(r, 0, 5*time.Minute))
		m.clings = one(r, 0, time.Second, 10*time.Minute)
	}
}

// A trouble of the network begins, is found by the controller after a while, and
// ends perhaps before that.
type outage struct {
	name       string
	deaf, mute bool
	kills      bool // the machine's servers, too
	told       bool // it says that it leaves
}

var outages = []outage{
	{name: "is cut off", deaf: true, mute: true},
	{name: "hears nothing", deaf: true},
	{name: "is not heard", mute: true},
	{name: "is killed", kills: true},
	{name: "says that it leaves", told: true},
}

// randomOutages plans what goes wrong between the machines.
func (w *world) randomOutages(r *rand.Rand) {
	if len(w.machines) == 0 {
		return
	}
	horizon := w.horizon()
	for n := one(r, 0, 1, 1, 2, 3, 5, 8); n > 0; n-- {
		o, m := one(r, outages...), one(r, w.machines...)
		at := time.Duration(r.Float64() * float64(horizon))
		found := between(r, 5*time.Second, 20*time.Second)
		lasts := one(r, between(r, time.Second, 20*time.Second), between(r, time.Second, time.Minute), between(r, time.Minute, 10*time.Minute))
		forgets := chance(r, 0.5)
		w.count("outage: " + o.name)
		w.faults = append(w.faults, fmt.Sprintf("%s%s %s at %v for %v, found after %v", outageOf, m.name, o.name, at, lasts, found))
		w.after(at, func() { w.out(m, o, found, lasts, forgets) })
	}
}

// outageOf begins those of the faults that are between machines.
const outageOf = "the network: "

// out is an outage of a machine.
func (w *world) out(m *machine, o outage, found, lasts time.Duration, forgets bool) {
	if w.over() {
		return
	}
	w.mu.Lock()
	m.outage++
	this := m.outage
	w.mu.Unlock()
	still := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return m.outage == this
	}
	switch {
	case o.kills:
		w.killMachine(m)
	case o.told:
		w.leaves(m, errors.New(m.name+" says good-bye"))
	default:
		w.cuts(m, o.deaf, o.mute)
	}
	w.after(found, func() {
		if still() && found < lasts {
			w.leaves(m, errSilent)
		}
	})
	w.after(lasts, func() {
		if !still() || w.over() {
			return
		}
		if o.kills {
			w.leaves(m, errors.New(m.name+" began anew"))
		}
		w.cuts(m, false, false)
		if forgets {
			w.mu.Lock()
			for _, p := range m.orphans {
				p.endForGood("its machine forgot it")
			}
			m.orphans = nil
			w.mu.Unlock()
		}
		w.joins(m)
	})
}

// checkPaidOnce checks that nothing was answered more often than once, and once more
// for each time that it was asked of a machine that was lost.
func (w *world) checkPaidOnce() {
	w.mu.Lock()
	defer w.mu.Unlock()
	harmless := func(fault string) bool {
		return strings.HasPrefix(fault, outageOf) || strings.HasPrefix(fault, "the user:") || strings.HasPrefix(fault, "Ctrl-C")
	}
	if len(w.machines) == 0 || len(w.poisons) > 0 || w.twins || w.counted("killed") > 0 || slices.ContainsFunc(w.faults, func(f string) bool { return !harmless(f) }) {
		return
	}
	for _, j := range w.jobs() {
		if j.model.bigger > 1 {
			return // its answers are dropped as it spills
		}
	}
	w.count("what is paid is counted")
	for _, q := range w.questions {
		if q.worked > 1+q.excused {
			w.wrong("%s is answered %d times, and was lost %d times", q.text, q.worked, q.excused)
		}
		if q.worked > 1 {
			w.count("something is paid twice")
		}
	}
}
