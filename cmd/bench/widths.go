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

	type point struct{ servers, width int }
	points := []point{{1, 1}, {1, 2}, {1, 4}, {1, 8}}
	// Below that the threads of two servers wait for each other: on 2 cores 90
	// calls took over eight minutes, where one server makes them in a minute and
	// a half.
	const coresForTwo = 4
	if runtime.NumCPU() >= coresForTwo {
		points = append(points, point{2, 1}, point{2, 2}, point{2, 4})
	}
	servers := []*bareClient{newBareClient(first.URL()), newBareClient(second.URL())}
	var own []float64
	grid := make([][]float64, len(points))
	calls := 0
	for turn := range b.repeats {
		dir := filepath.Join(b.dir, fmt.Sprint("widths", turn))
		if err := servers[0].forget(ctx); err != nil {
			return nil, err
		}
		if _, err := b.run(ctx, "run", smol, "--host", first.URL(), "--settings", "relevant", "--null", "0", "--limit", "45", "--num-predict", "24", "--store", dir+".db", "--out", dir); err != nil {
			return nil, err
		}
		recorded, err := recordedCalls(dir, func(data.Generation) bool { return true })
		if err != nil {
			return nil, err
		}
		var tokens int64
		for _, c := range recorded {
			tokens += *c.OutputTokens + *c.PromptTokens
		}
		last := recorded[len(recorded)-1]
		took := last.StartedAt.Add(time.Duration(*last.TotalNS)).Sub(*recorded[0].StartedAt)
		own = append(own, float64(tokens)/took.Seconds())
		calls = len(recorded)
		fmt.Fprintf(os.Stderr, "bench: widths: perg: %.0f\n", own[turn])

		requests := requestsOf(recorded)
		for at, p := range points {
			for _, c := range servers[:p.servers] {
				// What the server has in its cache is of the turn before.
				if err := errors.Join(c.forget(ctx), c.load(ctx, requests[0])); err != nil {
					return nil, err
				}
			}
			var group errgroup.Group
			started := time.Now()
			for i, c := range servers[:p.servers] {
				share := requests[i*len(requests)/p.servers : (i+1)*len(requests)/p.servers]
				group.Go(func() error {
					_, err := c.loop(ctx, share, p.width)
					return err
				})
			}
			if err := group.Wait(); err != nil {
				return nil, err
			}
			rate := float64(tokens) / time.Since(started).Seconds()
			grid[at] = append(grid[at], rate)
			fmt.Fprintf(os.Stderr, "bench: widths: %d x %d: %.0f\n", p.servers, p.width, rate)
		}
	}
	best, at := 0.0, ""
	var all []string
	for i, p := range points {
		name := fmt.Sprintf("%d x %d", p.servers, p.width)
		all = append(all, fmt.Sprintf("%s: %s", name, spread(grid[i], "")))
		if rate := median(grid[i]); rate > best {
			best, at = rate, name
		}
	}
	return []row{row{
		what:  fmt.Sprintf("%s, SmolLM2, %d calls", what, calls),
		limit: fmt.Sprintf("bare client, servers x calls at once %s, %.0f", at, best), mark: "0.97",
		got: fmt.Sprintf("%.0f", median(own)), ratio: fmt.Sprintf("%.2f", median(own)/best), met: median(own) >= 0.97*best,
		how: fmt.Sprintf("prompt and new tokens, from the first call to the last answer, the climb included; %d turns, perg %s; bare client %s", b.repeats, spread(own, ""), strings.Join(all, ", ")),
	}.progress()}, nil
}
