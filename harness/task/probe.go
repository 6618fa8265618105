package task

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"perg/harness/engine"
	"perg/harness/extract"
	"perg/harness/judge"
	"perg/harness/store"
)

// A SchemaError is a scorer whose server does not hold it to the schema of its
// answers: none of them could be read.
type SchemaError struct {
	By   *Variant
	What string // it was asked for
	Said string
	Err  error // why that cannot be read
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("%s was asked for %s by a JSON schema and said %q: %v", e.By.Name, e.What, e.Said, e.Err)
}

func (e *SchemaError) Unwrap() error { return e.Err }

// What a scorer is probed with.
const (
	probedQuestion   = "Which planet is the largest?\nA) Mars\nB) Jupiter"
	probedPreference = "I prefer short answers."
	probedPlain      = "Of all the planets Jupiter is the largest. The answer is B."
	probedResponse   = "B) Jupiter"
)

// Probe asks a scorer for a rating, a reading or both, as it will be asked. The
// error is a *SchemaError, or one that ends the run as it is; a call that fails
// tells nothing.
func (e Evaluator) Probe(ctx context.Context, by *Variant, rates, reads bool) error {
	if rates {
		text, err := e.Prompts.Judge(probedQuestion, probedPreference, probedPlain, probedResponse, false)
		if err != nil {
			return err
		}
		err = e.probe(ctx, e.call(by, text, judge.MaxTokens, judge.Schema), "a rating", func(said string) error {
			_, err := judge.Parse(said)
			return err
		})
		if err != nil {
			return err
		}
	}
	if !reads {
		return nil
	}
	options := []string{"Mars", "Jupiter"}
	text, err := e.Prompts.Extract(options, probedResponse)
	if err != nil {
		return err
	}
	return e.probe(ctx, e.call(by, text, extract.MaxTokens, extract.Schema(len(options))), "a choice", func(said string) error {
		_, _, err := extract.ParseChoice(said, len(options))
		return err
	})
}

func (e Evaluator) probe(ctx context.Context, c Call, what string, read func(said string) error) error {
	c, err := e.fitted(ctx)(c, nil)
	if err != nil {
		return err
	}
	c.Shared, c.Server = true, e.Server
	reply, err := e.Ask(ctx, c)
	var failed *engine.FailedError
	switch {
	case errors.As(err, &failed):
		return nil
	case err != nil:
		return err
	}
	if err := read(reply.Content); err != nil && !cutShort(reply) {
		return &SchemaError{c.Variant, what, reply.Content, err}
	}
	return nil
}

// cutShort says whether an answer was on its way to be an object: its model is
// held to the schema, and says too much.
func cutShort(r store.Reply) bool {
	return r.Cut() && strings.HasPrefix(strings.TrimSpace(r.Content), "{")
}
