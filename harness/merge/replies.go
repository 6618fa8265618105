package merge

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/hint"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/harness/task"
)

// Replies takes the replies that the run rests on from the stores of its shards into
// one, from which it can be rated again: drafts and ratings, too. It says how many
// there are. Every shard's store has to be where its run had it.
func (m Merge) Replies(ctx context.Context, set data.Dataset, to *store.Store) (n int, err error) {
	t, err := m.task(set)
	if err != nil {
		return 0, err
	}
	for _, p := range m.Parts {
		some, err := p.replies(ctx, t, to)
		if err != nil {
			return n, fmt.Errorf("shard %s: %w", p.shard(), err)
		}
		n += some
	}
	return n, to.Flush(ctx)
}

func (p Part) replies(ctx context.Context, whole *task.Task, to *store.Store) (n int, err error) {
	path := p.Manifest.Config.Store
	from, err := store.Read(path)
	if err != nil {
		return 0, &hint.Error{Err: err, Hint: "leave out --store where a shard's is gone: the tables need none"}
	}
	defer from.Close()
	t := *whole
	t.Shard, _ = p.Manifest.Config.Shards()
	roster := p.Manifest.Roster()
	copied := make(map[store.Key]bool)
	recorded := tables.Recorded(from)
	take := func(ctx context.Context, c task.Call) (store.Reply, error) {
		reply, err := recorded(ctx, c)
		key := c.KeyOf(reply)
		if copied[key] {
			return reply, err
		}
		var failed *engine.FailedError
		switch {
		case err == nil:
			_, e := to.Put(ctx, key, reply)
			if e != nil {
				return reply, e
			}
		case errors.As(err, &failed):
			_, e := to.Fail(ctx, key, failed.Failure)
			if e != nil {
				return reply, e
			}
		default:
			return reply, err
		}
		copied[key] = true
		return reply, err
	}
	e := task.Evaluator{Task: &t, Extractor: roster.Extractor, Ask: take, Server: p.Manifest.Ollama.Version}
	for _, v := range roster.Variants {
		a := t.Listed(v)
		for place := range a.Len() {
			if _, err := e.Evaluate(ctx, a.Generation(place), roster.Judges); err != nil {
				return len(copied), fmt.Errorf("%s: %w", filepath.Clean(path), err)
			}
		}
	}
	return len(copied), nil
}
