package models

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A pulse looks after a server while calls are in flight there, one look for
// all of them: one that takes calls, and then answers nothing at all, not even
// /api/version, would hold each of them for the whole of the call timeout. A
// server that works answers that at once, also while it loads a model (v0.17.4).
type pulse struct {
	mu    sync.Mutex
	calls int
	stop  context.CancelFunc // of the looking
	hangs chan struct{}      // closed when it has not answered for too long
}

// looks is how often a server is looked after within the client's patience.
const looks = 12

// feel begins a call. hangs is closed when the server is taken to hang; done
// ends the call.
func (c *Client) feel() (hangs <-chan struct{}, done func()) {
	p := &c.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls++; p.calls == 1 {
		ctx, cancel := context.WithCancel(context.Background())
		p.stop, p.hangs = cancel, make(chan struct{})
		go c.look(ctx, p.hangs)
	}
	return p.hangs, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.calls--; p.calls == 0 {
			p.stop()
		}
	}
}

// look asks for the version until ctx is done, and closes hangs once no answer
// came for as long as the patience.
func (c *Client) look(ctx context.Context, hangs chan<- struct{}) {
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
			close(hangs)
			return
		}
	}
}
