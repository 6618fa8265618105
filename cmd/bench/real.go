package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/ollama/ollama/api"

	"perg/data"
	"perg/models"
	"perg/models/gguftest"
)

const (
	slots = 4
	// numCtx holds every prompt of both measurements on a real server; a server
	// loads a model anew for another.
	numCtx = 3072
)

// A real is a real server with four slots and two small models: "steady" says
// one sentence, "endless" goes on until num_predict ends it.
type real struct {
	*models.Server
	client *models.Client
}

func (b *bench) startReal(ctx context.Context) (r real, stop func() error, err error) {
	s, err := b.server(ctx, "ollama", func(c *api.Client) error {
		for name, chain := range map[string]gguftest.Chain{"steady": gguftest.Steady("B"), "endless": gguftest.Endless()} {
			if err := chain.Install(ctx, c, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return r, nil, err
	}
	client, err := models.NewClient(s.URL())
	return real{s, client}, s.Stop, err
}

// server starts a real server with some models; name is that of its log.
func (b *bench) server(ctx context.Context, name string, install func(*api.Client) error) (*models.Server, error) {
	s, err := models.StartServer(ctx, models.ServerConfig{
		Program: b.ollama, Models: filepath.Join(b.dir, "models"), Slots: slots, Log: filepath.Join(b.dir, name+".log"),
		Env: []string{"HOME=" + b.dir},
	})
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(s.URL())
	if err == nil {
		err = install(api.NewClient(base, http.DefaultClient))
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// fresh has the model loaded anew, so that no slot has a prompt in its cache.
func (r real) fresh(ctx context.Context, model string, numCtx int) error {
	if err := r.client.Unload(ctx, model); err != nil {
		return err
	}
	_, err := r.client.Load(ctx, model, models.Options{NumCtx: numCtx})
	return err
}

// realServer compares a whole run, cold, with a bare client's loop over the
// same calls.
func realServer(ctx context.Context, b *bench) (rows []row, err error) {
	server, stop, err := b.startReal(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var whole, bare, ratios []float64
	var calls []recorded
	client := newBareClient(server.URL())
	for i := range b.repeats {
		dir := filepath.Join(b.dir, fmt.Sprint("real", i))
		if err := server.fresh(ctx, "endless", numCtx); err != nil {
			return nil, err
		}
		started := time.Now()
		p, err := b.run(ctx, "run", "endless", "--host", server.URL(), "--num-predict", "100", "--num-ctx", fmt.Sprint(numCtx), "--store", dir+".db", "--out", dir)
		if err != nil {
			return nil, err
		}
		if calls, err = recordedCalls(dir, func(g data.Generation) bool { return true }); err != nil {
			return nil, err
		}
		if err := server.fresh(ctx, "endless", numCtx); err != nil {
			return nil, err
		}
		a, err := client.loop(ctx, requestsOf(calls), slots)
		if err != nil {
			return nil, err
		}
		n := float64(len(calls))
		whole, bare = append(whole, n/p.took.Seconds()), append(bare, n/a.took.Seconds())
		ratios = append(ratios, a.took.Seconds()/p.took.Seconds())
		first, last := *calls[0].StartedAt, calls[len(calls)-1]
		end := last.StartedAt.Add(time.Duration(*last.TotalNS))
		fmt.Fprintf(os.Stderr, "bench: real: %d calls: perg %s, of that %s before the first call and %s after the last; bare client %s\n", len(calls), p.took.Round(time.Millisecond),
			first.Sub(started).Round(time.Millisecond), (p.took - end.Sub(started)).Round(time.Millisecond), a.took.Round(time.Millisecond))
	}
	return []row{row{
		what:  fmt.Sprintf("calls a second, real server, %d zero-shot calls of 100 tokens", len(calls)),
		limit: fmt.Sprintf("bare client, %.1f", median(bare)), mark: "0.97",
		got: fmt.Sprintf("%.1f", median(whole)), ratio: fmt.Sprintf("%.3f", median(ratios)), met: median(ratios) >= 0.97,
		how: fmt.Sprintf("whole `perg run`, cold store, %d slots, the model loaded; same calls in the same order, as many at once; %d turns, ratios %s", slots, b.repeats, spread(ratios, "")),
	}.progress()}, nil
}
