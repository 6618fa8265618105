package engine

import (
	"fmt"
	"slices"
	"time"

	"perg/models"
)

// drive is how fast a model is read, in bytes a second.
const drive = 2 << 30

// load begins to load a model. It goes on whoever waits for it.
func (p *process) load(m *fakeModel, digest string, numCtx int) *runner {
	w := p.world
	planned := m.planned(p.slots, numCtx)
	run := &runner{
		process: p, model: m, digest: digest, numCtx: numCtx, size: uint64(float64(planned) * m.bigger),
		slots: make(chan struct{}, p.slots), loaded: make(chan struct{}), gone: make(chan struct{}),
	}
	w.tell("%s: loads %s, %.1f GiB, context %d", p.name, m.Label, float64(run.size)/gib, numCtx)
	w.count("loads")
	w.loadsAgain(p, m)
	p.runners = append(p.runners, run)
	fault := p.allocate(run, planned)
	took := time.Duration(float64(time.Second)*(0.5+float64(run.size)/drive)*p.slow()) + time.Duration(w.dice.of("load", p.name, m.Label, clock(time.Since(w.began))).IntN(1e6))
	if fault == nil && p.any(func(s *site) bool { return s.badLoads }) {
		fault = &models.ServerError{Status: 500, Message: "CUDA error: uncorrectable ECC error encountered"}
	}
	if fault != nil {
		took = time.Second
	}
	dead := p.dead
	go func() {
		r := &request{p, w.background, dead}
		err := r.takes(took, run.gone)
		w.mu.Lock()
		defer w.mu.Unlock()
		run.err = err
		if run.err == nil {
			run.err = fault
		}
		if run.err != nil {
			run.end(run.err.Error(), "")
		}
		close(run.loaded)
	}()
	return run
}

// allocate takes the memory of a model, as much as there is.
func (p *process) allocate(run *runner, planned uint64) error {
	w := p.world
	run.vram = run.size
	if !p.own {
		return nil // a named host's memory is its own affair
	}
	n := uint64(len(p.sites))
	var over uint64
	for _, s := range p.sites {
		var all uint64
		for _, bytes := range s.planned {
			all += bytes
		}
		if s.planned[run] = planned / n; all+planned/n > s.memory+n && !p.any(func(s *site) bool { return s.dirty }) {
			w.wrong("%s is over-committed: %s needs %.2f GiB there beside %.2f GiB, of %.2f", s.id, run.model.Label, float64(planned/n)/gib, float64(all)/gib, float64(s.memory)/gib)
		}
		want := run.size / n
		got := min(want, s.free())
		s.held[run] = got
		s.planned[run] = min(s.planned[run], got)
		over += want - got
	}
	if over == 0 {
		return nil
	}
	w.count("loads that did not fit")
	run.vram = run.size - over
	if p.slots == 1 && run.numCtx == slices.Min(run.model.Contexts) && (!w.allowCPU || !p.any(func(s *site) bool { return s.spills })) {
		w.tried(run.model, setName(p.sites)).failed++
	}
	if p.any(func(s *site) bool { return s.spills }) {
		w.tell("%s: %.1f GiB of %s are spilled", p.name, float64(over)/gib, run.model.Label)
		return nil
	}
	return fmt.Errorf("%w: %.1f GiB are missing on %s", models.ErrMemory, float64(over)/gib, p.name)
}

// end takes a model out of memory. What held it comes back a little later where
// it was asked for, and at once where it died.
func (run *runner) end(why, killer string) {
	p := run.process
	i := slices.Index(p.runners, run)
	if i < 0 {
		return
	}
	p.runners = slices.Delete(p.runners, i, i+1)
	run.why, run.killer = why, killer
	close(run.gone)
	run.forget()
}

// forget gives its memory back.
func (run *runner) forget() {
	for _, s := range run.process.sites {
		delete(s.held, run)
		delete(s.planned, run)
	}
}

// release is the end of a request: what waits for the last one goes.
func (run *runner) release() {
	w := run.process.world
	w.mu.Lock()
	defer w.mu.Unlock()
	switch run.busy--; {
	case run.busy > 0:
	case run.ousted:
		run.end(ousted, "")
	case run.leaving:
		run.unload()
	}
}

// unload is an orderly end: /api/ps lists the model no more a moment before its
// memory is back.
func (run *runner) unload() {
	p, w := run.process, run.process.world
	i := slices.Index(p.runners, run)
	if i < 0 {
		return
	}
	w.tell("%s: unloads %s", p.name, run.model.Label)
	p.runners = slices.Delete(p.runners, i, i+1)
	run.why = "it was unloaded"
	close(run.gone)
	p.leaving = append(p.leaving, run)
	w.occupy(p.sites, 1)
	time.AfterFunc(between(w.dice.of("unload", p.name, clock(time.Since(w.began))), 0, 3*time.Second), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		run.forget()
		w.occupy(p.sites, -1)
	})
}
