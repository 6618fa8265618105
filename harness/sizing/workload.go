package sizing

import (
	"time"

	"perg/models"
)

// What a device of speed 1 is taken to do: it moves a terabyte a second, and
// computes what a GPU of that bandwidth does (an RTX 4090: 1.0 TB/s and 165
// TFLOPS; an H100: 3.35 TB/s and 990). Real servers reach some part of both.
const (
	ReferenceBandwidth = 1e12 // bytes per second
	referenceCompute   = 150e12
	bandwidthReached   = 0.6
	computeReached     = 0.35

	// ProcessorSpeed is a desktop's memory of 40 GB/s.
	ProcessorSpeed = 0.04
	// loadBandwidth is what a model is read into memory with, from an NVMe
	// drive or the page cache.
	loadBandwidth = 2e9
	loadLeast     = 3 * time.Second
)

// A Workload is what a job asks of a model.
type Workload struct {
	Calls        int `json:"calls"`
	PromptTokens int `json:"prompt_tokens"` // of all calls
	OutputTokens int `json:"output_tokens"` // of all calls, an estimate
}

// duration estimates how long a model takes for a workload on a device of a
// speed, with so many slots kept full. It is good to a factor of two: it
// orders jobs and tells hours from days.
//
// A decoding step reads all weights once and every slot's cache, and computes
// for every slot; a prompt is computed, not read.
func (w Workload) duration(m Model, slots int, speed float64) time.Duration {
	if slots < 1 {
		slots = ProcessorSlots
	}
	bandwidth := ReferenceBandwidth * speed * bandwidthReached
	compute := referenceCompute * speed * computeReached
	f := m.Footprint(slots)
	perToken := 2 * float64(m.Shape.Parameters)
	if m.Shape.ActiveParameters > 0 {
		perToken = 2 * float64(m.Shape.ActiveParameters)
	}
	step := max((float64(f.Weights)+float64(f.KV)/2)/bandwidth, float64(slots)*perToken/compute)
	decode := float64(w.OutputTokens) / float64(slots) * step
	prefill := float64(w.PromptTokens) * perToken / compute
	return time.Duration((decode + prefill) * float64(time.Second))
}

// LoadTime is how long a model is read into memory.
func LoadTime(s models.Shape) time.Duration {
	return loadLeast + time.Duration(float64(s.WeightBytes())/loadBandwidth*float64(time.Second))
}
