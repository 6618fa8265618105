package hosts

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"perg/harness/hosts/wire"
	"perg/models"
)

type (
	natsMsg   = nats.Msg
	natsEntry = jetstream.KeyValueEntry
)

// work makes the queue of an agent's work.
func (h *Hub) work(agent string) error {
	ctx, cancel := context.WithTimeout(h.ctx, 10*time.Second)
	defer cancel()
	_, err := h.js.CreateOrUpdateConsumer(ctx, wire.WorkStream, jetstream.ConsumerConfig{
		Durable: h.subjects.WorkConsumer(agent), FilterSubject: h.subjects.Work(agent),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: wire.LeaseFor, MaxAckPending: 4096,
		MaxDeliver: -1, // on a work queue a limit lost messages: nats-io/nats-server#7817
	})
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	return nil
}

// An outgoing hands calls over to an agent, those that come together in one
// message.
type outgoing struct {
	machine *Machine
	wake    chan struct{}

	mu     sync.Mutex
	queued []handed
}

// A handed is a call on its way.
type handed struct {
	lane   string
	width  int
	digest string
	call   wire.Call
	bytes  int
}

func newOutgoing(m *Machine) *outgoing { return &outgoing{machine: m, wake: make(chan struct{}, 1)} }

func (o *outgoing) add(c handed) {
	o.mu.Lock()
	o.queued = append(o.queued, c)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run hands over until the machine is gone.
func (o *outgoing) run() {
	for {
		select {
		case <-o.wake:
		case <-o.machine.gone.Done():
			return
		}
		for chunk := o.next(); chunk != nil; chunk = o.next() {
			o.hand(chunk)
		}
	}
}

// next is a chunk of what is queued: calls of one lane, as many as a message holds.
func (o *outgoing) next() *wire.Chunk {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queued) == 0 {
		return nil
	}
	first := o.queued[0]
	c := &wire.Chunk{Boot: o.machine.hub.boot, Lane: first.lane, Digest: first.digest}
	rest := o.queued[:0]
	size := 0
	for _, h := range o.queued {
		if h.lane != c.Lane || h.digest != c.Digest || len(c.Calls) > 0 && size+h.bytes > wire.MaxMessage || len(c.Calls) == wire.MaxCalls {
			rest = append(rest, h)
			continue
		}
		c.Calls, c.Width, size = append(c.Calls, h.call), h.width, size+h.bytes
	}
	clear(o.queued[len(rest):])
	o.queued = rest
	return c
}

// hand publishes a chunk. Calls that cannot be handed over fail as those do that a
// server is away for.
func (o *outgoing) hand(c *wire.Chunk) {
	m := o.machine
	text, err := json.Marshal(c)
	if err == nil {
		id := fmt.Sprintf("%s/%d", m.hub.boot, c.Calls[0].ID)
		ctx, cancel := context.WithTimeout(m.gone, wire.LeaseFor)
		defer cancel()
		_, err = m.hub.js.Publish(ctx, m.hub.subjects.Work(m.Name()), text, jetstream.WithMsgID(id))
	}
	if err == nil {
		return
	}
	fault := models.FaultOf(fmt.Errorf("%w: work could not be handed over to %s: %w", models.ErrUnreachable, m.Name(), err))
	for _, call := range c.Calls {
		m.hub.calls.answer(call.ID, wire.Answer{Fault: fault})
	}
}

// lost answers all calls of a machine that is gone.
func (c *calls) lost(m *Machine, why error) {
	fault := models.FaultOf(fmt.Errorf("%w: %s: %w", models.ErrUnreachable, m.Name(), why))
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, w := range c.waiting {
		if w.machine == m {
			delete(c.waiting, id)
			w.answer <- wire.Answer{Fault: fault}
		}
	}
}
