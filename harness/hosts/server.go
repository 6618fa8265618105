package hosts

import (
	"context"
	"fmt"
	"sync"

	"perg/harness/hosts/wire"
	"perg/harness/store"
	"perg/models"
)

// A laneServer is one that an agent has for a lane.
type laneServer struct {
	*remote
	machine *Machine
	lane    string
	version string

	mu    sync.Mutex
	width int
}

// Version is what the server said when it was opened.
func (s *laneServer) Version(context.Context) (string, error) { return s.version, nil }

// Exits counts how often the server ended unasked, as far as the agent told.
func (s *laneServer) Exits() int { return s.machine.ended(s.lane) }

// Close ends the server; where its machine is gone, it ends by itself.
func (s *laneServer) Close() error {
	if s.machine.gone.Err() != nil {
		return nil
	}
	return s.machine.do(context.Background(), wire.Close, s.lane, nil, openWithin)
}

// Ahead is how many calls a seat may have under way beyond the one that is worked
// on: while a reply is on its way here, and the next call on its way there, the
// server has that one to work on.
func (s *laneServer) Ahead() int { return 1 }

// Widen says how many calls the server works on at once.
func (s *laneServer) Widen(width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.width = width
}

// Chat makes a call whose reply is kept nowhere.
func (s *laneServer) Chat(ctx context.Context, r models.Request) (models.Response, error) {
	return s.call(ctx, "", nil, r)
}

// ChatFor makes a call whose reply the agent keeps under a key, and gives without a
// call where it has it.
func (s *laneServer) ChatFor(ctx context.Context, k store.Key, digest string, r models.Request) (models.Response, error) {
	return s.call(ctx, digest, k[:], r)
}

func (s *laneServer) call(ctx context.Context, digest string, key []byte, r models.Request) (models.Response, error) {
	if err := ctx.Err(); err != nil {
		return models.Response{}, err
	}
	s.mu.Lock()
	width := s.width
	s.mu.Unlock()
	id, w := s.machine.hub.calls.begin(s.machine)
	if s.machine.gone.Err() != nil {
		s.machine.hub.calls.end(id)
		return models.Response{}, fmt.Errorf("%w: %s: %w", models.ErrUnreachable, s.machine.Name(), context.Cause(s.machine.gone))
	}
	s.machine.outgoing.add(handed{s.lane, width, digest, wire.Call{ID: id, Key: key, Request: r}, 512 + 2*(len(r.System)+len(r.User)+len(r.Format))})
	// A call that is on its way is let finish: it is paid for.
	a := <-w.answer
	s.machine.note(s.lane, a.Exits)
	if a.Fault != nil {
		return models.Response{}, a.Fault.Err()
	}
	reply, err := store.Unmarshal(keyOf(a.Key), a.Reply)
	if err != nil {
		return models.Response{}, fmt.Errorf("%w: the reply of %s: %w", models.ErrCut, s.machine.Name(), err)
	}
	return reply.Response, nil
}

func keyOf(text []byte) (k store.Key) {
	copy(k[:], text)
	return k
}
