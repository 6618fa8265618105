package hosts

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"perg/harness/hosts/wire"
	"perg/harness/store"
)

var errFull = errors.New("the disk is full")

type fullStore struct{ Replies }

func (fullStore) Put(context.Context, store.Key, store.Reply) (*store.Commit, error) {
	return nil, errFull
}

type message struct {
	jetstream.Msg // Ack is not called
	data          []byte
}

func (m message) Data() []byte { return m.data }

// Who waits for a reply that cannot be kept here gets it, and finds out: else a run
// whose disk is full would wait for ever. The agent keeps what is not acknowledged.
func TestRepliesThatCannotBeKept(t *testing.T) {
	h := &Hub{Options: Options{Replies: fullStore{}}, boot: "now"}
	var b wire.Batch
	var all []*waiting
	for i := range 2 {
		id, w := h.calls.begin(&Machine{hub: h})
		key := store.Key{byte(i)}
		b.Answers = append(b.Answers, wire.Answer{Boot: "now", ID: id, Key: key[:], Reply: store.Reply{}.Marshal(key), Kept: true})
		all = append(all, w)
	}
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.take(t.Context(), message{data: data}); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	for i, w := range all {
		select {
		case a := <-w.answer:
			if a.Fault != nil {
				t.Errorf("call %d: %v", i, a.Fault.Err())
			}
		default:
			t.Errorf("call %d waits for ever", i)
		}
	}
}
