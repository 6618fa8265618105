package metrics

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"perg/data"
	"perg/harness/prompt"
)

// The most that all metrics of a million generations, with 2,000 resamples, may
// take on two cores, and have on the heap with what is yet to be collected: a
// run ends with them and has 200 MB.
const (
	limit     = 5 * time.Second
	heapLimit = 120.0 // MB
)

// writeRun writes the tables of a run over the benchmark's 7,208 items: every
// setting and variant, with real lengths of text, one rating for every judged
// generation.
func writeRun(tb testing.TB, dir string, variants, repeats int) (generations int) {
	tb.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	text := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('a' + rng.IntN(26))
		}
		return string(b)
	}
	table, err := data.CreateTable[data.Generation](filepath.Join(dir, "generations"))
	if err != nil {
		tb.Fatal(err)
	}
	ratings, err := data.CreateTable[data.Judgment](filepath.Join(dir, "judgments"))
	if err != nil {
		tb.Fatal(err)
	}
	const items = 7208
	var questions [items]string
	for i := range questions {
		questions[i] = text(200)
	}
	system := text(400)
	for v := range variants {
		variant := fmt.Sprint("model:", v)
		for _, setting := range prompt.Settings() {
			for i := range items {
				for r := range repeats {
					id, correct := fmt.Sprint("item-", i), rng.IntN(4) > 0
					g := data.Generation{
						RunID: "run", ItemID: id, Source: []string{"truthfulqa", "commonsenseqa", "mmlu", "mmlu"}[i%4],
						Category: fmt.Sprint("category ", i%25), Question: questions[i], Options: []string{"a", "b", "c", "d"}, Gold: "A",
						Preference: fmt.Sprint("preference ", i%37), PreferenceType: fmt.Sprint("type", i%5), Setting: string(setting), Method: "zero-shot",
						Model: variant, Variant: variant, Digest: variant, SystemPrompt: &system, UserPrompt: questions[i],
						Repeat: int32(r), Response: new(text(500)), Answer: new("A"), Correct: &correct, Status: data.StatusOK,
						OutputTokens: new(int64(100)), EvalNS: new(int64(1e9)), VRAMBytes: new(int64(1 << 30)), RequestHash: text(64),
					}
					if err := table.Write(g); err != nil {
						tb.Fatal(err)
					}
					generations++
					if !setting.Judged() {
						continue
					}
					if err := ratings.Write(data.Judgment{
						RunID: "run", ItemID: id, Setting: string(setting), Method: "zero-shot", Variant: variant, Repeat: int32(r),
						JudgeModel: "judge", Score: new(int32(1 + rng.IntN(5))), Explanation: text(100), Raw: text(150), Status: data.StatusOK, RequestHash: text(64),
					}); err != nil {
						tb.Fatal(err)
					}
				}
			}
		}
	}
	if err := table.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := ratings.Close(); err != nil {
		tb.Fatal(err)
	}
	return generations
}

func BenchmarkMetrics(b *testing.B) {
	variants := 35 // 1,009,120
	if testing.Short() {
		variants = 4
	}
	dir := b.TempDir()
	n := writeRun(b, dir, variants, 1)
	var took time.Duration
	var heap float64
	for b.Loop() {
		peak := watchHeap()
		started := time.Now()
		table, err := Load(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if rows, err := table.Records(BySource); err != nil || len(rows) != variants*4*4 {
			b.Fatalf("%d rows, error %v", len(rows), err)
		}
		took, heap = max(took, time.Since(started)), max(heap, peak())
	}
	b.ReportMetric(float64(n), "generations")
	b.ReportMetric(took.Seconds(), "s")
	b.ReportMetric(limit.Seconds(), "s-limit")
	b.ReportMetric(heap, "MB")
	b.ReportMetric(heapLimit, "MB-limit")
}

// watchHeap looks at the heap until the function it returns is called, which
// says how many MB were added at most, garbage included.
func watchHeap() (peak func() float64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	runtime.GC()
	metrics.Read(sample)
	before, most := sample[0].Value.Uint64(), uint64(0)
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				metrics.Read(sample)
				most = max(most, sample[0].Value.Uint64())
			}
		}
	})
	return func() float64 {
		close(stop)
		watching.Wait()
		return float64(most-min(before, most)) / 1e6
	}
}
