package engine

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// A fault is something that goes wrong: it begins, and may end.
type fault struct {
	name  string
	begin func(w *world, s *site, r *rand.Rand)
	end   func(w *world, s *site)
}

// ill is a fault that sets something on a site, for a while.
func ill(name string, set func(*ills, bool)) fault {
	return fault{name,
		func(w *world, s *site, r *rand.Rand) { w.change(s, name, func(i *ills) { set(i, true) }) },
		func(w *world, s *site) { w.change(s, "no more: "+name, func(i *ills) { set(i, false) }) },
	}
}

var faults = []fault{
	ill("dies", func(i *ills, on bool) { i.down = on }),
	ill("hangs", func(i *ills, on bool) { i.hung = on }),
	ill("its proxy fails", func(i *ills, on bool) { i.proxied = on }),
	ill("starts no server", func(i *ills, on bool) { i.refuses = on }),
	ill("loads nothing", func(i *ills, on bool) { i.badLoads = on }),
	ill("every call crashes", func(i *ills, on bool) { i.badCalls = on }),
	ill("/api/ps fails", func(i *ills, on bool) { i.badList = on }),
	ill("unloads do not return", func(i *ills, on bool) { i.stuckUnload = on }),
	ill("memory in use is not known", func(i *ills, on bool) { i.blind = on }),
	ill("memory in use is asked for in vain", func(i *ills, on bool) { i.deaf = on }),
	{"slow",
		func(w *world, s *site, r *rand.Rand) {
			slow := 2 + 10*r.Float64()
			w.change(s, fmt.Sprintf("is %.1f times slower", slow), func(i *ills) { i.slow = slow })
		},
		func(w *world, s *site) { w.change(s, "is as fast as ever", func(i *ills) { i.slow = 0 }) },
	},
	{"foreign memory",
		func(w *world, s *site, r *rand.Rand) {
			share := r.Float64()
			w.change(s, "another program takes memory", func(i *ills) { i.foreign = uint64(share * float64(s.free())) })
		},
		func(w *world, s *site) {
			w.change(s, "the other program's memory is free", func(i *ills) { i.foreign = 0 })
		},
	},
	{"crash", func(w *world, s *site, r *rand.Rand) { w.crashes(s.id) }, nil},
	{"another client unloads", func(w *world, s *site, r *rand.Rand) { w.loses(s.id) }, nil},
	{"remade tag", func(w *world, s *site, r *rand.Rand) {
		if s.memory == 0 {
			w.remakes(s.id, one(r, w.jobs()...).model)
			return
		}
		m := one(r, w.jobs()...).model // the GPUs of a machine have one store
		for _, s := range w.sites {
			if s.memory > 0 {
				w.remakes(s.id, m)
			}
		}
	}, nil},
	{"full disk", func(w *world, s *site, r *rand.Rand) {
		w.tell("the disk is full")
		w.replies.fails(errFull)
	}, nil},
	{"the machine sleeps", func(w *world, s *site, r *rand.Rand) { w.sleeps(time.Hour) }, nil},
}

// sleeps has nothing run for a while in which time goes on.
func (w *world) sleeps(d time.Duration) {
	turn := func(what string, by int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tell("the machine %s", what)
		w.asleep += by
		for _, s := range w.sites {
			s.illAt, s.dirty = time.Now(), true
		}
		w.awake()
	}
	turn("sleeps", 1)
	time.AfterFunc(d, func() { turn("wakes up", -1) })
}

// randomFaults plans what will go wrong, and when.
func (w *world) randomFaults(r *rand.Rand) {
	horizon := w.horizon()
	for n := one(r, 0, 1, 1, 2, 2, 3, 4, 6); n > 0; n-- {
		f := one(r, faults...)
		s := one(r, w.sites...)
		at := time.Duration(r.Float64() * float64(horizon))
		lasts := one(r, time.Duration(0), between(r, 200*time.Millisecond, 3*time.Second), between(r, 3*time.Second, time.Minute), between(r, time.Minute, 10*time.Minute), between(r, 10*time.Minute, 2*time.Hour))
		w.count("fault: " + f.name)
		text := fmt.Sprintf("%s %s at %v", s.id, f.name, at)
		if f.end != nil {
			text += fmt.Sprintf(" for %v (0: for good)", lasts)
		}
		w.faults = append(w.faults, text)
		dice := rand.New(rand.NewPCG(r.Uint64(), 0))
		w.after(at, func() {
			if w.over() {
				return
			}
			f.begin(w, s, dice)
			if f.end != nil && lasts > 0 {
				w.after(lasts, func() {
					if !w.over() {
						f.end(w, s)
					}
				})
			}
		})
	}
}

// randomStop plans that the user stops the run.
func (w *world) randomStop(r *rand.Rand) {
	horizon := w.horizon()
	switch at := time.Duration(r.Float64() * float64(horizon)); r.IntN(8) {
	case 0, 1:
		w.faults = append(w.faults, fmt.Sprintf("Ctrl-C at %v", at))
		w.after(at, func() { w.interrupt() })
	case 2:
		again := between(r, 0, 10*time.Second)
		w.faults = append(w.faults, fmt.Sprintf("Ctrl-C at %v, and again after %v", at, again))
		w.after(at, func() {
			w.interrupt()
			w.after(again, func() {
				if !w.over() {
					w.count("killed")
					w.kill()
				}
			})
		})
	}
}

// horizon is about how long a world's work takes where nothing goes wrong.
func (w *world) horizon() time.Duration {
	sum := 20 * time.Second
	for _, j := range w.jobs() {
		sum += 10*time.Second + time.Duration(len(j.units))*j.model.call/2
	}
	return sum / time.Duration(len(w.sites))
}

// heal ends what is wrong, for good.
func (w *world) heal() {
	w.mu.Lock()
	w.finished = true
	w.mu.Unlock()
	for _, m := range w.machines {
		w.mu.Lock()
		m.outage, m.comes = m.outage+1, 0
		w.mu.Unlock()
		w.cuts(m, false, false)
	}
	for _, s := range w.sites {
		spills := s.spills
		w.change(s, "is well", func(i *ills) { *i = ills{spills: spills} })
		w.mu.Lock()
		clear(s.tags)
		s.dirty = false
		w.mu.Unlock()
	}
}

func (w *world) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.finished
}

// interrupt is Ctrl-C.
func (w *world) interrupt() {
	if w.over() {
		return
	}
	w.count("interrupted")
	w.tell("Ctrl-C")
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended && !w.interrupted {
		w.interrupted, w.stoppedAt, w.paid = true, time.Now(), w.inFlightNow()
	}
	w.stop()
}
