package harness

import (
	"slices"
	"time"

	"perg/harness/prompt"
	"perg/models"
)

// What a device of speed 1 is taken to do: it moves a terabyte a second, and
// computes what a GPU of that bandwidth does (an RTX 4090: 1.0 TB/s and 165
// TFLOPS; an H100: 3.35 TB/s and 990). Real servers reach some part of both.
const (
	referenceBandwidth = 1e12 // bytes per second
	referenceCompute   = 150e12
	bandwidthReached   = 0.6
	computeReached     = 0.35

	// processorSpeed is a desktop's memory of 40 GB/s.
	processorSpeed = 0.04
	// loadBandwidth is what a model is read into memory with, from an NVMe
	// drive or the page cache.
	loadBandwidth = 2e9
	loadLeast     = 3 * time.Second
	// answerShare is how much of num_predict an answer takes on average:
	// zero-shot answers of 7B models have some 150 of 500 tokens.
	answerShare = 0.3
)

// A workload is what a job asks of a model.
type workload struct {
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
func (w workload) duration(s models.Shape, numCtx, slots int, cache models.KVType, speed float64) time.Duration {
	if slots < 1 {
		slots = processorSlots
	}
	bandwidth := referenceBandwidth * speed * bandwidthReached
	compute := referenceCompute * speed * computeReached
	f := s.Footprint(numCtx, slots, cache)
	perToken := 2 * float64(s.Parameters)
	if s.ActiveParameters > 0 {
		perToken = 2 * float64(s.ActiveParameters)
	}
	step := max((float64(f.Weights)+float64(f.KV)/2)/bandwidth, float64(slots)*perToken/compute)
	decode := float64(w.OutputTokens) / float64(slots) * step
	prefill := float64(w.PromptTokens) * perToken / compute
	return time.Duration((decode + prefill) * float64(time.Second))
}

func loadTime(s models.Shape) time.Duration {
	return loadLeast + time.Duration(float64(s.WeightBytes())/loadBandwidth*float64(time.Second))
}

// generating is what a variant's answers take.
func (p *Plan) generating(v *Variant) workload {
	n := len(p.Dataset.Items) * p.Repeats
	var w workload
	for _, c := range p.cells(v) {
		w.Calls += n
		w.OutputTokens += int(answerShare*float64(p.answerMost(v, c.Method))) * n
		if c.Method == prompt.SelfCritic && !slices.Contains(p.Methods, prompt.ZeroShot) {
			w.Calls += n // the draft is nobody else's
			w.OutputTokens += int(answerShare*float64(p.answerMost(v, prompt.ZeroShot))) * n
		}
	}
	w.PromptTokens = int(p.meanPrompt * float64(p.Count(v)))
	return w
}

// ratings is what one judge's ratings of all variants take, if every baseline
// is right.
func (p *Plan) ratings() workload {
	var w workload
	n := len(p.Dataset.Items) * p.Repeats
	if p.JudgeSwap {
		n *= 2
	}
	for _, v := range p.Variants {
		for _, c := range p.cells(v) {
			if !c.Setting.Judged() {
				continue
			}
			w.Calls += n
			w.PromptTokens += n * (int(p.meanRating) + 2*int(answerShare*float64(p.answerMost(v, c.Method))))
			w.OutputTokens += n * ratingTokens
		}
	}
	return w
}

// ratingTokens is the length of a rating with its explanation.
const ratingTokens = 60
