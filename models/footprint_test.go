package models_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/ollama/ollama/api"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// layouts have the head layouts of real models at a fraction of their size.
var layouts = map[string]gguftest.Layout{
	"llama-gqa": {Architecture: "llama", Embedding: 1024, Layers: 8, Heads: 16, KVHeads: 4, HeadLength: 64, FeedForward: 3584, Vocabulary: 16384},               // Llama 3: four heads share one of KV
	"llama-mha": {Architecture: "llama", Embedding: 1024, Layers: 6, Heads: 16, KVHeads: 16, HeadLength: 64, FeedForward: 2816, Vocabulary: 32000},              // Llama 2: no sharing
	"qwen2":     {Architecture: "qwen2", Embedding: 896, Layers: 12, Heads: 14, KVHeads: 2, HeadLength: 64, FeedForward: 4864, Vocabulary: 32000, Tied: true},   // Qwen 2.5 0.5B: seven share one, tied output
	"qwen3":     {Architecture: "qwen3", Embedding: 1024, Layers: 10, Heads: 16, KVHeads: 8, HeadLength: 128, FeedForward: 3072, Vocabulary: 32000, Tied: true}, // Qwen 3 0.6B: heads longer than embedding / heads
	"qwen3moe":  {Architecture: "qwen3moe", Embedding: 1024, Layers: 6, Heads: 16, KVHeads: 4, HeadLength: 64, FeedForward: 384, Vocabulary: 32000, Experts: 32, ExpertsATime: 4},
	"mixtral":   {Architecture: "llama", Embedding: 1024, Layers: 4, Heads: 16, KVHeads: 4, HeadLength: 64, FeedForward: 1792, Vocabulary: 32000, Experts: 8, ExpertsATime: 2},
	"gemma3":    {Architecture: "gemma3", Embedding: 1152, Layers: 12, Heads: 4, KVHeads: 1, HeadLength: 256, FeedForward: 3456, Vocabulary: 32000, Tied: true, Window: 512}, // Gemma 3 1B: five of six layers see a window
	"gemma3-vision": {
		Architecture: "gemma3", Embedding: 1024, Layers: 6, Heads: 4, KVHeads: 2, HeadLength: 256, FeedForward: 4096, Vocabulary: 32000, Tied: true, Window: 1024,
		Vision: &gguftest.Vision{Image: 448, Patch: 14, Embedding: 576, Layers: 8, Heads: 8, FeedForward: 2304, Tokens: 256},
	},
}

type memoryCase struct {
	layout        string
	numCtx, slots int
	cache         models.KVType
}

func (c memoryCase) String() string {
	return fmt.Sprintf("%s, %d tokens x %d slots, %s", c.layout, c.numCtx, c.slots, c.cache)
}

// eachFootprint loads every layout with every number of slots, type of cache and
// these contexts, and tells the estimate and what the server reports, in bytes.
func eachFootprint(tb testing.TB, contexts func(slots int, cache models.KVType) []int, tell func(c memoryCase, estimate, reported uint64)) {
	tb.Helper()
	store := tb.TempDir()
	installed := false
	for _, slots := range []int{1, 4} {
		for _, cache := range []models.KVType{models.KVF16, models.KVQ8} {
			s := ollamatest.Start(tb, models.ServerConfig{Models: store, Slots: slots, KVType: cache})
			client, err := models.NewClient(s.URL())
			if err != nil {
				tb.Fatal(err)
			}
			if !installed {
				install(tb, s.URL(), store)
				installed = true
			}
			version, err := client.Version(tb.Context())
			if err != nil {
				tb.Fatal(err)
			}
			for _, name := range slices.Sorted(maps.Keys(layouts)) {
				details, err := client.Details(tb.Context(), name)
				if err != nil {
					tb.Fatal(err)
				}
				for _, numCtx := range contexts(slots, cache) {
					loaded, err := client.Load(tb.Context(), name, models.Options{NumCtx: numCtx})
					if err != nil {
						tb.Fatal(err)
					}
					setup := models.Setup{NumCtx: numCtx, Slots: slots, KVCache: cache, Engine: models.EngineOf(version)}
					tell(memoryCase{name, numCtx, slots, cache}, details.Shape.Reported(setup, 0), uint64(loaded.Size))
				}
				if err := client.Unload(tb.Context(), name); err != nil {
					tb.Fatal(err)
				}
			}
			if err := s.Stop(); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

func install(tb testing.TB, host, store string) {
	tb.Helper()
	base, err := url.Parse(host)
	if err != nil {
		tb.Fatal(err)
	}
	client := api.NewClient(base, http.DefaultClient)
	for name, l := range layouts {
		if err := l.Install(tb.Context(), client, store, name); err != nil {
			tb.Fatal(err)
		}
	}
}

func off(estimate, reported uint64) float64 { return (float64(estimate)/float64(reported) - 1) * 100 }

func TestFootprintOnARealServer(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a run without -short, which leaves out what needs a real server")
	}
	// Each of two contexts with each of the rest, though not with all of it.
	half := func(slots int, cache models.KVType) []int {
		if (slots == 1) == (cache == models.KVF16) {
			return []int{2048}
		}
		return []int{4096}
	}
	eachFootprint(t, half, func(c memoryCase, estimate, reported uint64) {
		if by := off(estimate, reported); math.Abs(by) > 5 {
			t.Errorf("%v: estimate %d, Ollama reports %d: %+.1f %%", c, estimate, reported, by)
		}
	})
}

// The table of estimates against what a real server reports. The limit is 5 %.
func BenchmarkFootprint(b *testing.B) {
	worst := 0.0
	var out bytes.Buffer
	fmt.Fprintf(&out, "\n%-13s %6s %5s %5s %9s %9s %7s\n", "model", "ctx", "slots", "KV", "estimate", "reported", "off")
	all := func(int, models.KVType) []int { return []int{2048, 4096} }
	for b.Loop() {
		eachFootprint(b, all, func(c memoryCase, estimate, reported uint64) {
			by := off(estimate, reported)
			worst = max(worst, math.Abs(by))
			fmt.Fprintf(&out, "%-13s %6d %5d %5s %7.1fMB %7.1fMB %+6.1f%%\n", c.layout, c.numCtx, c.slots, c.cache, float64(estimate)/1e6, float64(reported)/1e6, by)
		})
	}
	fmt.Print(out.String()) // b.Log would cut it
	b.ReportMetric(worst, "%-off")
	b.ReportMetric(5, "%-off-limit")
}
