package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A fakeFleet opens servers on a world's sites.
type fakeFleet struct{ *world }

func (f fakeFleet) Open(ctx context.Context, lane string, devices []string, s ServerConfig) (Server, error) {
	w := f.world
	w.mu.Lock()
	if !w.step() {
		w.giveUp()
	}
	sites := w.sitesOf(devices)
	w.mu.Unlock()
	m := sites[0].machine
	if slices.ContainsFunc(sites, func(s *site) bool { return s.machine != m }) {
		w.wrong("%s spans machines: %v", lane, devices)
	}
	if m != nil {
		return m.open(ctx, f, lane, sites, s)
	}
	p, err := f.open(ctx, lane, sites, s)
	if err != nil {
		return nil, err
	}
	return &fakeServer{p}, nil
}

// open gives the server of a named host, or starts one.
func (f fakeFleet) open(ctx context.Context, lane string, sites []*site, s ServerConfig) (*process, error) {
	w := f.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := sites[0].process; p != nil {
		return p, nil
	}
	for _, p := range w.open {
		if p.name == lane || p.shares(sites) && len(p.sites)+len(sites) > 2 {
			w.wrong("%s is opened while %s is open", lane, p.name)
		}
	}
	if slices.ContainsFunc(w.open, func(p *process) bool { return p.shares(sites) && !strings.HasSuffix(p.name+lane, "-beside") }) {
		w.count("a further server on a card")
	}
	p := &process{world: w, name: lane, sites: sites, own: true, slots: max(1, s.Slots)}
	w.open = append(w.open, p)
	w.occupy(sites, 1)
	defer w.occupy(sites, -1)
	w.mu.Unlock()
	err := f.start(ctx, p)
	w.mu.Lock()
	if err != nil {
		w.tell("%s: no server starts: %v", lane, err)
		p.closed = true
		w.open = slices.DeleteFunc(w.open, func(o *process) bool { return o == p })
		if ctx.Err() == nil {
			w.fails(sites)
		}
		return nil, err
	}
	w.tell("%s: a server starts, %d slots, KV %s", lane, p.slots, s.KVCache)
	p.begin()
	return p, nil
}

// shares says whether a process is on one of some sites.
func (p *process) shares(sites []*site) bool {
	return slices.ContainsFunc(p.sites, func(s *site) bool { return slices.Contains(sites, s) })
}

// start takes a moment, and up to a minute where the site hangs.
func (f fakeFleet) start(ctx context.Context, p *process) error {
	w := f.world
	took := between(w.dice.of("start", p.name, clock(time.Since(w.began))), 300*time.Millisecond, 3*time.Second)
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	began := time.NewTimer(took)
	defer began.Stop()
	select {
	case <-began.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		w.mu.Lock()
		refused := w.killed || p.any(func(s *site) bool { return s.down || s.refuses })
		hung, changed := p.hung(), w.changed
		w.mu.Unlock()
		switch {
		case refused:
			return fmt.Errorf("ollama serve on %s: exit status 7", p.name)
		case !hung:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("ollama serve on %s: no answer within a minute", p.name)
		}
	}
}

func (f fakeFleet) Memory(ctx context.Context, devices []string) []Memory {
	w := f.world
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Memory
	for _, s := range w.sitesOf(devices) {
		switch {
		case s.memory == 0 || s.blind:
			return nil
		case s.deaf || s.hung || w.asleep > 0 || s.machine != nil && (s.machine.deaf || s.machine.mute || !s.machine.there):
			w.mu.Unlock()
			<-ctx.Done()
			w.mu.Lock()
			return nil
		}
		m := Memory{Used: s.used()}
		if s.foreign > 0 {
			m.Others = []string{"python on " + s.id}
		}
		all = append(all, m)
	}
	return all
}

func (f fakeFleet) ReadAhead(_ context.Context, m *Model) {
	f.world.tell("the files of %s are read", m.Label)
}

func (f fakeFleet) GPUs(devices []string) []string {
	if !f.step() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.giveUp()
	}
	var all []string
	for _, s := range f.sitesOf(devices) {
		if s.memory == 0 {
			return nil
		}
		all = append(all, "GPU-"+s.id)
	}
	return all
}

func (f fakeFleet) Class(devices []string) string {
	return f.site(devices[0]).class
}
