package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ollama/ollama/api"

	"perg/data"
	"perg/harness/store"
	"perg/models"
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
	host, stop, err := fakeProcess("fake", "1")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	var whole, phase, bare, ratios, keeping, keepingRatios, official []float64
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
		answering := calls[n-1].StartedAt.Sub(*calls[0].StartedAt).Seconds()
		whole, phase = append(whole, float64(n)/p.took.Seconds()), append(phase, float64(n)/answering)
		rate := func(chat chat) (float64, error) {
			a, err := loop(ctx, requestsOf(calls), atOnce, chat)
			return float64(n) / a.took.Seconds(), err
		}
		alone, err := rate(newBareClient(host).chat)
		if err != nil {
			return nil, err
		}
		kept, err := b.keep(ctx, dir+"-peer.db", newBareClient(host).chat, rate)
		if err != nil {
			return nil, err
		}
		usual, err := usualClient(host)
		if err != nil {
			return nil, err
		}
		slow, err := rate(usual)
		if err != nil {
			return nil, err
		}
		bare, keeping, official = append(bare, alone), append(keeping, kept), append(official, slow)
		ratios, keepingRatios = append(ratios, phase[i]/alone), append(keepingRatios, phase[i]/kept)
		fmt.Fprintf(os.Stderr, "bench: fake: %d calls: %.0f a second, %.0f over the whole run; bare client %.0f, with a store %.0f; api.Client %.0f\n", n, phase[i], whole[i], alone, kept, slow)
	}
	got := median(phase)
	against := func(peer string, of, ratios []float64, how string) row {
		return row{
			what:  fmt.Sprintf("calls a second, a server that answers at once, %d in flight, %d calls", atOnce, n),
			limit: fmt.Sprintf("%s, %.0f", peer, median(of)), mark: "0.6",
			got: fmt.Sprintf("%.0f", got), ratio: fmt.Sprintf("%.2f", median(ratios)), met: median(ratios) >= 0.6, how: how,
		}.progress()
	}
	return []row{
		against("bare client, which keeps nothing", bare, ratios, fmt.Sprintf("from the first call to the last, every reply durable; %d turns, ratios %s", b.repeats, spread(ratios, ""))),
		against("bare client that puts each answer in the same store", keeping, keepingRatios, fmt.Sprintf("ratios %s", spread(keepingRatios, ""))),
		against("`api.Client` in the same loop", official, []float64{got / median(official)}, "an 8 MB buffer a call, two idle connections"),
		row{
			what:  "the same, over the whole run",
			limit: "3,000", mark: "3,000",
			got: fmt.Sprintf("%.0f", median(whole)), ratio: fmt.Sprintf("%.1f", median(whole)/3000), met: median(whole) >= 3000,
			how: "from the start of `perg run` to its exit, plan and tables included",
		}.progress(),
	}, nil
}

type chat func(context.Context, api.ChatRequest) (api.ChatResponse, error)

// keep measures a client that makes every answer durable, as perg does, and
// does nothing else.
func (b *bench) keep(ctx context.Context, path string, ask chat, rate func(chat) (float64, error)) (float64, error) {
	s, err := store.Open(path)
	if err != nil {
		return 0, err
	}
	var n atomic.Uint64
	r, err := rate(func(ctx context.Context, request api.ChatRequest) (api.ChatResponse, error) {
		answer, err := ask(ctx, request)
		if err != nil {
			return answer, err
		}
		key := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, n.Add(1)))
		_, err = s.Put(ctx, key, store.Reply{Response: models.Response{Content: answer.Message.Content, DoneReason: answer.DoneReason, StartedAt: time.Now()}})
		return answer, err
	})
	return r, errors.Join(err, s.Close())
}

// usualClient is Ollama's own, with its http.Client as it comes.
func usualClient(host string) (chat, error) {
	base, err := url.Parse(host)
	if err != nil {
		return nil, err
	}
	c := api.NewClient(base, http.DefaultClient)
	return func(ctx context.Context, r api.ChatRequest) (answer api.ChatResponse, err error) {
		err = c.Chat(ctx, &r, func(a api.ChatResponse) error { answer = a; return nil })
		return answer, err
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
