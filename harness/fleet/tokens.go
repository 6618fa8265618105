package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"perg/harness/sizing"
	"perg/harness/store"
	"perg/models"
)

// A Tokens counts the tokens of a model's prompts, each once for a tokenizer,
// ever: the counts are kept among the replies. It counts by the model's
// vocabulary, for which nothing is loaded; where that cannot be read, the server
// counts, which loads the model.
type Tokens struct {
	Store     *store.Store
	Client    Client
	Model     string
	Tokenizer string
	Think     *bool
	Seed      int
	Say       func(string) // told before the model is loaded to count

	read      sync.Once
	tokenizer *models.Tokenizer // nil: it cannot be read

	asked atomic.Bool
	least atomic.Int64 // tokens of context, where less was too little
}

// Asked says whether the server was asked, and so has the model in memory.
func (t *Tokens) Asked() bool { return t.asked.Load() }

// Count counts those of a prompt. The server is asked with so many tokens of
// context, and again with more where the prompt does not fit.
func (t *Tokens) Count(ctx context.Context, system, user string, numCtx int) (int, error) {
	parts := []string{"tokens", t.Tokenizer, system, user}
	if t.Think != nil && !*t.Think {
		parts = append(parts, "without thinking") // which some templates say in the prompt
	}
	id, err := json.Marshal(parts)
	if err != nil {
		return 0, err
	}
	key := store.Key(sha256.Sum256(id))
	if known, ok, err := t.Store.Get(ctx, key); ok || err != nil {
		return known.PromptTokens, err
	}
	n, err := t.count(ctx, system, user, numCtx)
	if err != nil {
		return 0, err
	}
	_, err = t.Store.Put(ctx, key, store.Reply{Response: models.Response{PromptTokens: n, StartedAt: time.Now()}, Host: t.Client.Host()})
	return n, err
}

func (t *Tokens) count(ctx context.Context, system, user string, numCtx int) (int, error) {
	t.read.Do(func() {
		if tokenizer, err := t.Client.Tokenizer(ctx, t.Model); err == nil {
			t.tokenizer = tokenizer
		}
	})
	if t.tokenizer != nil {
		if n, err := t.tokenizer.Count(system, user, t.Think); err == nil {
			return n, nil
		}
	}
	if !t.asked.Swap(true) {
		t.Say(fmt.Sprintf("loading %s to count the tokens of the longest prompts: its vocabulary cannot be read", t.Model))
	}
	in := func(numCtx int) (int, error) {
		return t.Client.CountTokens(ctx, models.Request{
			Model: t.Model, System: system, User: user, Think: t.Think,
			Options: models.Options{NumCtx: numCtx, Seed: t.Seed},
		})
	}
	within := max(numCtx, int(t.least.Load()))
	n, err := in(within)
	enough := sizing.Bucket(models.MostTokens(len(system) + len(user)))
	// A count that fills the context may be that of a prompt that was cut.
	if within < enough && (errors.Is(err, models.ErrContextOverflow) || err == nil && n >= within-1) {
		t.least.Store(int64(enough))
		n, err = in(enough)
	}
	return n, err
}
