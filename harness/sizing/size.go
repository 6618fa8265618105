// Package sizing decides how large a model is made: the context that holds its
// longest call, the slots and the memory that it takes on a set of devices, and
// how long its work takes there. It is pure: prompts and shapes in, sizes out.
package sizing

import (
	"fmt"
	"slices"

	"perg/models"
)

// buckets are the contexts, in tokens, that num_ctx is chosen from: few, so
// that runs of similar data share one, and close enough that at most a third
// of the KV cache stays empty.
var buckets = []int{512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536, 98304, 131072}

// Bucket is the smallest of the contexts that holds so many tokens; past the
// last, the number itself.
func Bucket(tokens int) int {
	i, _ := slices.BinarySearch(buckets, tokens)
	if i == len(buckets) {
		return tokens
	}
	return buckets[i]
}

// Contexts are the buckets that hold so many tokens, the largest first.
func Contexts(need int) []int {
	var all []int
	for _, b := range slices.Backward(buckets) {
		if b >= need {
			all = append(all, b)
		}
	}
	return all
}

// A Size is the context of a model, in tokens.
type Size struct {
	Longest int    // of the longest prompt that it gets
	Need    int    // that hold its longest call
	What    string // which that is
	NumCtx  int    // that it is given
	Grown   int    // that would hold what its thoughts may need at most; 0: it has that
	Floor   int    // that servers give it in any case
}

// AtLeast is the size of a model that no server gives a smaller context.
func (s Size) AtLeast(floor int) Size {
	s.Floor, s.NumCtx = floor, max(s.NumCtx, floor)
	return s
}

// Thinking is the size of a model whose thoughts are likely to take so many tokens
// beside its longest call, and may take up to a limit.
func (s Size) Thinking(likely, limit, wanted, trained int) Size {
	longest := Longest{s.Longest, s.Need + likely, s.What}
	with := SizeOf(longest, wanted, trained)
	if wanted > 0 {
		return with
	}
	if grown := SizeOf(Longest{s.Longest, s.Need + limit, s.What}, 0, trained).NumCtx; grown > with.NumCtx {
		with.Grown = grown
	}
	return with
}

// Contexts are those that hold each of the model's calls, the largest first.
func (s Size) Contexts() []int { return Contexts(max(s.Need, s.Floor)) }

// Room is what the longest call needs beside its prompt.
func (s Size) Room() int { return s.Need - s.Longest }

// SizeOf is the size of a model by its longest call: the context is wanted,
// where that is not 0, else the smallest bucket that holds the call; and at most
// what the model was trained for, where that is not 0.
func SizeOf(l Longest, wanted, trained int) Size {
	s := Size{Longest: l.Tokens, Need: l.Need, What: l.What, NumCtx: wanted}
	if wanted == 0 {
		s.NumCtx = Bucket(l.Need)
	}
	if trained > 0 {
		s.NumCtx = min(s.NumCtx, trained)
	}
	return s
}

// A Model is what decides the memory and the time of one.
type Model struct {
	Size
	Shape   models.Shape
	KVCache models.KVType // "": not known, and taken to be f16, which is Ollama's default
	Engine  models.Engine // of the server that runs it
}

// with is how a server holds the model with so many slots.
func (m Model) with(slots int) models.Setup {
	u := models.Setup{NumCtx: m.NumCtx, Slots: slots, KVCache: m.KVCache, Engine: m.Engine}
	if u.KVCache == "" {
		u.KVCache = models.KVF16
	}
	return u
}

// Footprint is the model's memory with so many slots, or the one that servers give
// it, all of it on one device.
func (m Model) Footprint(slots int) models.Footprint {
	if m.Shape.OneSlot() {
		slots = min(slots, 1)
	}
	return m.Shape.Footprint(m.with(slots))
}

// Remedies are the changes that would let a model fit in so much free memory:
// a smaller quantization, a smaller context, a smaller KV cache.
func (m Model) Remedies(free []uint64) []string {
	fits := func(s models.Shape, u models.Setup) bool {
		_, short := s.Spread(u, free)
		return short == 0
	}
	one := m.with(1)
	var all []string
	if i := slices.IndexFunc(models.Quantizations(), func(level string) bool {
		s, err := m.Shape.At(level)
		return err == nil && s.WeightBytes() < m.Shape.WeightBytes() && fits(s, one)
	}); i >= 0 {
		all = append(all, models.Quantizations()[i])
	}
	for _, b := range slices.Backward(buckets) {
		smaller := one
		smaller.NumCtx = b
		if b < m.NumCtx && b >= max(m.Need, m.Floor) && fits(m.Shape, smaller) {
			all = append(all, fmt.Sprintf("--num-ctx %d", b))
			break
		}
	}
	q8 := one
	q8.KVCache = models.KVQ8
	if one.KVCache == models.KVF16 && fits(m.Shape, q8) {
		all = append(all, "--kv-cache q8_0")
	}
	return all
}
