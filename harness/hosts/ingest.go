package hosts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"perg/harness/hosts/wire"
	"perg/harness/store"
	"perg/models"
)

// ingest takes replies in: into the store, and to who waits for them. What agents
// sent while nobody was here is in the store when it returns.
func (h *Hub) ingest(ctx context.Context) error {
	consumer, err := h.js.CreateOrUpdateConsumer(ctx, wire.ReplyStream, jetstream.ConsumerConfig{
		Durable: h.subjects.ReplyConsumer(), FilterSubject: h.subjects.Replies(),
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: 60 * time.Second, MaxDeliver: -1, MaxAckPending: 64,
	})
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	left, err := consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	// Those that an earlier process had and did not acknowledge come again after
	// AckWait; what they hold is in its store, or is asked again.
	for n := left.NumPending; n > 0; {
		batch, err := consumer.Fetch(64, jetstream.FetchMaxWait(2*time.Second))
		if err != nil {
			return fmt.Errorf("JetStream: %w", err)
		}
		got := uint64(0)
		for m := range batch.Messages() {
			got++
			if err := h.take(ctx, m); err != nil {
				return err
			}
		}
		if got == 0 {
			break
		}
		n -= min(n, got)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(64))
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	context.AfterFunc(h.ctx, messages.Stop)
	h.tasks.Go(func() {
		warned := false
		for {
			m, err := messages.Next()
			switch {
			case errors.Is(err, jetstream.ErrMsgIteratorClosed), h.ctx.Err() != nil:
				return
			case err != nil:
				time.Sleep(100 * time.Millisecond) // it is tried again, as after a lost connection
				continue
			}
			if err := h.take(h.ctx, m); err != nil && !warned {
				h.Warn(fmt.Sprintf("replies of agents are not taken in: %v", err))
				warned = true
			}
		}
	})
	return nil
}

// take takes in a batch of replies. It is acknowledged when they are durable: the
// agent forgets them then. Where the store is broken, those who wait for them get
// them all the same: they find that out, which ends the run.
func (h *Hub) take(ctx context.Context, m jetstream.Msg) error {
	var b wire.Batch
	if err := json.Unmarshal(m.Data(), &b); err != nil {
		h.Warn(fmt.Sprintf("a message of an agent cannot be read: %v", err))
		return m.Term()
	}
	var last *store.Commit
	var broken error
	for _, a := range b.Answers {
		if a.Kept && a.Reply != nil && len(a.Key) == len(store.Key{}) {
			key := store.Key(a.Key)
			reply, err := store.Unmarshal(key, a.Reply)
			if err != nil {
				a.Fault = models.FaultOf(fmt.Errorf("%w: the reply of %s was changed on its way: %w", models.ErrCut, b.Agent, err))
			} else if commit, err := h.Replies.Put(ctx, key, reply); err != nil {
				broken = err
			} else {
				last = commit
			}
		}
		if a.Boot == h.boot {
			h.calls.answer(a.ID, a)
		}
	}
	if broken != nil {
		return broken
	}
	if last == nil {
		return m.Ack()
	}
	h.tasks.Go(func() {
		if last.Wait(context.Background()) == nil {
			m.Ack()
		}
	})
	return nil
}
