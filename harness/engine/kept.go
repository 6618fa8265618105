package engine

import (
	"context"

	"perg/harness/store"
)

// Kept are the replies of a store.
func Kept(s *store.Store) Replies { return kept{s} }

type kept struct{ *store.Store }

func (k kept) Put(ctx context.Context, key store.Key, r store.Reply) (Commit, error) {
	return committed(k.Store.Put(ctx, key, r))
}

func (k kept) Fail(ctx context.Context, key store.Key, f store.Failure) (Commit, error) {
	return committed(k.Store.Fail(ctx, key, f))
}

// committed keeps a nil *store.Commit from becoming a Commit that is not nil.
func committed(c *store.Commit, err error) (Commit, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}
