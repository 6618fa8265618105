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
// else that could is fixed: the penalties, which models may have of their own and
// whose defaults differ between versions, and num_batch, which v0.30 and later
// choose by the memory that is free: logits differ with it, and a call with another
// one than the load's has the model loaded anew.
type Options struct {
	NumCtx      int     `json:"num_ctx"`     // tokens; the same for every call to a variant, or the server reloads it
	NumPredict  int     `json:"num_predict"` // most tokens to generate
	Seed        int     `json:"seed"`
	Temperature float64 `json:"temperature,omitempty"` // 0: the likeliest token is taken; else one is drawn, as the model's own top_k and top_p say
}

// api are the options as they are sent. Two of them only let the server take the
// likeliest token sooner, and cannot change which one that is: at temperature 0
// one candidate (top_k) is as good as forty, and where nothing is penalized no
// token has to be looked up among the last ones (repeat_last_n). An 8B on an H200
// gave 439 tokens/s with them and 399 without, sixteen calls at a time (Ollama
// 0.33.0). They are no part of what a reply is kept under.
func (o Options) api() map[string]any {
	options := map[string]any{
		"num_ctx":           o.NumCtx,
		"num_batch":         batch,
		"num_predict":       o.NumPredict,
		"seed":              o.Seed,
		"temperature":       o.Temperature,
		"repeat_penalty":    1.0,
		"presence_penalty":  0.0,
		"frequency_penalty": 0.0,
		"repeat_last_n":     0,
	}
	if o.Temperature == 0 {
		options["top_k"] = 1
	}
	return options
}

// Most is the most tokens that a model makes for the request: a thought's and an
// answer's.
func (r Request) Most() int { return r.Thought + r.Options.NumPredict }

// Thinks says whether the model is asked to think, or does in any case.
func (r Request) Thinks() bool { return r.Level != "" || r.Aloud || r.Think != nil && *r.Think }

// streams says whether the answer has to come in pieces: to end a thought, and to
// tell it from what follows.
func (r Request) streams() bool { return r.Thinks() && !r.Render }

// options are a call's as they are sent.
func (r Request) options() map[string]any {
	options := r.Options.api()
	options["num_predict"] = r.Most()
	return options
}

// A Request is one chat call: a system and a user message.
type Request struct {
	Model   string
	System  string // no system message where empty
	User    string
	Options Options
	Format  json.RawMessage // JSON schema of the answer; nil for free text
	Think   *bool           // nil where the model has no such capability
	Level   Level           // of thinking, in place of Think; "": none
	Aloud   bool            // it thinks, and its thought is a part of what it says
	// Thought is the most tokens of a thought, beside those of the answer that
	// Options has; 0: they are for both.
	Thought int
	// Render asks for no answer but for the prompt that the model would get,
	// which is the response's Content. DoneReason says what came of it.
	Render bool
}

// What comes of a request with Render, as DoneReason.
const (
	Rendered    = "rendered"
	NotRendered = "not rendered" // the server does not know how, and answered
	Refused     = "refused"      // the chat template takes no such messages
)

// A Response is a whole answer: one that the server said is done.
type Response struct {
	Content      string
	Thinking     string
	DoneReason   string // "stop", or "length" where num_predict or the context ended it, or another of Done...; see Request.Render
	PromptTokens int
	OutputTokens int
	// ThinkingTokens are those of the output that are of the thought; nil where
	// there is none, or it was not counted.
	ThinkingTokens *int
	Total          time.Duration // as the server measured it, queueing included
	Load           time.Duration
	PromptEval     time.Duration
	Eval           time.Duration
	StartedAt      time.Time // of the attempt that succeeded
}

// Chat makes one call and guards it: an over-long prompt is ErrContextOverflow
// rather than silently cut (truncate and shift are off), and a response
// without done is ErrIncomplete, one that no model gave ErrUnloaded. A server that is away is waited for within
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
		Options:   r.options(),

		DebugRenderOnly: r.Render,
	}
	if r.System != "" {
		req.Messages = append(req.Messages, api.Message{Role: "system", Content: r.System})
	}
	req.Messages = append(req.Messages, api.Message{Role: "user", Content: r.User})
	switch {
	case r.Level != "":
		req.Think = &api.ThinkValue{Value: string(r.Level)}
	case r.Think != nil:
		req.Think = &api.ThinkValue{Value: *r.Think}
	}
	started := time.Now()
	of := c.feel(cancel)
	defer c.pulse.leave(of)
	var a api.ChatResponse
	var err error
	if r.streams() {
		yes := true
		req.Stream = &yes
		var resp Response
		if resp, err = c.stream(ctx, r, req, started); err == nil {
			return resp, nil
		}
	} else {
		err = c.do(ctx, http.MethodPost, "/api/chat", req, &a)
	}
	if err != nil {
		if of.hangs.Load() {
			return Response{}, fmt.Errorf("%w: %s took a call and has answered nothing for %s", ErrUnreachable, c.Host(), c.patience())
		}
		if r.Render && refuses(err) {
			return Response{DoneReason: Refused, StartedAt: started}, nil
		}
		return Response{}, err
	}
	if r.Render {
		return rendering(a, started), nil
	}
	if !a.Done {
		return Response{}, fmt.Errorf("%w: the model repeated itself, or its runner stopped, after %q", ErrIncomplete, tail(a.Message.Content))
	}
	if a.DoneReason == "load" || a.DoneReason == "unload" {
		return Response{}, fmt.Errorf("%w: %s ended the call to %s with done_reason %s", ErrUnloaded, c.Host(), r.Model, a.DoneReason)
	}
	if a.DoneReason == DoneLength && r.Format == nil && loops(a.Message.Content) {
		a.DoneReason = DoneLoop
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
