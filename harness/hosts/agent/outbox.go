package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"perg/harness/hosts/wire"
)

// An outbox sends answers off, those together that come while a message is on its
// way, and again until each is acknowledged. The replies among them are in the
// store: an agent that dies with some loses none.
type outbox struct {
	agent *agent
	wake  chan struct{}

	mu     sync.Mutex
	queued []outgoing
	moved  *sync.Cond // something was sent
	done   chan struct{}
	closed bool
}

type outgoing struct {
	answer wire.Answer
	sent   func()
}

// mostQueued answers wait at most: no more work is taken then.
const mostQueued = 10_000

func newOutbox(a *agent) *outbox {
	o := &outbox{agent: a, wake: make(chan struct{}, 1), done: make(chan struct{})}
	o.moved = sync.NewCond(&o.mu)
	return o
}

func (o *outbox) add(a wire.Answer, sent func()) {
	o.mu.Lock()
	o.queued = append(o.queued, outgoing{a, sent})
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// room waits until there is some.
func (o *outbox) room(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.moved.Broadcast()
	})()
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queued) >= mostQueued && ctx.Err() == nil {
		o.moved.Wait()
	}
}

// run sends until the outbox is closed.
func (o *outbox) run() {
	defer close(o.done)
	for n := 1; ; {
		batch := o.batch()
		if len(batch) == 0 {
			o.mu.Lock()
			closed := o.closed
			o.mu.Unlock()
			if closed {
				return
			}
			<-o.wake
			continue
		}
		if !o.send(batch, n) {
			return
		}
		n++
		o.mu.Lock()
		o.queued = o.queued[len(batch):]
		o.moved.Broadcast()
		o.mu.Unlock()
		for _, b := range batch {
			b.sent()
		}
	}
}

// batch is what goes into the next message.
func (o *outbox) batch() []outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := 0
	for i, q := range o.queued {
		// JSON has bytes in base64.
		size += 512 + len(q.answer.Reply)*4/3
		if q.answer.Fault != nil {
			size += 2 * (len(q.answer.Fault.Text) + len(q.answer.Fault.Message))
		}
		if i > 0 && size > wire.MaxMessage || i == wire.MaxCalls {
			return o.queued[:i:i]
		}
	}
	return o.queued[:len(o.queued):len(o.queued)]
}

// send sends one message, as often as it takes; false where the outbox is closed
// before that.
func (o *outbox) send(batch []outgoing, n int) bool {
	b := wire.Batch{Agent: o.agent.Name}
	for _, q := range batch {
		b.Answers = append(b.Answers, q.answer)
	}
	text, err := json.Marshal(b)
	if err != nil {
		o.agent.Warn(err.Error()) // bytes and numbers: it cannot be
		return true
	}
	id := fmt.Sprintf("%s/%s/%d", o.agent.Name, o.agent.boot, n)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := o.agent.js.Publish(ctx, o.agent.subjects.Reply(o.agent.Name), text, jetstream.WithMsgID(id))
		cancel()
		if err == nil {
			return true
		}
		o.mu.Lock()
		closed := o.closed
		o.mu.Unlock()
		if closed {
			return false
		}
		time.Sleep(pause)
	}
}

// close sends what there is, for so long at most.
func (o *outbox) close(within time.Duration) {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
	select {
	case <-o.done:
	case <-time.After(within):
	}
}
