package models

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
)

// Why an answer was ended before its own end, as DoneReason.
const (
	DoneThought = "thinking_budget" // its thought took more than Request.Thought
	DoneLoop    = "loop"            // it said the same over and over
	DoneLength  = "length"          // as Ollama has it: num_predict, or the context
	DoneContext = "context"         // the server broke it off, as its context was full
	// What filled the most context that it may have in a run.
	DoneNumCtx  = "num_ctx"         // --num-ctx
	DoneTrained = "trained_context" // what the model was trained for
)

// Ended says whether perg ended the answer, and its figures are perg's.
func (r Response) Ended() bool {
	return r.Cut() && r.PromptTokens == 0
}

// Cut says whether the answer was ended by a limit, or in a loop, before its own
// end.
func (r Response) Cut() bool {
	switch r.DoneReason {
	case DoneLength, DoneThought, DoneLoop, DoneContext, DoneNumCtx, DoneTrained:
		return true
	}
	return false
}

// Full says whether the context was too small for the answer to a request: with a
// larger one it would go on.
func (r Response) Full(of Request) bool {
	return r.DoneReason == DoneContext || r.Cut() && !r.Ended() && r.OutputTokens < of.Most()
}

// loopEvery is after how many pieces a text is looked at for loops.
const loopEvery = 64

// A heard is what came of a stream so far.
type heard struct {
	thought, said  strings.Builder
	thoughts, says int // pieces: each a token, or more where the server holds some back
	began          time.Time
	thoughtEnded   time.Time // when the last piece of a thought came
	last           time.Time
	gaps           [16]time.Duration // between the last pieces
	pieces         int               // after the first
	over           bool              // a thought that is a part of the answer has ended
	ended          string            // why perg ended it; "": it did not
}

// stream makes a call whose answer comes in pieces, and ends it where its thought
// or its answer has had its tokens, or loops. Ollama has one limit for both.
func (c *Client) stream(ctx context.Context, r Request, req api.ChatRequest, started time.Time) (Response, error) {
	resp, err := c.send(ctx, http.MethodPost, "/api/chat", req)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	var h heard
	var last api.ChatResponse
	lines := bufio.NewReader(io.LimitReader(resp.Body, maxBody))
	for !last.Done && h.ended == "" {
		line, err := lines.ReadBytes('\n')
		if message, ok := messageIn(line); ok {
			err := c.stated(resp.StatusCode, message)
			if errors.Is(err, ErrContextOverflow) && h.text() != "" {
				h.ended = DoneContext // llama-server has no done_reason for that
				break
			}
			return Response{}, err
		}
		if len(strings.TrimSpace(string(line))) > 0 {
			var a api.ChatResponse
			if err := c.decode(resp.StatusCode, "/api/chat", line, &a); err != nil {
				return Response{}, err
			}
			last = a
			h.add(a.Message, r)
		}
		switch {
		case errors.Is(err, io.EOF) && !last.Done:
			if repeats(h.text(), 30, 10) {
				h.ended = DoneLoop // which the server notices, too, and says nothing
				break
			}
			return Response{}, fmt.Errorf("%w: the model repeated itself, or its runner stopped, after %q", ErrIncomplete, tail(h.text()))
		case err != nil && !errors.Is(err, io.EOF):
			return Response{}, c.broken(ctx, err)
		}
	}
	if last.DoneReason == "load" || last.DoneReason == "unload" {
		return Response{}, fmt.Errorf("%w: %s ended the call to %s with done_reason %s", ErrUnloaded, c.Host(), r.Model, last.DoneReason)
	}
	if h.ended != "" && h.rushes() {
		io.Copy(io.Discard, lines)
	}
	return h.response(ctx, c, r, last, started), nil
}

// rushes says whether pieces come so fast that the stream is better read to its end,
// which is near, than closed. Ollama (0.17.4 and 0.33, ChatHandler) hands each on to a
// goroutine that is gone once the client is: one that comes in that moment waits for
// good, and holds one of the server's slots for as long. The usual time between the
// last pieces says it: on a machine that is busy some come late, and the others no less
// close together.
func (h *heard) rushes() bool {
	const closing = 2 * time.Millisecond // for which a server takes far less
	last := slices.Clone(h.gaps[:min(h.pieces, len(h.gaps))])
	slices.Sort(last)
	return len(last) > 0 && last[(len(last)-1)/2] < closing
}

func (h *heard) text() string { return h.thought.String() + h.said.String() }

// add takes a piece in.
func (h *heard) add(m api.Message, r Request) {
	now := time.Now()
	if m.Thinking == "" && m.Content == "" {
		return
	}
	if h.began.IsZero() {
		h.began = now
	} else {
		h.gaps[h.pieces%len(h.gaps)] = now.Sub(h.last)
		h.pieces++
	}
	h.last = now
	if m.Thinking != "" {
		h.thoughts++
		h.thought.WriteString(m.Thinking)
		h.thoughtEnded = now
	}
	if m.Content != "" {
		h.says++
		h.said.WriteString(m.Content)
		if r.Aloud && !h.over {
			h.thoughts, h.says, h.thoughtEnded = h.thoughts+1, h.says-1, now
			if strings.ContainsAny(m.Content, ">]") { // as every closing mark ends
				_, _, _, h.over = divide(h.said.String())
			}
		}
	}
	switch {
	case r.Thought > 0 && h.thoughts > r.Thought && h.says == 0:
		h.ended = DoneThought
	case r.Thought > 0 && h.says > r.Options.NumPredict:
		h.ended = DoneLength
	case (h.thoughts+h.says)%loopEvery == 0 && (loops(h.said.String()) || h.said.Len() == 0 && loops(h.thought.String())):
		h.ended = DoneLoop
	}
}

// response is what a stream came to. Where the server had two passes, for a thought
// and for an answer of a given form, its figures are of the second: the first's
// tokens and time are added as they were seen here. Of an answer that perg ended it
// has no figures: they are perg's, and the tokens of the prompt are not known.
func (h *heard) response(ctx context.Context, c *Client, r Request, last api.ChatResponse, started time.Time) Response {
	out := Response{
		Content: h.said.String(), Thinking: h.thought.String(), DoneReason: last.DoneReason,
		PromptTokens: last.PromptEvalCount, OutputTokens: last.EvalCount,
		Total: last.TotalDuration, Load: last.LoadDuration, PromptEval: last.PromptEvalDuration, Eval: last.EvalDuration,
		StartedAt: started,
	}
	if h.ended != "" {
		out.DoneReason, out.OutputTokens = h.ended, h.thoughts+h.says
		out.Total, out.Eval = time.Since(started), h.last.Sub(h.began)
	}
	if r.Aloud {
		out = out.apart(h.ended != "" || last.DoneReason == DoneLength)
	}
	if out.Thinking == "" {
		return out
	}
	thought := c.tokensOf(ctx, r.Model, out.Thinking, h.thoughts)
	if h.ended == "" && last.EvalCount < h.thoughts+h.says {
		out.OutputTokens += thought
		out.Eval += h.thoughtEnded.Sub(h.began)
	}
	out.ThinkingTokens = new(min(thought, max(0, out.OutputTokens-h.says)))
	return out
}

// apart has the thought of an answer that was thought aloud apart from it; cut
// says that it did not end by itself.
func (r Response) apart(cut bool) Response {
	thought, rest, opened, ended := divide(r.Content)
	if ended || opened || cut {
		r.Thinking, r.Content = thought, rest
	}
	return r
}
