package models

import (
	"cmp"
	"slices"
)

// driverContext is what a process holds of each GPU that it uses beside its
// buffers: code and state of the driver's. Ollama v0.17.4 keeps as much free
// (ml.DeviceInfo.MinimumMemory).
const driverContext = 457 << 20

// A Setup is how a server holds a model.
type Setup struct {
	NumCtx, Slots int // tokens of context in each of so many slots
	KVCache       KVType
	Engine        Engine
}

// A Footprint is the memory that a loaded model needs on one GPU, in bytes.
type Footprint struct {
	Weights  uint64 `json:"weights"`  // of all layers and the output
	KV       uint64 `json:"kv"`       // cache of all slots
	Compute  uint64 `json:"compute"`  // buffers of the compute graph, on each GPU that is used
	Overhead uint64 `json:"overhead"` // the driver's, on each GPU that is used
	// Reserve is what has to be free beyond all that, on each GPU that is used:
	// with less the server puts a part of the model on the CPU.
	Reserve uint64 `json:"reserve"`
}

// Held is what the server's process holds of the GPU, as NVML counts it.
func (f Footprint) Held() uint64 { return f.Weights + f.KV + f.Compute + f.Overhead }

// Total is what has to be free on the GPU.
func (f Footprint) Total() uint64 { return f.Held() + f.Reserve }

// Footprint estimates the memory for a model that is held so.
func (s Shape) Footprint(u Setup) Footprint {
	f := Footprint{Weights: s.OutputBytes + uint64(s.Layers)*s.LayerBytes, KV: s.kv(u), Compute: s.compute(u), Overhead: driverContext}
	switch {
	case u.Engine != Runner:
		f.Reserve = fitMargin
	case !s.ownEngine():
		// The server goes by a guess of the graph, and by room for one layer more.
		guess := s.guessedGraph(u)
		f.Reserve = guess - min(guess, f.Compute) + s.LayerBytes + s.layerKV(0, u)
	}
	return f
}

// OnCPU is what a model takes that no GPU has a part of.
func (s Shape) OnCPU(u Setup) uint64 {
	f := s.Footprint(u)
	return s.InputBytes + f.Weights + f.KV + f.Compute
}

// Reported is the size that the server will give of a model that is spread over
// so many GPUs, or on the CPU where there are none (/api/ps).
func (s Shape) Reported(u Setup, gpus int) uint64 {
	f := s.Footprint(u)
	switch {
	case u.Engine == Runner && !s.ownEngine():
		// What it guessed before it loaded: neither the token embeddings, nor a
		// graph where there is no GPU.
		return f.Weights + s.guessedKV(u) + uint64(gpus)*s.guessedGraph(u)
	case u.Engine == Runner:
		return s.InputBytes + s.TiedBytes + f.Weights + f.KV + uint64(max(gpus, 1))*f.Compute
	case gpus > 0:
		return f.Weights + s.listedKV(u) + uint64(gpus)*f.Compute
	}
	// The file is mapped, and what is copied from it into another order counts
	// a second time.
	return s.InputBytes + f.Weights + s.RepackedBytes + s.listedKV(u) + f.Compute + uint64(4*u.Slots*s.Vocabulary)
}

// Spread lays the model out over GPUs with so much memory free, as Ollama
// does: the largest first, whole layers, each GPU with its own buffers. perGPU
// is what each would hold, in the order of free; short is how many bytes are
// missing, 0 where it fits.
func (s Shape) Spread(u Setup, free []uint64) (perGPU []uint64, short uint64) {
	f := s.Footprint(u)
	each := f.Compute + f.Overhead + f.Reserve
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
		return s.LayerBytes + s.layerKV(layer, u)
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
