package models

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptrace"
	"time"
)

// controlTimeout bounds one attempt of a request that no model works on: all
// but chats, loads and quantizing.
const controlTimeout = 30 * time.Second

// A policy says which requests are asked again, and when. There are two:
//
//   - A request that did not reach a working Ollama ([absence]) is asked again
//     until the client's patience is over, which begins when the server is
//     first seen to be away. Nothing was done yet, so nothing is done twice.
//   - A request that reached it and broke (cut, its runner crashed, an answer
//     without an end) is made as often as attempts says. It may be what broke
//     the server, and with it what else was in flight: so a run's own calls are
//     made once, and who makes them judges.
//
// Every other error is an answer, and returned.
type policy struct {
	attempts int
}

var (
	once   = policy{attempts: 1}
	thrice = policy{attempts: 3}
)

// run makes a request under the policy. The server's being away for too long is
// ErrUnreachable; a cancelled ctx ends the waiting at once with its error, and
// its deadline ends it as the patience does.
func (p policy) run(ctx context.Context, c *Client, request func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var w waiting
	for attempt := 1; ; {
		err := request()
		var away *absence
		if errors.As(err, &away) {
			if err := w.wait(ctx, c, away); err != nil {
				return err
			}
			continue
		}
		if answered(err) {
			c.isBack()
		}
		if attempt >= p.attempts || !broke(err) {
			return err
		}
		w = waiting{}
		if err := sleep(ctx, time.Second/2<<(attempt-1)); err != nil {
			return err
		}
		attempt++
	}
}

// broke says whether a request reached the server and had no whole answer,
// which another attempt may have.
func broke(err error) bool {
	return errors.Is(err, ErrCut) || errors.Is(err, ErrRunner) || errors.Is(err, ErrIncomplete) || errors.Is(err, ErrUnloaded)
}

// answered says whether a request was heard of again.
func answered(err error) bool {
	return !errors.Is(err, ErrCut) && !errors.Is(err, ErrTimeout) && !errors.Is(err, context.Canceled)
}

// ask makes a request that no model works on.
func (c *Client) ask(ctx context.Context, p policy, method, path string, body, answer any) error {
	return p.run(ctx, c, func() error {
		ctx, cancel := context.WithTimeout(ctx, controlTimeout)
		defer cancel()
		return c.do(ctx, method, path, body, answer)
	})
}

// letFinish is the context of a request that a model works on: ctx cancels it
// as long as it has no connection. From then on the server pays for it, and it
// ends with its answer or after the limit.
func letFinish(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	stop := context.AfterFunc(ctx, cancel)
	traced := httptrace.WithClientTrace(attempt, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { stop() },
	})
	return traced, func() {
		stop()
		cancel()
	}
}

// A waiting is what one call knows of a server that is away.
type waiting struct {
	since  time.Time // zero: it is not
	pauses int
}

// wait pauses before the next attempt, or says that it is not worth one.
func (w *waiting) wait(ctx context.Context, c *Client, away *absence) error {
	if w.since.IsZero() {
		w.since = time.Now()
	}
	waited := time.Since(w.since)
	left := c.patience() - waited
	if left <= 0 {
		return c.unreachable(away, waited)
	}
	c.isAway(away, waited)
	timer := time.NewTimer(min(away.after+backoff(w.pauses), left))
	defer timer.Stop()
	w.pauses++
	select {
	case <-timer.C:
	case <-c.Gone:
	case <-ctx.Done():
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ctx.Err() != nil, closed(c.Gone):
		return c.unreachable(away, time.Since(w.since))
	default:
		return nil
	}
}

func (c *Client) unreachable(away *absence, waited time.Duration) error {
	unit := time.Second
	if waited < 10*time.Second {
		unit = 10 * time.Millisecond
	}
	why := ""
	if closed(c.Gone) {
		why = ", and it will not be started again"
	}
	return fmt.Errorf("%w: %s, waited %s for it to come back%s; the last that was heard: %s", ErrUnreachable, c.Host(), waited.Round(unit), why, away.cause)
}

// isAway reports that the server is away, once for all calls. A server that is
// busy does answer: that is worth a word only where it lasts.
func (c *Client) isAway(away *absence, waited time.Duration) {
	what := "does not answer"
	if away.kind == ErrBusy {
		if what = "is busy"; waited < time.Second {
			return
		}
	}
	if c.away.CompareAndSwap(false, true) {
		c.report(fmt.Sprintf("%s %s (%s), waiting up to %s for it to come back", c.Host(), what, away.cause, c.patience()))
	}
}

func (c *Client) isBack() {
	if c.away.CompareAndSwap(true, false) {
		c.report(c.Host() + " answers again")
	}
}

func (c *Client) report(text string) {
	if c.Report != nil {
		c.Report(text)
	}
}

func (c *Client) patience() time.Duration {
	if c.Patience > 0 {
		return c.Patience
	}
	return 2 * time.Minute
}

// backoff is 50 ms doubled with every pause up to 5 s, less up to a half:
// calls that failed together do not come back together.
func backoff(pauses int) time.Duration {
	d := min(50*time.Millisecond<<min(pauses, 10), 5*time.Second)
	return d - rand.N(d/2)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
