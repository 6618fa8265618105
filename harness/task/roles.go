package task

import (
	"context"
	"errors"
	"sync"

	"perg/harness/engine"
	"perg/models"
)

// Roles remember what servers were seen to make of system texts and of ways of
// thinking, by variant: from v0.30 of Ollama on, prompts may be made by another
// template than the one that is shown, and some are made in code.
type Roles struct {
	mu   sync.Mutex
	seen map[*Variant]Seen
	tell func(*Variant, Seen)
}

// Seen is what a server was seen to make of a variant's prompts.
type Seen struct {
	models.Rendering
	// Think are the lines that the variant's way of thinking puts into them; nil where
	// that was not seen.
	Think []string
}

// Tell has what is seen of a variant told, once, before its first call is made.
// Without Roles nothing is.
func (r *Roles) Tell(tell func(*Variant, Seen)) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell = tell
}

func (r *Roles) of(v *Variant) (Seen, bool) {
	if r == nil {
		return Seen{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, ok := r.seen[v]
	return seen, ok
}

func (r *Roles) note(v *Variant, seen Seen) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.seen[v]; known {
		return
	}
	if r.seen == nil {
		r.seen = make(map[*Variant]Seen)
	}
	r.seen[v] = seen
	if r.tell != nil {
		r.tell(v, seen)
	}
}

// Rendering is what the server makes of a variant's prompts, asked of it before
// the variant's first call; false where it does not tell.
func (e Evaluator) Rendering(ctx context.Context, v *Variant) (Seen, bool, error) {
	if seen, ok := e.Roles.of(v); ok {
		return seen, true, nil
	}
	reply, err := e.Ask(ctx, Call{Variant: v, Request: models.Sample(v.Name), Shared: true, Server: e.Server})
	switch {
	case err == nil:
	case Fatal(err) && !errors.Is(err, engine.ErrNotAsked):
		return Seen{}, false, err
	default:
		return Seen{}, false, nil
	}
	var seen Seen
	var ok bool
	if seen.Rendering, ok = models.ReadRendering(reply.Response); !ok {
		return seen, false, nil
	}
	if e.lacksThinkLines(v) {
		if seen.Think, err = e.thinkLines(ctx, v); err != nil {
			return seen, false, err
		}
	}
	e.Roles.note(v, seen)
	return seen, true, nil
}

// lacksThinkLines says whether the server has to render what a variant's way of
// thinking puts into its prompts, for it to be noted.
func (e Evaluator) lacksThinkLines(v *Variant) bool {
	return e.Roles != nil && v.Way() != "" && v.Remote == "" && v.ThinkLines() == nil
}

// thinkLines are those lines; nil where the server does not tell. Its error is one
// that ends the run.
func (e Evaluator) thinkLines(ctx context.Context, v *Variant) ([]string, error) {
	think, level := v.Think, v.Level
	if level != "" {
		think = nil
	}
	with, ok, err := e.rendered(ctx, v, think, level)
	if !ok || err != nil {
		return nil, err
	}
	think, level = v.otherWay()
	without, ok, err := e.rendered(ctx, v, think, level)
	if !ok || err != nil {
		return nil, err
	}
	return models.ThinksBy(with, without), nil
}

func (e Evaluator) rendered(ctx context.Context, v *Variant, think *bool, level models.Level) (prompt string, ok bool, err error) {
	reply, err := e.Ask(ctx, Call{Variant: v, Request: models.SampleBy(v.Name, think, level), Shared: true, Server: e.Server})
	switch {
	case err == nil:
		return reply.Content, reply.DoneReason == models.Rendered, nil
	case Fatal(err) && !errors.Is(err, engine.ErrNotAsked):
		return "", false, err
	default:
		return "", false, nil
	}
}

// fitted takes a call and fits it to the template that the server uses, where it
// is not sure to be the one that it shows.
func (e Evaluator) fitted(ctx context.Context) func(Call, error) (Call, error) {
	return func(c Call, err error) (Call, error) {
		if err != nil || !c.Variant.Unseen && !e.lacksThinkLines(c.Variant) {
			return c, err
		}
		seen, ok, err := e.Rendering(ctx, c.Variant)
		if ok && c.Variant.Unseen {
			c.Request.System, c.Request.User = messages(c.Text, !seen.System)
		}
		return c, err
	}
}
