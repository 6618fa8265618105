package harness

import (
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

// warnOf says what a version of Ollama does that harms a run of a roster.
func warnOf(version string, r task.Roster, warn func(string)) {
	thinks := func(v *task.Variant) bool { return v.Think != nil && !v.AlwaysThinks() }
	for _, h := range models.Harms(version) {
		if h.Use == models.UseSchemas && !slices.ContainsFunc(r.Scorers(), thinks) {
			continue
		}
		warn(fmt.Sprintf("Ollama %s %s; %s", version, h.Text, h.Install()))
	}
}

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

// soundInMemory does so for a scorer that a server has in memory, so that one
// that is not is found out before anything was answered.
func soundInMemory(t *task.Task, r task.Roster, s *store.Store, client fleet.Client, version string) inMemory {
	return func(ctx context.Context, v *task.Variant, numCtx int) error {
		if !r.Scores(v) {
			return nil
		}
		e := task.Evaluator{Task: t, Ask: asking(s, client, numCtx), Server: version}
		return unsound(e.Probe(ctx, v, slices.Contains(r.Judges, v), v == r.Extractor && !r.Rerating), version)
	}
}

// asking asks the store, and then a server that has the model in memory with so
// many tokens of context.
func asking(s *store.Store, client fleet.Client, numCtx int) task.Ask {
	return func(ctx context.Context, c task.Call) (store.Reply, error) {
		if reply, ok, err := s.Get(ctx, c.Key()); ok || err != nil {
			return reply, err
		}
		c.Request.Options.NumCtx = numCtx
		resp, err := client.Chat(ctx, c.Request)
		switch {
		case ctx.Err() != nil:
			return store.Reply{}, ctx.Err()
		case err != nil:
			return store.Reply{}, &engine.FailedError{Failure: store.Failure{Reason: models.Reason(err), Message: err.Error(), At: time.Now()}}
		}
		reply := store.Reply{Response: resp, Host: client.Host()}
		_, err = s.Put(ctx, c.Key(), reply)
		return reply, err
	}
}
