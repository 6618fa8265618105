package hosts

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"perg/harness/hosts/wire"
	"perg/harness/store"
)

// holdings are the keys of an agent's store, by their first 8 bytes, in order: what
// a controller without a store of its own asks the agent for.
type holdings struct {
	mu  sync.Mutex
	all []uint64
}

// recallWithin is as long as a machine that comes waits for its keys to be here: at
// 8 bytes each, for all but the slowest ways.
const recallWithin = 10 * time.Second

// list asks the machine which replies it has.
func (m *Machine) list() {
	done := make(chan struct{})
	m.hub.tasks.Go(func() {
		defer close(done)
		var all []uint64
		err := m.ask(m.gone, wire.Keys, []byte("null"), func(piece []byte) error {
			for ; len(piece) >= 8; piece = piece[8:] {
				all = append(all, binary.BigEndian.Uint64(piece))
			}
			return nil
		})
		if err != nil {
			return // they are asked anew
		}
		slices.Sort(all)
		m.holds.mu.Lock()
		m.holds.all = all
		m.holds.mu.Unlock()
	})
	select {
	case <-done:
	case <-time.After(recallWithin):
	}
}

func (h *holdings) has(k store.Key) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := slices.BinarySearch(h.all, binary.BigEndian.Uint64(k[:8]))
	return ok
}

// Recall is a reply that a machine has and the controller has not, as where the
// controller's store was lost. It is kept from then on.
func (h *Hub) Recall(ctx context.Context, k store.Key) (reply store.Reply, ok bool, err error) {
	for _, m := range h.Machines() {
		if !m.holds.has(k) {
			continue
		}
		err := m.ask(ctx, wire.Have, [][]byte{k[:]}, func(piece []byte) error {
			var a wire.Answer
			if err := json.Unmarshal(piece, &a); err != nil {
				return err
			}
			var err error
			reply, err = store.Unmarshal(k, a.Reply)
			ok = err == nil
			return err
		})
		if err != nil || !ok {
			continue // it is asked anew
		}
		_, err = h.Replies.Put(ctx, k, reply)
		return reply, true, err
	}
	return reply, false, nil
}
