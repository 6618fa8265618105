package models

import "slices"

const (
	// batch is the num_batch that is asked for: the tokens of a prompt that are
	// computed at once.
	batch = 512
	// cellPad is what caches are rounded up to, in tokens.
	cellPad = 256
	// fitMargin is what llama-server keeps free of each GPU when it decides how
	// many layers go there (--fit-target).
	fitMargin = 1 << 30
)

func padded(tokens int) int { return (tokens + cellPad - 1) / cellPad * cellPad }

// kv is the cache of all layers.
func (s Shape) kv(u Setup) (all uint64) {
	for i := range s.Layers {
		all += s.layerKV(i, u)
	}
	return all
}

// layerKV is the cache of one layer: keys and values of its heads for every
// token that is kept.
func (s Shape) layerKV(layer int, u Setup) uint64 {
	return uint64(float64(s.cells(layer, u)*(s.KeyLength+s.ValueLength)*s.KVHeads[layer]) * u.KVCache.bytes())
}

// cells are the tokens that a layer's cache has room for, in all slots.
func (s Shape) cells(layer int, u Setup) int {
	w := s.window(layer)
	if u.Engine != Runner {
		ctx := padded(u.NumCtx)
		if w > 0 {
			ctx = min(ctx, padded(w+batch))
		}
		return u.Slots * ctx
	}
	if !s.ownEngine() {
		w = 0 // it keeps the whole context
	}
	if w > 0 && slices.Contains([]string{"gptoss", "gpt-oss"}, s.Architecture) {
		w = max(w, 4096)
	}
	if w > 0 && u.Slots > 1 {
		w++ // the token that ends a sequence
	}
	if w == 0 || w >= u.NumCtx {
		return padded(u.Slots * u.NumCtx)
	}
	return padded(u.Slots*w + min(batch, u.NumCtx))
}

// listedKV is the cache as Ollama reads it from llama-server's log: of two
// caches, without and with a window, it keeps the second, as both have one name.
func (s Shape) listedKV(u Setup) (all uint64) {
	for i := range s.Layers {
		if s.Sliding == 0 || s.Global == 0 || s.window(i) > 0 {
			all += s.layerKV(i, u)
		}
	}
	return all
}

// compute is the size of the buffers of the graph that is run, with flash
// attention: the scores of a whole batch are never held, only which of the
// cache each of its tokens may see.
func (s Shape) compute(u Setup) uint64 {
	ownEngine := u.Engine == Runner && s.ownEngine()
	seen := make(map[int]int) // cells by window
	for i := range s.Layers {
		seen[s.window(i)] = s.cells(i, u)
		if !ownEngine {
			seen[s.window(i)] /= u.Slots // each slot has a cache of its own
		}
	}
	perToken := 4 * s.widest()
	for _, cells := range seen {
		perToken += 2 * cells
	}
	if u.Engine == Runner && !ownEngine {
		// There the logits of the whole batch are held.
		perToken = max(perToken, 4*(s.Embedding+s.Vocabulary))
	}
	return max(uint64(min(batch, u.NumCtx)*perToken), s.ImageBytes)
}

// widest is how many values of a token are held at once, where a layer holds
// the most: in its feed-forward part, three of its width and four of the
// embedding's, or all that its experts give.
func (s Shape) widest() int {
	if s.ExpertsATime == 0 {
		return 4*s.Embedding + 3*s.FeedForward
	}
	return max(4*s.Embedding+3*s.ExpertsATime*s.FeedForward, 2*s.Embedding+s.ExpertsATime*(2*s.Embedding+s.FeedForward))
}

// guessedKV is the cache as Ollama counts it before it has llama.cpp's library
// load a model: without the scales of quantized values (fs/ggml.GraphSize,
// v0.17.4).
func (s Shape) guessedKV(u Setup) uint64 {
	rate := map[KVType]float64{KVQ8: 1, KVQ4: 0.5}[u.KVCache]
	if rate == 0 {
		return s.kv(u)
	}
	return uint64(float64(s.kv(u)) * rate / u.KVCache.bytes())
}

// guessedGraph is the graph as Ollama counts it then: the logits of a batch, or
// the attention scores of one (fs/ggml.GraphSize, v0.17.4).
func (s Shape) guessedGraph(u Setup) uint64 {
	logits := 4 * batch * (s.Embedding + s.Vocabulary)
	tokens := u.NumCtx * u.Slots
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
		return uint64(s.Heads/max(1, slices.Min(s.KVHeads))) * s.kv(u) / 6
	}
	return uint64(max(logits, attention))
}
