package engine

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"perg/harness/store"
)

// errFull is what a full disk says.
var errFull = errors.New("no space left on device")

// FakeReplies keep replies; what was put is durable a little later.
type fakeReplies struct {
	world *world

	mu       sync.Mutex
	replies  map[store.Key]store.Reply
	durable  map[store.Key]store.Reply
	failures map[store.Key]store.Failure
	err      error   // of all writing, from now on
	batch    *commit // that is being filled
}

type commit struct {
	keys []store.Key
	done chan struct{}
	err  error
}

func (c *commit) Wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newFakeReplies(w *world) *fakeReplies {
	return &fakeReplies{world: w, replies: make(map[store.Key]store.Reply), durable: make(map[store.Key]store.Reply), failures: make(map[store.Key]store.Failure)}
}

// survivors are what a crash leaves.
func (f *fakeReplies) survivors() *fakeReplies {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := newFakeReplies(f.world)
	s.replies, s.durable, s.failures = maps.Clone(f.durable), maps.Clone(f.durable), maps.Clone(f.failures)
	return s
}

// fails makes all writing fail.
func (f *fakeReplies) fails(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// fine says whether nothing made writing fail.
func (f *fakeReplies) fine() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err == nil
}

func (f *fakeReplies) Get(ctx context.Context, k store.Key) (store.Reply, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.replies[k]
	return r, ok, nil
}

func (f *fakeReplies) Failure(ctx context.Context, k store.Key) (store.Failure, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.failures[k]
	return r, ok, nil
}

func (f *fakeReplies) Put(ctx context.Context, k store.Key, r store.Reply) (Commit, error) {
	f.world.keeps(k, r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	if _, ok := f.replies[k]; !ok {
		f.replies[k] = r
		delete(f.failures, k)
	}
	f.world.kept(k)
	return f.committing(k), nil
}

func (f *fakeReplies) Fail(ctx context.Context, k store.Key, failure store.Failure) (Commit, error) {
	f.world.keepsFailure(k, failure)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	if _, ok := f.replies[k]; !ok {
		f.failures[k] = failure
	}
	return f.committing(k), nil
}

// committing is the batch that a key goes with.
func (f *fakeReplies) committing(k store.Key) *commit {
	if f.batch == nil {
		b := &commit{done: make(chan struct{})}
		f.batch = b
		time.AfterFunc(100*time.Millisecond, func() { f.commit(b) })
	}
	f.batch.keys = append(f.batch.keys, k)
	return f.batch
}

func (f *fakeReplies) commit(b *commit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batch = nil
	if b.err = f.err; b.err == nil {
		for _, k := range b.keys {
			if r, ok := f.replies[k]; ok {
				f.durable[k] = r
			}
		}
	}
	close(b.done)
}
