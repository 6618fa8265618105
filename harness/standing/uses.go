package standing

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"perg/data"
	"perg/harness/engine"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/tables"
	"perg/harness/task"
)

// Uses tells of each reply in a store that the run in dir takes for its tables, more than
// once of one that several of its generations share. What a run asked beside, of how many
// tokens a prompt has and of how a server writes one, is not among them. The error is
// ErrUnknown where what it asked can no longer be told.
func Uses(ctx context.Context, dir string, m rundir.Manifest, replies *store.Store, use func(store.Key)) error {
	if m.Imported != nil {
		return ratingsOf(dir, use)
	}
	t, err := taskOf(m)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	r := m.Roster()
	var mu sync.Mutex // generations are worked out on all processors
	noting := noting{engine.Kept(replies), func(k store.Key) {
		mu.Lock()
		defer mu.Unlock()
		use(k)
	}}
	e := task.Evaluator{Task: t, Extractor: r.Extractor, Ask: tables.RecordedBy(noting), Server: m.Ollama.Version}
	for _, v := range r.Variants {
		for _, err := range e.All(ctx, v, r.Judges) {
			if err != nil && !errors.Is(err, engine.ErrNotAsked) {
				return err
			}
		}
	}
	return nil
}

// noting tells of replies that are found.
type noting struct {
	engine.Replies
	found func(store.Key)
}

func (n noting) Get(ctx context.Context, k store.Key) (store.Reply, bool, error) {
	r, ok, err := n.Replies.Get(ctx, k)
	if ok {
		n.found(k)
	}
	return r, ok, err
}

// ratingsOf tells of the ratings of answers that were made elsewhere.
func ratingsOf(dir string, use func(store.Key)) error {
	for j, err := range data.ReadTable[data.Judgment](filepath.Join(dir, "judgments")) {
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		if k, ok := store.ParseKey(j.RequestHash); ok {
			use(k)
		}
	}
	return nil
}
