package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"perg/harness/engine"
	"perg/harness/hosts/wire"
)

// asked is what is being done for the controller now, by the inbox of who waits.
type asked struct {
	mu  sync.Mutex
	all map[string]context.CancelFunc
}

func (d *asked) begin(inbox string, cancel context.CancelFunc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = make(map[string]context.CancelFunc)
	}
	d.all[inbox] = cancel
}

func (d *asked) end(inbox string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel, ok := d.all[inbox]; ok {
		cancel()
		delete(d.all, inbox)
	}
}

// A piece is sent to who waits.
type send func(piece []byte) error

// answer does what the agent is asked, each beside the others.
func (a *agent) answer(m *nats.Msg) {
	op := wire.Op(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
	if op == wire.Stop {
		a.asked.end(string(m.Data))
		return
	}
	ctx, cancel := context.WithCancel(a.ctx)
	a.asked.begin(m.Reply, cancel)
	a.tasks.Go(func() {
		defer a.asked.end(m.Reply)
		a.do(ctx, op, m)
	})
}

// do does one thing. While it works it says so.
func (a *agent) do(ctx context.Context, op wire.Op, m *nats.Msg) {
	var number atomic.Int64
	say := func(kind string, n int64, piece []byte) error {
		return a.conn.PublishMsg(&nats.Msg{Subject: m.Reply, Data: piece, Header: nats.Header{
			wire.PieceKind: {kind}, wire.PieceNumber: {strconv.FormatInt(n, 10)},
		}})
	}
	working, worked := context.WithCancel(ctx)
	var beat sync.WaitGroup
	beat.Go(func() {
		every := time.NewTicker(wire.WorkingEvery)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				say(wire.PieceWorking, 0, nil)
			case <-working.Done():
				return
			}
		}
	})
	err := a.perform(ctx, op, m.Data, func(piece []byte) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return say("", number.Add(1)-1, piece)
	})
	worked()
	beat.Wait()
	var fault []byte
	if err != nil {
		fault, _ = json.Marshal(a.fault(err))
	}
	say(wire.PieceEnd, number.Load(), fault)
}

func (a *agent) perform(ctx context.Context, op wire.Op, what []byte, send send) error {
	switch op {
	case wire.Open:
		return told(what, send, func(o wire.Opening) (wire.Opened, error) { return a.sessions.open(ctx, a, o) })
	case wire.Close:
		return told(what, send, func(lane string) (any, error) { return nil, a.sessions.close(lane) })
	case wire.Memory:
		return told(what, send, func(devices []string) ([]engine.Memory, error) { return a.Fleet.Memory(ctx, devices), nil })
	case wire.ReadAhead:
		return told(what, send, func(m engine.Model) (any, error) {
			a.Fleet.ReadAhead(ctx, &m)
			return nil, nil
		})
	case wire.Tunnel:
		return a.tunnel(ctx, what, send)
	case wire.Uses:
		return told(what, send, func(uses map[string]wire.Use) (any, error) {
			a.uses.set(uses)
			return nil, nil
		})
	case wire.Manifest:
		return manifest(what, send)
	case wire.Read:
		return readPart(what, send)
	case wire.Lacking:
		return told(what, send, lacking)
	case wire.Write:
		return writePart(what)
	case wire.Install:
		return told(what, send, func(n wire.Named) (any, error) { return nil, install(n) })
	case wire.Samples:
		return a.part(what, send)
	case wire.Received:
		return told(what, send, func(name string) (any, error) { return nil, a.received(name) })
	case wire.Keys:
		return a.keys(ctx, send)
	case wire.Have:
		return a.have(ctx, what, send)
	}
	return fmt.Errorf("asked for %q, which this perg does not know", op)
}

// told reads what is asked, which may say nothing that is not known, and sends what
// comes of it.
func told[T, R any](what []byte, send send, do func(T) (R, error)) error {
	var of T
	if err := read(what, &of); err != nil {
		return err
	}
	r, err := do(of)
	if err != nil {
		return err
	}
	piece, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return send(piece)
}

// read reads what may have no part that is not known: an option that an agent does
// not know could change an answer.
func read(text []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("what is asked cannot be read: %w", err)
	}
	if d.More() {
		return errors.New("what is asked cannot be read: something follows it")
	}
	return nil
}
