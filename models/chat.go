package models

import (
	"context"
	"encoding/json"
	"fmt"
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
// without done is ErrIncomplete. A server that is away is waited for within
// c.Patience (ErrUnreachable); all that went wrong once the server had the
// request is returned at once: ErrCut, ErrRunner, ErrIncomplete, ErrTimeout,
// ErrMemory, ErrModelNotFound, ErrContextOverflow, another [ServerError].
//
// A server that takes the call and does not answer anything any more, not even
// /api/version, is ErrUnreachable after the same time.
//
// Cancelling ctx ends the waiting. A request that has reached the server is
// let finish: the server has already paid for it.
func (c *Client) Chat(ctx context.Context, r Request) (Response, error) {
	return c.chat(ctx, once, r)
}

func (c *Client) chat(ctx context.Context, p policy, r Request) (resp Response, err error) {
	err = p.run(ctx, c, func() (err error) {
		resp, err = c.chatOnce(ctx, r)
		return err
	})
	return resp, err
}

func (c *Client) chatOnce(ctx context.Context, r Request) (Response, error) {
	ctx, cancel := letFinish(ctx, c.callTimeout())
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
	of := c.feel(cancel)
	defer c.pulse.leave(of)
	var a api.ChatResponse
	if err := c.do(ctx, http.MethodPost, "/api/chat", req, &a); err != nil {
		if of.hangs.Load() {
			return Response{}, fmt.Errorf("%w: %s took a call and has answered nothing for %s", ErrUnreachable, c.Host(), c.patience())
		}
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
