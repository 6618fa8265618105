package loads

import (
	"context"
	"time"

	"perg/harness/store"
	"perg/harness/task"
)

// Rights are how often models were right in the baselines that a store knows.
type Rights struct {
	Store *store.Store // nil: there is none
}

func answerer(v *task.Variant) store.Answerer {
	return store.Answerer{Digest: v.Digest, KVCache: v.KVCache, Thinks: v.Think != nil && *v.Think}
}

// Note keeps how many of a variant's baseline answers were right.
func (r Rights) Note(ctx context.Context, v *task.Variant, right, of int) error {
	if of == 0 || v.Digest == "" {
		return nil
	}
	return r.Store.NoteBaseline(ctx, answerer(v), store.Baseline{Answers: of, Right: right}, time.Now())
}

// Known are those of some variants.
func (r Rights) Known(ctx context.Context, variants []*task.Variant) task.Rights {
	if r.Store == nil {
		return nil
	}
	return expected(r.Store.Baselines(ctx), variants)
}

// telling is how many answers say more than a guess.
const telling = 20

// expected is a variant's own share, else the mean of all that are known.
func expected(known map[store.Answerer]store.Baseline, variants []*task.Variant) task.Rights {
	sum, n := 0.0, 0
	for _, b := range known {
		if b.Answers >= telling {
			sum, n = sum+float64(b.Right)/float64(b.Answers), n+1
		}
	}
	rights := make(task.Rights)
	for _, v := range variants {
		if b := known[answerer(v)]; b.Answers >= telling {
			rights[v] = task.Right{Share: float64(b.Right) / float64(b.Answers), Own: b.Answers}
		} else if n > 0 {
			rights[v] = task.Right{Share: sum / float64(n)}
		}
	}
	return rights
}
