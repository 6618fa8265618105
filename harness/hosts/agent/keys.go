package agent

import (
	"context"
	"encoding/json"

	"perg/harness/hosts/wire"
	"perg/harness/store"
)

// keys sends the first 8 bytes of each key in the store: a controller that lost its
// own asks for what it needs of them.
func (a *agent) keys(ctx context.Context, send send) error {
	piece := make([]byte, 0, wire.MaxPiece)
	err := a.Store.Keys(ctx, func(k store.Key) error {
		if piece = append(piece, k[:8]...); len(piece) < cap(piece) {
			return nil
		}
		err := send(piece)
		piece = make([]byte, 0, wire.MaxPiece)
		return err
	})
	if err == nil && len(piece) > 0 {
		err = send(piece)
	}
	return err
}

// have sends the replies to some keys, as far as they are here.
func (a *agent) have(ctx context.Context, what []byte, send send) error {
	var keys [][]byte
	if err := read(what, &keys); err != nil {
		return err
	}
	for _, text := range keys {
		key := store.Key{}
		copy(key[:], text)
		reply, ok, err := a.Store.Get(ctx, key)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		piece, err := json.Marshal(wire.Answer{Key: key[:], Reply: reply.Marshal(key), Kept: true})
		if err != nil {
			return err
		}
		if err := send(piece); err != nil {
			return err
		}
	}
	return nil
}
