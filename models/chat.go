package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/ollama/ollama/api"
)

// keepLoaded keeps a model in memory between calls whatever OLLAMA_KEEP_ALIVE
// says: a server set to unload at once would load the model for every call.
const keepLoaded = 30 * time.Minute

// Options are the settings of a call that change its response. Everything
// else that could is fixed: temperature 0 and repeat_penalty 1.0, because
// defaults differ between versions.
type Options struct {
	NumCtx     int `json:"num_ctx"`     // tokens; the same for every call to a variant, or the server reloads it
	NumPredict int `json:"num_predict"` // most tokens to generate
	Seed       int `json:"seed"`
}

func (o Options) api() map[string]any {
	return map[string]any{
		"num_ctx":        o.NumCtx,
		"num_predict":    o.NumPredict,
		"seed":           o.Seed,
		"temperature":    0,
		"repeat_penalty": 1.0,
	}
}

// A Request is one chat call: a system and a user message.
type Request struct {
	Model   string
	System  string // no system message where empty
	User    string
	Options Options
	Format  json.RawMessage // JSON schema of the answer; nil for free text
	Think   *bool           // nil where the model has no such capability
}

// A Response is a whole answer: one that the server said is done.
type Response struct {
	Content      string
	Thinking     string
	DoneReason   string // "stop", or "length" where num_predict or the context ended it
	PromptTokens int
	OutputTokens int
	Total        time.Duration // as the server measured it, queueing included
	Load         time.Duration
	PromptEval   time.Duration
	Eval         time.Duration
	StartedAt    time.Time // of the attempt that succeeded
}

// Chat makes one call and guards it: an over-long prompt is ErrContextOverflow
// rather than silently cut (truncate and shift are off), and a response
// without done is ErrIncomplete. A busy server and one that went away are
// waited for within c.Patience; a cut connection is tried again twice, a
// crashed runner and an incomplete response once. The error is that of the
// last attempt.
//
// Cancelling ctx ends the waiting and the trying again. An attempt in flight is
// let finish: the server has already paid for it.
func (c *Client) Chat(ctx context.Context, r Request) (Response, error) {
	deadline := time.Now().Add(c.patience())
	var cut, again int
	for attempt := 0; ; attempt++ {
		resp, err := c.chatOnce(ctx, r)
		if err == nil {
			return resp, nil
		}
		switch {
		case ctx.Err() != nil:
			return Response{}, err
		case errors.Is(err, ErrBusy):
			if time.Now().After(deadline) {
				return Response{}, err
			}
			if err := pause(ctx, attempt); err != nil {
				return Response{}, err
			}
		case errors.Is(err, ErrUnreachable), errors.Is(err, ErrCut):
			if cut++; cut > 2 && errors.Is(err, ErrCut) {
				return Response{}, err
			}
			if err := c.await(ctx, deadline); err != nil {
				return Response{}, err
			}
		case errors.Is(err, ErrRunner), errors.Is(err, ErrIncomplete):
			if again++; again > 1 {
				return Response{}, err
			}
		default:
			return Response{}, err
		}
	}
}

func (c *Client) chatOnce(ctx context.Context, r Request) (Response, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.callTimeout())
	defer cancel()
	no := false
	req := api.ChatRequest{
		Model:     r.Model,
		Stream:    &no,
		Truncate:  &no,
		Shift:     &no,
		Format:    r.Format,
		KeepAlive: &api.Duration{Duration: keepLoaded},
		Options:   r.Options.api(),
	}
	if r.System != "" {
		req.Messages = append(req.Messages, api.Message{Role: "system", Content: r.System})
	}
	req.Messages = append(req.Messages, api.Message{Role: "user", Content: r.User})
	if r.Think != nil {
		req.Think = &api.ThinkValue{Value: *r.Think}
	}
	started := time.Now()
	var a api.ChatResponse
	if err := c.do(ctx, http.MethodPost, "/api/chat", req, &a); err != nil {
		return Response{}, err
	}
	if !a.Done {
		return Response{}, fmt.Errorf("%w: the model repeated itself, or its runner stopped, after %q", ErrIncomplete, tail(a.Message.Content))
	}
	return Response{
		Content:      a.Message.Content,
		Thinking:     a.Message.Thinking,
		DoneReason:   a.DoneReason,
		PromptTokens: a.PromptEvalCount,
		OutputTokens: a.EvalCount,
		Total:        a.TotalDuration,
		Load:         a.LoadDuration,
		PromptEval:   a.PromptEvalDuration,
		Eval:         a.EvalDuration,
		StartedAt:    started,
	}, nil
}

// await waits until the server answers, or fails with ErrUnreachable.
func (c *Client) await(ctx context.Context, deadline time.Time) error {
	for attempt := 0; ; attempt++ {
		_, err := c.Version(ctx)
		if err == nil {
			if c.away.CompareAndSwap(true, false) {
				c.report(c.Host() + " answers again")
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if c.away.CompareAndSwap(false, true) {
			c.report(fmt.Sprintf("%s does not answer, waiting up to %s for it to come back", c.Host(), c.patience()))
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %s, waited %s for it to come back", ErrUnreachable, c.Host(), c.patience())
		}
		if err := pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (c *Client) report(text string) {
	if c.Report != nil {
		c.Report(text)
	}
}

// pause sleeps 50 ms doubled with every attempt up to 5 s, less up to a half:
// calls that failed together do not come back together.
func pause(ctx context.Context, attempt int) error {
	d := min(50*time.Millisecond<<min(attempt, 10), 5*time.Second)
	d -= rand.N(d / 2)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (c *Client) patience() time.Duration {
	if c.Patience > 0 {
		return c.Patience
	}
	return 2 * time.Minute
}

func (c *Client) callTimeout() time.Duration {
	if c.CallTimeout > 0 {
		return c.CallTimeout
	}
	return 30 * time.Minute
}

// tail is the end of a text, for an error message.
func tail(s string) string {
	const enough = 60
	runes := []rune(s)
	if len(runes) > enough {
		return "..." + string(runes[len(runes)-enough:])
	}
	return s
}
