package hosts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"perg/harness/hosts/wire"
	"perg/models"
)

// errAbsent: an agent is not there, so that what it was asked did not reach it;
// errSilent: it was asked and says nothing.
var (
	errAbsent = errors.New("the agent is not there")
	errSilent = errors.New("the agent says nothing")
)

// ask has an agent do something, and gives each piece of what comes of it to take.
// It ends with ctx, with the machine, and where the agent says nothing for
// [wire.SilentAfter]. What the agent could not do is its own error.
func (m *Machine) ask(ctx context.Context, op wire.Op, what any, take func([]byte) error) error {
	payload, ok := what.([]byte)
	if !ok {
		var err error
		if payload, err = json.Marshal(what); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(m.there(), func() { cancel(fmt.Errorf("%w: %s was lost", errAbsent, m.Name())) })()
	inbox := nats.NewInbox()
	pieces, err := m.hub.conn.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("%w: %w", errAbsent, err)
	}
	defer pieces.Unsubscribe()
	if err := pieces.SetPendingLimits(-1, -1); err != nil {
		return err
	}
	if err := m.hub.conn.PublishRequest(m.hub.subjects.Ask(m.Name(), op), inbox, payload); err != nil {
		return fmt.Errorf("%w: %w", errAbsent, err)
	}
	for next := 0; ; {
		wait, stop := context.WithTimeout(ctx, wire.SilentAfter)
		piece, err := pieces.NextMsgWithContext(wait)
		stop()
		switch {
		case ctx.Err() != nil:
			m.hub.conn.PublishRequest(m.hub.subjects.Ask(m.Name(), wire.Stop), "", []byte(inbox))
			return context.Cause(ctx)
		case errors.Is(err, nats.ErrNoResponders):
			return fmt.Errorf("%w: %s", errAbsent, m.Name())
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("%w: %s, for %s", errSilent, m.Name(), wire.SilentAfter)
		case err != nil:
			return err
		}
		switch kind := piece.Header.Get(wire.PieceKind); kind {
		case wire.PieceWorking:
			continue
		case wire.PieceEnd:
			if n, _ := strconv.Atoi(piece.Header.Get(wire.PieceNumber)); n != next {
				return fmt.Errorf("a part of what %s said was lost", m.Name())
			}
			if len(piece.Data) == 0 {
				return nil
			}
			var f models.Fault
			if err := json.Unmarshal(piece.Data, &f); err != nil {
				return fmt.Errorf("%s: %w", m.Name(), err)
			}
			return f.Err()
		default:
			if n, _ := strconv.Atoi(piece.Header.Get(wire.PieceNumber)); n != next {
				return fmt.Errorf("a part of what %s said was lost", m.Name())
			}
			next++
			if take == nil {
				continue
			}
			if err := take(piece.Data); err != nil {
				return err
			}
		}
	}
}

// do is ask for what is done within a time, and whose one piece is read into a value
// where there is one.
func (m *Machine) do(ctx context.Context, op wire.Op, what, into any, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return m.ask(ctx, op, what, func(piece []byte) error {
		if into == nil {
			return nil
		}
		return json.Unmarshal(piece, into)
	})
}
