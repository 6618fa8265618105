package models

import (
	"cmp"
	"slices"
)

const (
	// batch is Ollama's num_batch, the tokens of a prompt computed at once.
	batch = 512
	// deviceOverhead is what Ollama keeps free of each GPU for the driver's
	// context (ml.DeviceInfo.MinimumMemory, v0.17.4).
	deviceOverhead = 457 << 20
)

// A Footprint is the memory that a loaded model needs, in bytes.
type Footprint struct {
	Weights  uint64 `json:"weights"`  // of all layers and the output
	KV       uint64 `json:"kv"`       // cache of all slots
	Compute  uint64 `json:"compute"`  // buffers of the compute graph, on each GPU that is used
	Overhead uint64 `json:"overhead"` // of each GPU that is used
}

// Total is what the model needs on one GPU.
func (f Footprint) Total() uint64 { return f.Weights + f.KV + f.Compute + f.Overhead }

// Footprint estimates the memory for so many tokens of context in each of so
// many slots. It follows what Ollama v0.17.4 counts when it decides what fits,
// because a model that is smaller than Ollama thinks is still put on the CPU
// in part.
func (s Shape) Footprint(numCtx, slots int, cache KVType) Footprint {
	f := Footprint{Weights: s.OutputBytes, Overhead: deviceOverhead}
	for i := range s.Layers {
		f.Weights += s.LayerBytes
		f.KV += s.layerKV(i, numCtx, slots, cache)
	}
	f.Compute = s.compute(numCtx*slots, f.KV)
	if !s.ownEngine() {
		// Ollama keeps room for one layer more.
		f.Overhead += s.LayerBytes + s.layerKV(0, numCtx, slots, cache)
	}
	return f
}

// layerKV is the cache of one layer: keys and values of its heads for every
// token, or for those of its window and a batch.
func (s Shape) layerKV(layer, numCtx, slots int, cache KVType) uint64 {
	tokens := numCtx * slots
	if w := s.Window(layer); w > 0 {
		tokens = min(tokens, w*slots+batch)
	}
	return uint64(float64(tokens*(s.KeyLength+s.ValueLength)*s.KVHeads[layer]) * cache.bytes())
}

// compute is the size of the graph's buffers: the logits of a batch, or the
// attention scores of one (fs/ggml.GraphSize, v0.17.4).
func (s Shape) compute(tokens int, kv uint64) uint64 {
	logits := 4 * batch * (s.Embedding + s.Vocabulary)
	attention := 0
	switch s.Architecture {
	case "llama", "llama4":
		attention = 4 * batch * (1 + 4*s.Embedding + tokens*(1+s.Heads))
		if s.Experts > 0 {
			attention = 4 * batch * (2 + 3*s.Embedding + tokens*(1+s.Heads) + 2*s.KVHeads[0] + s.FeedForward)
		}
	case "gemma", "gemma2":
		attention = 4 * batch * (2 + tokens + tokens*s.Heads + 2*s.Embedding + 2*s.KeyLength*s.Heads)
	case "qwen2", "command-r", "phi2", "stablelm":
		attention = 4 * batch * (1 + 4*s.Embedding + tokens*(1+s.Heads))
	default:
		if s.ownEngine() {
			// The engine allocates the graph it will run; with flash
			// attention the scores of a whole batch are never held.
			return uint64(logits + 4*batch*(4*s.Embedding+s.FeedForward) + 2*batch*tokens)
		}
		return uint64(s.Heads/max(1, slices.Min(s.KVHeads))) * kv / 6
	}
	return uint64(max(logits, attention))
}

// Spread lays the model out over GPUs with so much memory free, as Ollama
// does: the largest first, whole layers, each GPU with its own buffers. perGPU
// is what each would hold, in the order of free; short is how many bytes are
// missing, 0 where it fits.
func (s Shape) Spread(numCtx, slots int, cache KVType, free []uint64) (perGPU []uint64, short uint64) {
	f := s.Footprint(numCtx, slots, cache)
	each := f.Compute + f.Overhead
	order := make([]int, len(free))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(free[b], free[a]) })
	perGPU = make([]uint64, len(free))
	layer := 0
	sizeOf := func(layer int) uint64 {
		if layer == s.Layers {
			return s.OutputBytes
		}
		return s.LayerBytes + s.layerKV(layer, numCtx, slots, cache)
	}
	for _, gpu := range order {
		if free[gpu] <= each {
			continue
		}
		held := each
		for layer <= s.Layers && held+sizeOf(layer) <= free[gpu] {
			held += sizeOf(layer)
			layer++
		}
		if held > each {
			perGPU[gpu] = held
		}
		if layer > s.Layers {
			return perGPU, 0
		}
	}
	for ; layer <= s.Layers; layer++ {
		short += sizeOf(layer)
	}
	if !slices.ContainsFunc(free, func(b uint64) bool { return b > each }) {
		short += each
	}
	return perGPU, short
}

// OnCPU is the size that Ollama reports for a model none of which is on a GPU:
// llama.cpp's engine counts weights and cache, Ollama's own also the token
// embeddings and the graph.
func (s Shape) OnCPU(numCtx, slots int, cache KVType) uint64 {
	f := s.Footprint(numCtx, slots, cache)
	if s.ownEngine() {
		return f.Weights + f.KV + f.Compute + s.InputBytes
	}
	return f.Weights + f.KV
}
