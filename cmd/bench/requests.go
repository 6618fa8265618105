package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ollama/ollama/api"

	"perg/data"
	"perg/harness/rundir"
)

// A recorded is a call of a run: what was asked and what the server said of it.
type recorded struct {
	data.Generation
	request api.ChatRequest
}

// recordedCalls are the calls that a run's generations were made with, in the
// order in which they were sent.
func recordedCalls(dir string, keep func(data.Generation) bool) ([]recorded, error) {
	m, err := rundir.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	if len(m.Loads) == 0 {
		return nil, fmt.Errorf("%s made no calls", dir)
	}
	no := false
	var calls []recorded
	for g, err := range data.ReadTable[data.Generation](filepath.Join(dir, "generations")) {
		if err != nil {
			return nil, err
		}
		if !keep(g) {
			continue
		}
		calls = append(calls, recorded{g, api.ChatRequest{
			Model: g.Model, Stream: &no, Truncate: &no, Shift: &no, KeepAlive: &api.Duration{Duration: 30 * time.Minute},
			Messages: []api.Message{{Role: "system", Content: *g.SystemPrompt}, {Role: "user", Content: g.UserPrompt}},
			Options: map[string]any{
				"num_ctx": m.Loads[len(m.Loads)-1].NumCtx, "num_predict": m.Config.NumPredict, "seed": m.Config.Seed,
				"temperature": 0, "repeat_penalty": 1.0,
			},
		}})
	}
	slices.SortStableFunc(calls, func(a, b recorded) int { return a.StartedAt.Compare(*b.StartedAt) })
	return calls, nil
}

func requestsOf(calls []recorded) []api.ChatRequest {
	all := make([]api.ChatRequest, len(calls))
	for i, c := range calls {
		all[i] = c.request
	}
	return all
}

// An outcome is the last event of a run with --json.
type outcome struct {
	Event   string
	Calls   int
	Counts  rundir.Counts
	Durable *float64 `json:"durable_p99_s"`
}

func (p process) outcome() (o outcome, err error) {
	for d := json.NewDecoder(strings.NewReader(p.stdout)); ; {
		var next outcome
		switch err := d.Decode(&next); {
		case err == io.EOF && o.Event == "result":
			return o, nil
		case err != nil:
			return o, fmt.Errorf("perg ended without a result: %w", err)
		}
		o = next
	}
}
