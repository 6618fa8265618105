package models

import "slices"

// OneSlot says whether servers work on one prompt of the model at a time,
// whatever OLLAMA_NUM_PARALLEL says (server/sched.go, load; v0.17.4, and v0.33.0
// for the last).
func (s Shape) OneSlot() bool {
	return slices.Contains([]string{
		"mllama", "qwen3vl", "qwen3vlmoe", "qwen35", "qwen35moe", "qwen3next", "lfm2", "lfm2moe",
		"nemotron_h", "nemotron_h_moe", "nemotron_h_omni",
	}, s.Architecture)
}

// visionContext is the least context, in tokens, that a server gives a model
// that sees (server/sched.go, getRunner; v0.17.4 and later).
const visionContext = 2048

// LeastContext is the least context that a server gives the model, in tokens; 0:
// any.
func (d Details) LeastContext() int { return leastContext(slices.Contains(d.Capabilities, "vision")) }

// LeastContext is the least context that a server gives the described model, in
// tokens; 0: any.
func (d Description) LeastContext() int { return leastContext(d.Vision) }

func leastContext(sees bool) int {
	if sees {
		return visionContext
	}
	return 0
}
