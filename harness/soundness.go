package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/hint"
	"perg/harness/store"
	"perg/harness/task"
	"perg/models"
)

// unsound is an error with what to do about it, where it is a scorer's that is
// not held to its schema.
func unsound(err error, version string) error {
	var schema *task.SchemaError
	if !errors.As(err, &schema) {
		return err
	}
	advice := "name another model with --judge or --extractor"
	for _, h := range models.Harms(version) {
		if h.Use == models.UseSchemas {
			advice = h.Install() + ", or " + advice
		}
	}
	return &hint.Error{Err: fmt.Errorf("%w (Ollama %s)", err, version), Hint: advice}
}

// sound makes sure, once, that a scorer is held to the schemas of its answers.
func (p *Plan) sound(by *task.Variant) func(context.Context, task.Evaluator) error {
	var known atomic.Bool
	return func(ctx context.Context, e task.Evaluator) error {
		if known.Load() {
			return nil
		}
		err := e.Probe(ctx, by, slices.Contains(p.Judges, by), by == p.Extractor && !p.Rerating)
		known.Store(err == nil)
		return unsound(err, p.Server)
	}
}

// probeEarly asks those scorers that the server's version may not hold to a
// schema before anything is answered: to load one costs less than the answers of
// a run that it ends.
func probeEarly(ctx context.Context, t *task.Task, r task.Roster, sizes Sizes, s *store.Store, client fleet.Client, version string, say func(string)) error {
	for _, v := range r.Scorers() {
		if !v.MayDropSchemas(version) {
			continue
		}
		asked := false
		e := task.Evaluator{Task: t, Server: version, Ask: asking(s, client, version, sizes.Of[v].NumCtx, func() {
			if !asked {
				say(fmt.Sprintf("loading %s to see whether Ollama %s holds it to the schema of its answers", v.Name, version))
			}
			asked = true
		})}
		err := unsound(e.Probe(ctx, v, slices.Contains(r.Judges, v), v == r.Extractor && !r.Rerating), version)
		if asked {
			// The next one may not fit beside it.
			err = cmp.Or(err, client.Unload(context.WithoutCancel(ctx), v.Name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// asking asks the store, and then a server of a version, with so many tokens of
// context; it tells before.
func asking(s *store.Store, client fleet.Client, version string, numCtx int, tell func()) task.Ask {
	return func(ctx context.Context, c task.Call) (store.Reply, error) {
		key := c.Key() // before the call has a context, which no key has
		if reply, ok, err := s.Get(ctx, key); ok || err != nil {
			return reply, err
		}
		tell()
		c.Request.Options.NumCtx = numCtx
		resp, err := client.Chat(ctx, c.Request)
		switch {
		case ctx.Err() != nil:
			return store.Reply{}, ctx.Err()
		case err != nil:
			return store.Reply{}, &engine.FailedError{Failure: store.Failure{Reason: models.Reason(err), Message: err.Error(), At: time.Now()}}
		}
		reply := store.Reply{Response: resp, Host: client.Host(), Version: version}
		_, err = s.Put(ctx, key, reply)
		return reply, err
	}
}
