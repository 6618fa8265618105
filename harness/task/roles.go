package task

import (
	"context"
	"errors"
	"sync"

	"perg/harness/engine"
	"perg/models"
)

// Roles remember what servers were seen to make of system texts, by variant:
// from v0.30 of Ollama on, prompts may be made by another template than the one
// that is shown.
type Roles struct {
	mu   sync.Mutex
	seen map[*Variant]models.Rendering
	tell func(*Variant, models.Rendering)
}

// Tell has what is seen of a variant told, once, before its first call is made.
// Without Roles nothing is.
func (r *Roles) Tell(tell func(*Variant, models.Rendering)) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell = tell
}

func (r *Roles) of(v *Variant) (models.Rendering, bool) {
	if r == nil {
		return models.Rendering{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, ok := r.seen[v]
	return seen, ok
}

func (r *Roles) note(v *Variant, seen models.Rendering) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.seen[v]; known {
		return
	}
	if r.seen == nil {
		r.seen = make(map[*Variant]models.Rendering)
	}
	r.seen[v] = seen
	if r.tell != nil {
		r.tell(v, seen)
	}
}

// Rendering is what the server makes of a variant's prompts, asked of it before
// the variant's first call; false where it does not tell.
func (e Evaluator) Rendering(ctx context.Context, v *Variant) (models.Rendering, bool, error) {
	if seen, ok := e.Roles.of(v); ok {
		return seen, true, nil
	}
	reply, err := e.Ask(ctx, Call{Variant: v, Request: models.Sample(v.Name), Shared: true, Server: e.Server})
	switch {
	case err == nil:
	case Fatal(err) && !errors.Is(err, engine.ErrNotAsked):
		return models.Rendering{}, false, err
	default:
		return models.Rendering{}, false, nil
	}
	seen, ok := models.ReadRendering(reply.Response)
	if ok {
		e.Roles.note(v, seen)
	}
	return seen, ok, nil
}

// fitted takes a call and fits it to the template that the server uses, where it
// is not sure to be the one that it shows.
func (e Evaluator) fitted(ctx context.Context) func(Call, error) (Call, error) {
	return func(c Call, err error) (Call, error) {
		if err != nil || !c.Variant.Unseen {
			return c, err
		}
		seen, ok, err := e.Rendering(ctx, c.Variant)
		if ok {
			c.Request.System, c.Request.User = messages(c.Text, !seen.System)
		}
		return c, err
	}
}
