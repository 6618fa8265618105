package models

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// A pulse looks after a server while calls are in flight there, one look for
// all of them: one that takes calls, and then answers nothing at all, not even
// /api/version, would hold each of them for the whole of the call timeout. A
// server that works answers that at once, also while it loads a model (v0.17.4).
type pulse struct {
	mu    sync.Mutex
	calls map[*call]struct{} // in flight
	stop  context.CancelFunc // of the looking
}

// A call is one in flight. cancel ends it where its server hangs.
type call struct {
	cancel context.CancelFunc
	hangs  atomic.Bool // that was why
}

// looks is how often a server is looked after within the client's patience.
const looks = 12

// feel begins a call, leave ends it.
func (c *Client) feel(cancel context.CancelFunc) *call {
	p := &c.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil {
		p.calls = make(map[*call]struct{})
	}
	of := &call{cancel: cancel}
	if p.calls[of] = struct{}{}; len(p.calls) == 1 {
		ctx, stop := context.WithCancel(context.Background())
		p.stop = stop
		go c.look(ctx)
	}
	return of
}

func (p *pulse) leave(of *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if delete(p.calls, of); len(p.calls) == 0 {
		p.stop()
	}
}

// hangs ends the calls in flight.
func (p *pulse) hangs() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for of := range p.calls {
		of.hangs.Store(true)
		of.cancel()
	}
}

// look asks for the version until ctx is done, and ends the calls whenever no
// answer came for as long as the patience.
func (c *Client) look(ctx context.Context) {
	tick := time.NewTicker(max(c.patience()/looks, time.Millisecond))
	defer tick.Stop()
	heard := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := c.Version(ctx); !errors.Is(err, ErrUnreachable) {
			heard = time.Now() // whatever it said
		} else if time.Since(heard) >= c.patience() {
			c.pulse.hangs()
			heard = time.Now()
		}
	}
}
