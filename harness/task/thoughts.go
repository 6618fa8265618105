package task

import (
	"context"
	"errors"
	"fmt"

	"perg/harness/engine"
)

// Thoughts are how long a variant's thoughts are likely to be, in tokens.
type Thoughts struct {
	Mean     int
	Most     int // that its context should hold beside its longest call
	Measured int // thoughts that this was measured in; 0: it is a guess
}

// String says what is planned with; "" where it does not think.
func (t Thoughts) String() string {
	switch {
	case t.Most == 0:
		return ""
	case t.Measured == 0:
		return fmt.Sprintf("thoughts are guessed at %d tokens, with a context for %d; a longer one has it grow", t.Mean, t.Most)
	default:
		return fmt.Sprintf("thoughts have %d tokens, as %d of its first ones had, with a context for %d; a longer one has it grow", t.Mean, t.Measured, t.Most)
	}
}

const (
	// guessedThought and guessedMost are of models of 7B to 32B on questions with
	// options, whose thoughts are said to have 500 to 8,000 tokens.
	guessedThought, guessedMost = 1000, 3000
	firstThoughts               = 64  // generations that are looked at
	enoughThoughts              = 5   // thoughts that say more than a guess
	longerThought               = 1.5 // than the longest that was seen
)

// ThoughtsOf are those of a variant, as its first generations had them, where an ask
// knows those, else a guess; none of a variant that has no thoughts of its own limit.
func (t *Task) ThoughtsOf(ctx context.Context, v *Variant, known Ask) (Thoughts, error) {
	limit := t.ThoughtTokens(v)
	if limit == 0 {
		return Thoughts{}, nil
	}
	sum, n, longest := 0, 0, 0
	e := Evaluator{Task: t, Ask: known}
	a := t.Arrange(v)
	for place := range min(firstThoughts, a.Len()) {
		s, err := e.Generate(ctx, a.Generation(place))
		if Fatal(err) && !errors.Is(err, engine.ErrNotAsked) {
			return Thoughts{}, err
		}
		if s.Reply == nil || s.Reply.ThinkingTokens == nil {
			continue
		}
		n, sum, longest = n+1, sum+*s.Reply.ThinkingTokens, max(longest, *s.Reply.ThinkingTokens)
	}
	if n < enoughThoughts {
		return Thoughts{Mean: min(limit, guessedThought), Most: min(limit, guessedMost)}, nil
	}
	return Thoughts{Mean: sum / n, Most: min(limit, int(longerThought*float64(longest))), Measured: n}, nil
}
