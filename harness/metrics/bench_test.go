package metrics

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"perg/data"
	"perg/harness/prompt"
)

// limit is the most that all metrics of a hundred thousand generations, with
// 2,000 resamples, may take on two cores.
const limit = 10 * time.Second

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
						Model: variant, Variant: variant, Digest: variant, SystemPrompt: system, UserPrompt: questions[i],
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
	dir := b.TempDir()
	n := writeRun(b, dir, 4, 1) // 115,328
	if n < 100_000 {
		b.Fatalf("%d generations", n)
	}
	var took time.Duration
	for b.Loop() {
		started := time.Now()
		table, err := Load(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if rows, err := table.Records(BySource); err != nil || len(rows) != 4*4*4 {
			b.Fatalf("%d rows, error %v", len(rows), err)
		}
		took = max(took, time.Since(started))
	}
	b.ReportMetric(float64(n), "generations")
	b.ReportMetric(took.Seconds(), "s")
	b.ReportMetric(limit.Seconds(), "s-limit")
	if took > limit {
		b.Errorf("%d generations took %v, more than %v", n, took, limit)
	}
}
