package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"perg/data"
)

const atOnce = 64

// manyItems writes a dataset of so many items: the sample's over and over, each
// time with another number, so that no two prompts are the same.
func (b *bench) manyItems(n int) (path string, err error) {
	sample, err := data.Sample()
	if err != nil {
		return "", err
	}
	items := make([]data.Item, n)
	for i := range items {
		items[i] = sample.Items[i%len(sample.Items)]
		items[i].ID = fmt.Sprintf("%s-%d", items[i].ID, i)
		items[i].Question = fmt.Sprintf("%s (%d)", items[i].Question, i)
	}
	path = filepath.Join(b.dir, fmt.Sprintf("items-%d.parquet", n))
	return path, data.WriteParquet(path, data.Dataset{Items: items})
}

// fakeServer compares perg with a bare client against a server that answers at
// once.
func fakeServer(ctx context.Context, b *bench) (rows []row, err error) {
	set, err := b.manyItems(5000)
	if err != nil {
		return nil, err
	}
	host, stop, err := fakeProcess(1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	client := newBareClient(host)
	var whole, phase, bare, ratios []float64
	n := 0
	for i := range b.repeats {
		dir := filepath.Join(b.dir, fmt.Sprint("fake", i))
		p, err := b.run(ctx, "run", "fake:1", "--host", host, "--data", set, "--parallel", fmt.Sprint(atOnce), "--store", dir+".db", "--out", dir)
		if err != nil {
			return nil, err
		}
		calls, err := recordedCalls(dir, func(data.Generation) bool { return true })
		if err != nil {
			return nil, err
		}
		n = len(calls)
		a, err := client.loop(ctx, requestsOf(calls), atOnce)
		if err != nil {
			return nil, err
		}
		answering := calls[n-1].StartedAt.Sub(*calls[0].StartedAt).Seconds()
		whole, phase, bare = append(whole, float64(n)/p.took.Seconds()), append(phase, float64(n)/answering), append(bare, float64(n)/a.took.Seconds())
		ratios = append(ratios, phase[i]/bare[i])
		fmt.Fprintf(os.Stderr, "bench: fake: %d calls: %.0f a second, %.0f over the whole run; bare client %.0f\n", n, phase[i], whole[i], bare[i])
	}
	got := median(phase)
	return []row{
		row{
			what:  fmt.Sprintf("calls a second, a server that answers at once, %d in flight, %d calls", atOnce, n),
			limit: fmt.Sprintf("bare client, %.0f", median(bare)), mark: "0.6",
			got: fmt.Sprintf("%.0f", got), ratio: fmt.Sprintf("%.2f", median(ratios)), met: median(ratios) >= 0.6,
			how: fmt.Sprintf("from the first call to the last, every reply durable; %d turns, ratios %s", b.repeats, spread(ratios, "")),
		}.progress(),
		row{
			what:  "the same, over the whole run",
			limit: "3,000", mark: "3,000",
			got: fmt.Sprintf("%.0f", median(whole)), ratio: fmt.Sprintf("%.1f", median(whole)/3000), met: median(whole) >= 3000,
			how: "from the start of `perg run` to its exit, plan and tables included",
		}.progress(),
	}, nil
}

// help measures what every command begins with.
func help(ctx context.Context, b *bench) ([]row, error) {
	var took []time.Duration
	for range 20 {
		p, err := b.run(ctx, "--help")
		if err != nil {
			return nil, err
		}
		took = append(took, p.took)
	}
	const limit = 30 * time.Millisecond
	m := median(took)
	return []row{row{
		what: "`perg --help`", limit: "30 ms", mark: "30 ms", got: m.Round(100 * time.Microsecond).String(), ratio: fmt.Sprintf("%.2f", m.Seconds()/limit.Seconds()), met: m <= limit,
		how: fmt.Sprintf("median of 20, the slowest %s", slices.Max(took).Round(100*time.Microsecond)),
	}.progress()}, nil
}
