package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
)

const (
	// goneWithin is how long memory may take to come back after an unload, and
	// after it the work goes on.
	goneWithin = 10 * time.Second
	// mostSlack is what the driver may keep, or another program take meanwhile.
	mostSlack = 512 << 20
	// memoryWithin bounds one look at the devices' memory.
	memoryWithin = 2 * time.Second
	// unloadWithin bounds an unload: a server may never answer it.
	unloadWithin = 45 * time.Second
)

// Holdings are what the lanes have in memory.
type holdings struct {
	mu  sync.Mutex
	all map[*lane]holding
}

type holding struct {
	devices []string
	bytes   uint64 // 0: at a load
}

func (h *holdings) set(l *lane, devices []string, bytes uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = make(map[*lane]holding)
	}
	h.all[l] = holding{devices, bytes}
}

// shared says whether other lanes have, or are about to have, something on
// devices.
func (h *holdings) shared(l *lane, devices []string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for other, held := range h.all {
		if other != l && overlap(held.devices, devices) {
			return true
		}
	}
	return false
}

// besides are the bytes of other lanes on some devices; loading says whether
// some of these are at a load, so that what they have is not known.
func (h *holdings) besides(l *lane, devices []string) (bytes uint64, loading bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for other, held := range h.all {
		if other != l && overlap(held.devices, devices) {
			bytes += held.bytes
			loading = loading || held.bytes == 0
		}
	}
	return bytes, loading
}

// of are the bytes of a lane; 0 where it has none, or is at a load.
func (h *holdings) of(l *lane) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[l].bytes
}

func (h *holdings) drop(l *lane) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, l)
}

// memory is what is in use on devices, in all and by others than the fleet.
func (e *Engine) memory(ctx context.Context, devices []string) (used uint64, others []string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, memoryWithin)
	defer cancel()
	all := e.Fleet.Memory(ctx, devices)
	for _, m := range all {
		used += m.Used
		for _, o := range m.Others {
			if !slices.Contains(others, o) {
				others = append(others, o)
			}
		}
	}
	return used, others, len(all) > 0
}

// others names the programs that hold memory on the lane's devices.
func (l *lane) others(ctx context.Context) []string {
	_, others, _ := l.engine.memory(ctx, l.devices)
	return others
}

// unload takes what the lane loaded out of memory again, and waits until that
// memory is back: Ollama says that a model is gone a moment before it is. What
// others hold there is not waited for. It is false where the server did not do it.
func (l *lane) unload(ctx context.Context) bool {
	if l.inPlace == nil || l.server == nil {
		return true
	}
	e := l.engine
	before, _, known := e.memory(ctx, l.devices)
	besides, loading := e.holdings.besides(l, l.devices)
	name := l.inPlace.Name
	l.inPlace = nil
	within, cancel := context.WithTimeout(ctx, unloadWithin)
	defer cancel()
	if err := l.server.Unload(within, name); err != nil {
		if within.Err() == nil && !l.left {
			e.Warn(err.Error())
		}
		return false
	}
	if known {
		l.freed(ctx, before, besides, loading)
	}
	e.holdings.drop(l)
	return true
}

// discard takes what the lane loaded out of memory, with its server where that
// does not do it.
func (l *lane) discard(ctx context.Context) {
	if !l.unload(ctx) {
		l.shut(ctx)
	}
}

// freed waits until so much less than before is in use as the lane had loaded,
// whatever other lanes have loaded there since. Where one of them was at a load
// before, some of that was in use already: then it is not allowed for.
func (l *lane) freed(ctx context.Context, before, besides uint64, loading bool) {
	e := l.engine
	held := uint64(max(0, l.loaded.VRAM))
	slack := min(mostSlack, held/2) // of a small model all of it would be slack
	for deadline := time.Now().Add(goneWithin); ; {
		used, others, ok := e.memory(ctx, l.devices)
		want := before - min(before, held) + slack
		switch now, _ := e.holdings.besides(l, l.devices); {
		case now < besides:
			want -= min(want, besides-now)
		case !loading:
			want += now - besides
		}
		switch {
		case !ok, used <= want:
			return
		case time.Now().After(deadline):
			if len(others) > 0 {
				e.Warn(fmt.Sprintf("after unloading, %s holds %s more than expected: %s", l.name, humanize.IBytes(used-want+slack), strings.Join(others, ", ")))
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// shut ends the lane's server, so that its devices are free for another lane.
// A server of the user's own only gets its memory back.
func (l *lane) shut(ctx context.Context) {
	if l.server == nil {
		return
	}
	l.unload(ctx)
	closed := make(chan error, 1)
	go func(s Server) { closed <- s.Close() }(l.server)
	select {
	case err := <-closed:
		if err != nil && !l.departing() {
			l.engine.Warn(err.Error())
		}
	case <-l.here.Done():
	}
	l.server, l.config, l.inPlace = nil, ServerConfig{}, nil
	l.ahead.Store(0)
	l.engine.holdings.drop(l)
}

// Closings are lanes that are being shut: what starts on one of their devices
// waits until they are gone.
type closings struct {
	mu  sync.Mutex
	all []*closing
}

type closing struct {
	lane *lane
	done chan struct{}
}

// shut shuts a lane that nothing is in flight on, beside everything else.
func (c *closings) shut(l *lane) {
	one := &closing{l, make(chan struct{})}
	c.mu.Lock()
	c.all = append(c.all, one)
	c.mu.Unlock()
	go func() {
		l.shut(l.here)
		c.mu.Lock()
		c.all = slices.DeleteFunc(c.all, func(o *closing) bool { return o == one })
		c.mu.Unlock()
		close(one.done)
	}()
}

// wait waits for the lanes that overlap with devices, nil for all lanes, or
// until ctx is done.
func (c *closings) wait(ctx context.Context, devices []string) {
	c.mu.Lock()
	var before []*closing
	for _, one := range c.all {
		if devices == nil || overlap(one.lane.devices, devices) {
			before = append(before, one)
		}
	}
	c.mu.Unlock()
	for _, one := range before {
		select {
		case <-one.done:
		case <-ctx.Done():
			return
		}
	}
}

// depart has nothing be waited for in the closing of lanes on devices that have
// left.
func (c *closings) depart(devices []string, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.all {
		if overlap(one.lane.devices, devices) {
			one.lane.depart(why)
		}
	}
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(d string) bool { return slices.Contains(b, d) })
}
