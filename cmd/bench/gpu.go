package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"perg/data"
	"perg/harness/rundir"
)

// idleGPUs measures how much of a run the GPUs had nothing to do, with a model
// of the user's: the small ones of this program keep no GPU busy.
func idleGPUs(ctx context.Context, b *bench) ([]row, error) {
	const limit = 0.02
	r := row{what: "GPU idle, first load to last call", limit: "0 %", mark: "2 %", how: "no `-model` was named, or no GPU is here"}
	if b.model == "" {
		return []row{r.progress()}, nil
	}
	dir := filepath.Join(b.dir, "gpu")
	if _, err := b.run(ctx, "run", b.model, "--lanes", "auto", "--gpu-interval", "100ms", "--store", dir+".db", "--out", dir); err != nil {
		return nil, err
	}
	m, err := rundir.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	var last time.Time
	for g, err := range data.ReadTable[data.Generation](filepath.Join(dir, "generations")) {
		if err != nil {
			return nil, err
		}
		if g.StartedAt != nil && g.TotalNS != nil {
			if end := g.StartedAt.Add(time.Duration(*g.TotalNS)); end.After(last) {
				last = end
			}
		}
	}
	var samples []data.GPUSample
	for s, err := range data.ReadTable[data.GPUSample](filepath.Join(dir, "gpu_samples")) {
		if err != nil {
			return []row{r.progress()}, nil // no GPU was sampled
		}
		samples = append(samples, s)
	}
	idle, of := idleShare(samples, m.Loads[0].At.Add(time.Duration(m.Loads[0].Took)), last)
	if of == 0 {
		return []row{r.progress()}, nil
	}
	r.got, r.met = fmt.Sprintf("%.1f %%", idle*100), idle <= limit
	r.how = fmt.Sprintf("`perg run %s`, %d utilization samples of 0.1 s", b.model, of)
	return []row{r.progress()}, nil
}

// idleShare is the share of the samples of GPUs that perg used, between two
// moments, in which a GPU had nothing to do; those without a value say nothing.
func idleShare(samples []data.GPUSample, from, to time.Time) (share float64, of int) {
	idle := 0
	for _, s := range samples {
		if s.Lane == "" || s.GPUUtilization == nil || s.At.Before(from) || s.At.After(to) {
			continue
		}
		of++
		if *s.GPUUtilization == 0 {
			idle++
		}
	}
	if of == 0 {
		return 0, 0
	}
	return float64(idle) / float64(of), of
}
