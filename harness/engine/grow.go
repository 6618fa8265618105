package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"perg/models"
)

// A fullError is a context that was full before an answer had the tokens that it may
// have.
type fullError struct {
	numCtx int
	said   models.Response
	took   time.Duration
}

func (e *fullError) Error() string {
	return fmt.Sprintf("%v: %d tokens were full after %d of the answer's", models.ErrContextOverflow, e.numCtx, e.said.OutputTokens)
}

// thoughtFills says whether it was a thought that filled a bound.
func (e *fullError) thoughtFills(b Bound) bool {
	return b.NumCtx > 0 && e.numCtx >= b.NumCtx && strings.TrimSpace(e.said.Content) == "" && strings.TrimSpace(e.said.Thinking) != ""
}

func (e *fullError) Unwrap() error { return models.ErrContextOverflow }

// grow gives a model more context, where the thought of a call did not fit the one
// that it was sent with: twice as much, up to what its longest thought may need, and
// as many slots less as the same memory holds. It is false where it has no more to
// give: the call fails. Another call may have had it grown meanwhile.
func (l *lane) grow(ctx context.Context, sentWith int) (bool, error) {
	if err := l.gate.Acquire(ctx, everything); err != nil {
		return false, err
	}
	defer l.gate.Release(everything)
	if l.numCtx > sentWith {
		return true, nil
	}
	slots, numCtx := larger(l.want.Slots, l.numCtx, l.job.Model.Grown)
	if l.full || numCtx <= l.numCtx {
		return false, nil
	}
	l.engine.Warn(fmt.Sprintf("a thought of %s did not fit %d tokens of context: it goes on with %d", l.job.Model.Label, l.numCtx, numCtx))
	l.want.Slots, l.numCtx = slots, numCtx
	l.fresh.Store(false)
	if err := l.loadAlone(ctx); err != nil {
		return false, err
	}
	return l.numCtx > sentWith, nil
}

// larger is the next larger way to load a model, up to a context: slots is 0 where
// they are not known.
func larger(slots, numCtx, most int) (lessSlots, moreCtx int) {
	more := min(2*numCtx, most)
	if slots > 1 && more > 0 {
		slots = max(1, slots*numCtx/more)
	}
	return slots, more
}
