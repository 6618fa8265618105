package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
	"golang.org/x/sync/errgroup"

	"perg/data"
	"perg/models/gguftest"
)

const smol = "smollm2:135m"

// widths compares a run of real weights with a bare client that makes the same
// calls at each number of calls at once, on one server and on two of them.
func widths(ctx context.Context, b *bench) (rows []row, err error) {
	what := "tokens a second, real weights on the CPU"
	weights, err := exec.CommandContext(ctx, "models/fetch-smollm2.sh").Output()
	if err != nil {
		return []row{row{what: what, how: "no real weights: models/fetch-smollm2.sh fetches them"}.progress()}, nil
	}
	install := func(c *api.Client) error {
		return gguftest.InstallFile(ctx, c, smol, strings.TrimSpace(string(weights)), nil)
	}
	first, err := b.server(ctx, "first", install)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, first.Stop()) }()
	second, err := b.server(ctx, "second", install)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, second.Stop()) }()

	dir := filepath.Join(b.dir, "widths")
	if _, err := b.run(ctx, "run", smol, "--host", first.URL(), "--settings", "relevant", "--null", "0", "--limit", "45", "--num-predict", "24", "--store", dir+".db", "--out", dir); err != nil {
		return nil, err
	}
	calls, err := recordedCalls(dir, func(data.Generation) bool { return true })
	if err != nil {
		return nil, err
	}
	var tokens int64
	for _, c := range calls {
		tokens += *c.OutputTokens + *c.PromptTokens
	}
	last := calls[len(calls)-1]
	took := last.StartedAt.Add(time.Duration(*last.TotalNS)).Sub(*calls[0].StartedAt)
	own := float64(tokens) / took.Seconds()

	requests := requestsOf(calls)
	servers := []*bareClient{newBareClient(first.URL()), newBareClient(second.URL())}
	best, at := 0.0, ""
	var grid []string
	type point struct{ servers, width int }
	points := []point{{1, 1}, {1, 2}, {1, 4}, {1, 8}}
	// Below that the threads of two servers wait for each other: on 2 cores 90
	// calls took over eight minutes, where one server makes them in a minute and
	// a half.
	const coresForTwo = 4
	if runtime.NumCPU() >= coresForTwo {
		points = append(points, point{2, 1}, point{2, 2}, point{2, 4})
	}
	for _, p := range points {
		var group errgroup.Group
		started := time.Now()
		for i, c := range servers[:p.servers] {
			share := requests[i*len(requests)/p.servers : (i+1)*len(requests)/p.servers]
			// What the server has in its cache is of the turn before.
			if err := c.forget(ctx); err != nil {
				return nil, err
			}
			group.Go(func() error {
				_, err := c.loop(ctx, share, p.width)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		rate := float64(tokens) / time.Since(started).Seconds()
		name := fmt.Sprintf("%d x %d", p.servers, p.width)
		grid = append(grid, fmt.Sprintf("%s: %.0f", name, rate))
		fmt.Fprintf(os.Stderr, "bench: widths: %s\n", grid[len(grid)-1])
		if rate > best {
			best, at = rate, name
		}
	}
	return []row{row{
		what:  fmt.Sprintf("%s, SmolLM2, %d calls", what, len(calls)),
		limit: fmt.Sprintf("bare client, servers x calls at once %s, %.0f", at, best), mark: "0.97",
		got: fmt.Sprintf("%.0f", own), ratio: fmt.Sprintf("%.2f", own/best), met: own >= 0.97*best,
		how: "prompt and new tokens, from the first call to the last answer, the load and the climb included; bare client, loads included: " + strings.Join(grid, ", "),
	}.progress()}, nil
}
