package models_test

import (
	"math"
	"slices"
	"testing"

	"perg/models"
	"perg/models/gguftest"
)

// shapeOf is a layout's, less the few bytes of its norms.
func shapeOf(l gguftest.Layout) models.Shape {
	s := models.Shape{
		Architecture: l.Architecture, Layers: l.Layers, Embedding: l.Embedding, FeedForward: l.FeedForward, Vocabulary: l.Vocabulary,
		Heads: l.Heads, KVHeads: slices.Repeat([]int{l.KVHeads}, l.Layers), KeyLength: l.HeadLength, ValueLength: l.HeadLength,
		Experts: l.Experts, ExpertsATime: l.ExpertsATime, Sliding: l.Window,
	}
	if l.Window > 0 {
		s.Global = 6
	}
	attention := 2 * l.Embedding * l.HeadLength * (l.Heads + l.KVHeads)
	s.LayerBytes = uint64(2 * (attention + 3*l.Embedding*l.FeedForward*max(1, l.Experts)))
	s.OutputBytes = uint64(2 * l.Embedding * l.Vocabulary)
	if l.Tied {
		s.TiedBytes = s.OutputBytes
	} else {
		s.InputBytes = s.OutputBytes
	}
	return s
}

// published is the shape of a published model, as Ollama quantizes it.
func published(layers, embedding, feed, heads, vocabulary int, input, layer, output, repacked uint64) models.Shape {
	return models.Shape{
		Architecture: "llama", Layers: layers, Embedding: embedding, FeedForward: feed, Vocabulary: vocabulary, Heads: heads,
		KVHeads: slices.Repeat([]int{8}, layers), KeyLength: 128, ValueLength: 128,
		InputBytes: input, LayerBytes: layer, OutputBytes: output, RepackedBytes: repacked,
	}
}

// What was measured where no test can: on a GPU, and of llama.cpp's buffers
// without Ollama around them (build 10603, an AVX2 machine, as llama-server asks
// for them: a batch of 512 and one output a slot).
func TestFootprintAsMeasured(t *testing.T) {
	const mib = 1 << 20
	var (
		seventy = published(80, 8192, 28672, 64, 128256, 128256*8192*144/256, (41879584768-128256*8192*210/256)/80, 128256*8192*210/256, 31500*mib)
		eight   = published(32, 4096, 14336, 32, 128256, 128256*4096*144/256, (4617396224-128256*4096*210/256)/32, 128256*4096*210/256, 3204*mib)
	)
	setup := func(numCtx, slots int, cache models.KVType, e models.Engine) models.Setup {
		return models.Setup{NumCtx: numCtx, Slots: slots, KVCache: cache, Engine: e}
	}
	many := setup(4096, 4, models.KVQ8, models.LlamaServer)
	few := setup(2048, 1, models.KVF16, models.LlamaServer)
	on17 := setup(1536, 16, models.KVF16, models.Runner)
	for what, c := range map[string]struct{ estimate, measured uint64 }{
		"70B q4_K_M on an H200, Ollama 0.17.4, by NVML": {seventy.Footprint(on17).Held(), 50_983_862_272},
		"70B q4_K_M on an H200, Ollama 0.17.4, /api/ps": {seventy.Reported(on17, 1), 53_271_316_480},
		"8B q4_K_M, one slot":                           {eight.Reported(few, 0), 8263_80 * mib / 100},
		"8B q4_K_M, four slots":                         {eight.Reported(many, 0), 909135 * mib / 100},
		"grouped queries, one slot":                     {shapeOf(layouts["llama-gqa"]).Reported(few, 0), 319_14 * mib / 100},
		"grouped queries, four slots":                   {shapeOf(layouts["llama-gqa"]).Reported(many, 0), 371_36 * mib / 100},
		"one head of KV for each":                       {shapeOf(layouts["llama-mha"]).Reported(many, 0), 503_08 * mib / 100},
		"long heads, tied":                              {shapeOf(layouts["qwen3"]).Reported(many, 0), 733_17 * mib / 100},
		"many small experts":                            {shapeOf(layouts["qwen3moe"]).Reported(many, 0), 666_46 * mib / 100},
		"few large experts":                             {shapeOf(layouts["mixtral"]).Reported(many, 0), 546_72 * mib / 100},
		"sliding windows, as Ollama reads the log":      {shapeOf(layouts["gemma3"]).Reported(many, 0), 469_72 * mib / 100},
		"sliding windows, of which one cache is told":   {shapeOf(layouts["gemma3"]).OnCPU(many), 486_72 * mib / 100},
		"sliding windows in one slot":                   {shapeOf(layouts["gemma3"]).OnCPU(few), 457_57 * mib / 100},
		"the logits of a batch, Ollama 0.17.4":          {shapeOf(layouts["llama-mha"]).Footprint(setup(1024, 1, models.KVF16, models.Runner)).Compute, 64_50 * mib / 100},
	} {
		if by := off(c.estimate, c.measured); math.Abs(by) > 2 {
			t.Errorf("%s: estimate %d, measured %d: %+.1f %%", what, c.estimate, c.measured, by)
		}
	}
}
