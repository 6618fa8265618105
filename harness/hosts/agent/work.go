package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"perg/harness/hosts/wire"
	"perg/harness/schedule"
	"perg/harness/store"
	"perg/models"
)

type device = schedule.Device

// work takes chunks of calls, until the agent ends.
func (a *agent) work() {
	for a.ctx.Err() == nil {
		if err := a.pull(); err != nil && a.ctx.Err() == nil {
			time.Sleep(200 * time.Millisecond) // the controller is away, or was started anew
		}
	}
}

func (a *agent) pull() error {
	ctx, cancel := context.WithTimeout(a.ctx, 5*time.Second)
	defer cancel()
	consumer, err := a.js.Consumer(ctx, wire.WorkStream, a.subjects.WorkConsumer(a.Name))
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(32), jetstream.PullExpiry(30*time.Second), jetstream.PullHeartbeat(5*time.Second))
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(a.ctx, messages.Stop)()
	for {
		a.outbox.room(a.ctx)
		m, err := messages.Next()
		if err != nil {
			return err
		}
		var c wire.Chunk
		if err := read(m.Data(), &c); err != nil {
			a.Warn(fmt.Sprintf("work of %s is left: %v", a.Address, err))
			m.Term()
			continue
		}
		a.tasks.Go(func() { a.carryOut(c, m) })
	}
}

// carryOut makes the calls of a chunk, and gives it back to nobody until each has
// its answer on its way.
func (a *agent) carryOut(c wire.Chunk, m jetstream.Msg) {
	sent := make(chan struct{}, len(c.Calls))
	s := a.sessions.of(c.Lane)
	if s != nil {
		s.gate.widen(c.Width)
	}
	for _, call := range c.Calls {
		as := wire.Answer{Boot: c.Boot, ID: call.ID, Lane: c.Lane, Key: call.Key}
		reply := func(of wire.Answer) {
			as.Reply, as.Kept, as.Fault = of.Reply, of.Kept, of.Fault
			if s != nil {
				as.Exits = s.server.Exits()
			}
			a.outbox.add(as, func() { sent <- struct{}{} })
		}
		switch {
		case s == nil:
			reply(wire.Answer{Fault: models.FaultOf(fmt.Errorf("%w: %s, lane %s: %w", models.ErrUnreachable, a.Name, c.Lane, errNoLane))})
		default:
			a.call(s, c.Digest, call, reply)
		}
	}
	renew := time.NewTicker(wire.LeaseFor / 3)
	defer renew.Stop()
	since := time.Now()
	for n := 0; n < len(c.Calls); {
		select {
		case <-sent:
			n++
		case <-a.outbox.done:
			return
		case <-renew.C:
			// Only with a sign of life: a server that hangs loses its lease.
			if s != nil && s.signed(since) {
				since = time.Now()
				m.InProgress()
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	m.DoubleAck(ctx) // or it comes again, and finds its replies in the store
}

// A flight is a call that is being made, with all who wait for it: one that was
// handed over twice is made once.
type flight struct{ replies []func(wire.Answer) }

// call gives the reply to a call: the one that is in the store, that of the call
// being made, or that of one made now.
func (a *agent) call(s *session, digest string, c wire.Call, reply func(wire.Answer)) {
	key := store.Key{}
	copy(key[:], c.Key)
	named := len(c.Key) == len(key)
	if named {
		known, ok, err := a.Store.Get(context.Background(), key)
		if err != nil {
			reply(wire.Answer{Fault: models.FaultOf(err)})
			return
		}
		if ok {
			reply(wire.Answer{Reply: known.Marshal(key), Kept: true})
			return
		}
		if s.joins(key, reply) {
			return
		}
	}
	a.tasks.Go(func() {
		of := a.made(s, digest, key, named, c.Request)
		if !named {
			reply(of)
			return
		}
		for _, r := range s.lands(key) {
			r(of)
		}
	})
}

func (s *session) joins(k store.Key, reply func(wire.Answer)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.flights[k]
	if !ok {
		f = &flight{}
		s.flights[k] = f
	}
	f.replies = append(f.replies, reply)
	return ok
}

func (s *session) lands(k store.Key) []func(wire.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flights[k]
	delete(s.flights, k)
	s.sign = time.Now()
	return f.replies
}

// signed says whether something came of the lane since a moment.
func (s *session) signed(since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sign.After(since)
}

// made makes a call, and keeps its reply where that is one for its key: a whole
// answer of the model that was meant.
func (a *agent) made(s *session, digest string, key store.Key, named bool, r models.Request) wire.Answer {
	s.gate.enter()
	if !a.sessions.begins() {
		s.gate.leave()
		return wire.Answer{Fault: models.FaultOf(fmt.Errorf("%w: the agent on %s ends", models.ErrUnreachable, a.Name))}
	}
	defer a.sessions.calls.Done()
	resp, err := s.server.Chat(a.calls, r)
	s.gate.leave()
	if err != nil {
		return wire.Answer{Fault: models.FaultOf(err)}
	}
	reply := store.Reply{Response: resp, Model: r.Model, Digest: digest, Host: a.Name, Version: s.version, GPUs: s.gpus}
	if !named || resp.Full(r) {
		return wire.Answer{Reply: reply.Marshal(key)}
	}
	vram, ok := s.looks.vouch(s, r.Model, digest)
	if !ok {
		return wire.Answer{Reply: reply.Marshal(key)}
	}
	reply.VRAM = vram
	commit, err := a.Store.Put(context.Background(), key, reply)
	if err == nil {
		err = commit.Wait(context.Background())
	}
	if err != nil {
		a.cancel(fmt.Errorf("replies cannot be kept any more: %w", err))
		return wire.Answer{Fault: models.FaultOf(errors.Join(models.ErrUnreachable, err))}
	}
	return wire.Answer{Reply: reply.Marshal(key), Kept: true}
}
