package models

import (
	"context"
	"errors"
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
// returns once the server has it. A server that is away is waited for
// (ErrUnreachable), a load that was cut or whose runner died is made up to
// three times; ErrMemory, ErrModelNotFound and others are returned at once.
//
// Cancelling ctx makes it return at once. A load that the server has begun
// then goes on in the background, for c.CallTimeout at most: a client that
// goes away during a load makes v0.17.4 abort it half-way.
func (c *Client) Load(ctx context.Context, model string, o Options) (Loaded, error) {
	for range 2 {
		err := thrice.run(ctx, c, func() error { return c.loadOnce(ctx, model, o) })
		if err != nil {
			return Loaded{}, fmt.Errorf("load %s: %w", model, err)
		}
		l, ok, err := c.listed(ctx, model)
		if err != nil {
			return Loaded{}, fmt.Errorf("load %s: %w", model, err)
		}
		if ok {
			return l, nil
		}
	}
	return Loaded{}, fmt.Errorf("load %s: %s said twice that it is loaded, and /api/ps does not list it; another client may be unloading it", model, c.Host())
}

func (c *Client) loadOnce(ctx context.Context, model string, o Options) error {
	no := false
	req := api.ChatRequest{
		Model:     model,
		Messages:  []api.Message{},
		Shift:     &no, // as in Chat: v0.30 and later load anew where it differs
		KeepAlive: &api.Duration{Duration: keepLoaded},
		Options:   o.api(),
	}
	attempt, cancel := letFinish(ctx, c.callTimeout())
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		var a api.ChatResponse
		ended <- c.do(attempt, http.MethodPost, "/api/chat", req, &a)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listed looks for a model that was just loaded, for some two seconds: for a
// moment another client's model may have had its place.
func (c *Client) listed(ctx context.Context, model string) (l Loaded, ok bool, err error) {
	for pause := time.Second / 8; ; pause *= 2 {
		all, err := c.InMemory(ctx, model)
		if err != nil {
			return Loaded{}, false, err
		}
		if len(all) > 0 {
			return all[0], true, nil
		}
		if pause > time.Second {
			return Loaded{}, false, nil
		}
		if err := sleep(ctx, pause); err != nil {
			return Loaded{}, false, err
		}
	}
}

// InMemory looks once which models of a name are in the server's memory, the
// last used first: after a tag was made anew there may be two, with different
// digests. Not to be called during a load: that can crash a v0.17.4 server.
func (c *Client) InMemory(ctx context.Context, model string) ([]Loaded, error) {
	var list api.ProcessResponse
	if err := c.ask(ctx, thrice, http.MethodGet, "/api/ps", nil, &list); err != nil {
		return nil, fmt.Errorf("look for %s in memory: %w", model, err)
	}
	var all []Loaded
	for _, m := range list.Models {
		if sameModel(m.Name, model) {
			all = append(all, Loaded{Digest: m.Digest, Size: m.Size, VRAM: m.SizeVRAM, ContextLength: m.ContextLength})
		}
	}
	return all, nil
}

// Unload takes a model out of memory and waits until /api/ps no longer lists
// it. All of it takes c.Patience at most, a request that is not answered 30 s
// (ErrTimeout). Cancelling ctx ends it at once. No call to the model may be in
// flight.
func (c *Client) Unload(ctx context.Context, model string) error {
	limited, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	err := c.unload(limited, model)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("still in memory after %s; another client may be using it", c.patience())
	}
	if err != nil {
		return fmt.Errorf("unload %s: %w", model, err)
	}
	return nil
}

func (c *Client) unload(ctx context.Context, model string) error {
	req := api.ChatRequest{
		Model:     model,
		Messages:  []api.Message{},
		KeepAlive: &api.Duration{},
		Options:   map[string]any{},
	}
	var a api.ChatResponse
	if err := c.ask(ctx, thrice, http.MethodPost, "/api/chat", req, &a); err != nil {
		return err
	}
	for pauses := 0; ; pauses++ {
		all, err := c.InMemory(ctx, model)
		if err != nil || len(all) == 0 {
			return err
		}
		if err := sleep(ctx, backoff(pauses)); err != nil {
			return err
		}
	}
}
