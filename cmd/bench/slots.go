package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"perg/data"
)

// What a server does between two calls of a slot is in none of a call's own
// times: of 0.8 s an H200 with llama-server reported 0.6.
const (
	slotCall = 800 * time.Millisecond
	slotOwn  = 600 * time.Millisecond
	manySlot = 16
)

// full measures whether a server's slots are kept full: from the first call to
// the last answer, against so many calls with every slot at work.
func full(ctx context.Context, b *bench) (rows []row, err error) {
	host, stop, err := fakeProcess("fake", "1", fmt.Sprint(manySlot), slotCall.String(), slotOwn.String())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var took, ratios []float64
	var n int
	var best time.Duration
	for i := range b.repeats {
		dir := filepath.Join(b.dir, fmt.Sprint("full", i))
		if _, err := b.run(ctx, "run", "fake:1", "--host", host, "--settings", "relevant,mixed", "--store", dir+".db", "--out", dir); err != nil {
			return nil, err
		}
		calls, err := recordedCalls(dir, func(data.Generation) bool { return true })
		if err != nil {
			return nil, err
		}
		n = len(calls)
		best = time.Duration((n+manySlot-1)/manySlot) * slotCall
		all := calls[n-1].StartedAt.Sub(*calls[0].StartedAt) + slotCall
		took, ratios = append(took, all.Seconds()), append(ratios, all.Seconds()/best.Seconds())
		fmt.Fprintf(os.Stderr, "bench: full: %d calls in %s of %s\n", n, all.Round(time.Millisecond), best)
	}
	return []row{row{
		what:  fmt.Sprintf("%d calls of 0.8 s, of which the server reports 0.6, on %d slots that it does not tell", n, manySlot),
		limit: fmt.Sprintf("all slots full, %.1f s", best.Seconds()), mark: "at most 1.25 times",
		got: fmt.Sprintf("%.1f s", median(took)), ratio: fmt.Sprintf("%.2f", median(ratios)), met: median(ratios) <= 1.25,
		how: fmt.Sprintf("from the first call to the last answer, the climb included; %d turns, ratios %s", b.repeats, spread(ratios, "")),
	}.progress()}, nil
}
