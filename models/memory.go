package models

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/ollama/ollama/api"
)

// Loaded is a model in a server's memory, as /api/ps lists it.
type Loaded struct {
	Digest        string
	Size          int64 // bytes, all of it
	VRAM          int64 // bytes in GPU memory; less than Size means that part of it runs on the CPU
	ContextLength int   // tokens per slot
}

// Load brings a model into memory with the options its calls will use and
// returns once the server has it. It goes on when ctx is cancelled: a client
// that goes away during a load makes v0.17.4 abort it half-way.
func (c *Client) Load(ctx context.Context, model string, o Options) (Loaded, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.callTimeout())
	defer cancel()
	deadline := time.Now().Add(c.patience())
	req := api.ChatRequest{
		Model:     model,
		Messages:  []api.Message{},
		KeepAlive: &api.Duration{Duration: keepLoaded},
		Options:   o.api(),
	}
	for attempt := 0; ; attempt++ {
		var a api.ChatResponse
		err := c.do(ctx, http.MethodPost, "/api/chat", req, &a)
		if err == nil {
			break
		}
		if attempt == 2 {
			return Loaded{}, fmt.Errorf("load %s: %w", model, err)
		}
		switch Reason(err) {
		case ErrBusy.Error(), ErrRunner.Error():
			err = pause(ctx, attempt)
		case ErrUnreachable.Error(), ErrCut.Error():
			err = c.await(ctx, deadline)
		}
		if err != nil {
			return Loaded{}, fmt.Errorf("load %s: %w", model, err)
		}
	}
	l, ok, err := c.loaded(ctx, model)
	if err != nil {
		return Loaded{}, fmt.Errorf("load %s: %w", model, err)
	}
	if !ok {
		return Loaded{}, fmt.Errorf("load %s: the server said it is loaded, but /api/ps does not list it", model)
	}
	return l, nil
}

// Unload takes a model out of memory and waits until /api/ps no longer lists
// it, at most c.Patience. No call to it may be in flight.
func (c *Client) Unload(ctx context.Context, model string) error {
	req := api.ChatRequest{
		Model:     model,
		Messages:  []api.Message{},
		KeepAlive: &api.Duration{},
		Options:   map[string]any{},
	}
	var a api.ChatResponse
	if err := c.do(ctx, http.MethodPost, "/api/chat", req, &a); err != nil {
		return fmt.Errorf("unload %s: %w", model, err)
	}
	deadline := time.Now().Add(c.patience())
	for attempt := 0; ; attempt++ {
		_, ok, err := c.loaded(ctx, model)
		if err != nil {
			return fmt.Errorf("unload %s: %w", model, err)
		}
		if !ok {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("unload %s: still in memory after %s; another client may be using it", model, c.patience())
		}
		if err := pause(ctx, attempt); err != nil {
			return fmt.Errorf("unload %s: %w", model, err)
		}
	}
}

// loaded looks a model up in /api/ps. Not to be called during a load: that can
// crash a v0.17.4 server.
func (c *Client) loaded(ctx context.Context, model string) (Loaded, bool, error) {
	var list api.ProcessResponse
	if err := c.do(ctx, http.MethodGet, "/api/ps", nil, &list); err != nil {
		return Loaded{}, false, err
	}
	for _, m := range list.Models {
		if sameModel(m.Name, model) {
			return Loaded{Digest: m.Digest, Size: m.Size, VRAM: m.SizeVRAM, ContextLength: m.ContextLength}, true, nil
		}
	}
	return Loaded{}, false, nil
}
