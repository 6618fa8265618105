package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ollama/ollama/api"
	"golang.org/x/sync/errgroup"
)

// A bareClient does the least that anyone who wants answers has to do: it
// writes requests as JSON, posts them over kept connections, and reads the
// answers. It is the peer that perg is measured against.
type bareClient struct {
	host string
	http *http.Client
}

func newBareClient(host string) *bareClient {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.Proxy = 0, 256, nil
	return &bareClient{host, &http.Client{Transport: t}}
}

func (c *bareClient) chat(ctx context.Context, r api.ChatRequest) (api.ChatResponse, error) {
	var answer api.ChatResponse
	body, err := json.Marshal(r)
	if err != nil {
		return answer, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.host+"/api/chat", bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer, err
	}
	if resp.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("%s: %s", resp.Status, text)
	}
	return answer, json.Unmarshal(text, &answer)
}

// forget has the server unload the model, with all that it has in its caches.
func (c *bareClient) forget(ctx context.Context) error {
	_, err := c.chat(ctx, api.ChatRequest{Model: smol, Stream: new(bool), KeepAlive: &api.Duration{}})
	return err
}

// load has the server load the model of a request, as the request would.
func (c *bareClient) load(ctx context.Context, r api.ChatRequest) error {
	r.Messages = nil
	_, err := c.chat(ctx, r)
	return err
}

// asked is what a loop over requests took.
type asked struct {
	took       time.Duration
	promptEval time.Duration // of all answers, as the server reports it
	answers    []api.ChatResponse
}

// loop makes the requests in their order, so many at once.
func (c *bareClient) loop(ctx context.Context, requests []api.ChatRequest, inFlight int) (asked, error) {
	return loop(ctx, requests, inFlight, c.chat)
}

// loop makes requests in their order, so many at once, in some way.
func loop(ctx context.Context, requests []api.ChatRequest, inFlight int, chat chat) (asked, error) {
	a := asked{answers: make([]api.ChatResponse, len(requests))}
	started := time.Now()
	next := make(chan int)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(next)
		for i := range requests {
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range inFlight {
		group.Go(func() error {
			for i := range next {
				var err error
				if a.answers[i], err = chat(ctx, requests[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return a, err
	}
	a.took = time.Since(started)
	for _, r := range a.answers {
		a.promptEval += r.PromptEvalDuration
	}
	return a, nil
}
