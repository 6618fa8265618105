package sizing

import (
	"math"
	"time"

	"perg/models"
)

// What servers do on a device of speed 1, which moves a terabyte a second. The
// figures are of Ollama 0.17.4 and 0.33.0 with Llama 3.1 8B and Llama 3.3 70B on
// an H200 (4.8 TB/s), and of SmolLM2 135M on two cores; see TestTheModelOfTime.
const (
	ReferenceBandwidth = 1e12 // bytes per second
	// bandwidthReached is the part of it that weights are read with.
	bandwidthReached = 0.6
	// readingRate is in operations per second, with prompts of some hundred
	// tokens. It grows with the root of the speed: cards with faster memory do not
	// compute as much more (an RTX 3060 reads an 8B with 1,800 tokens/s, at a
	// speed of 0.36; an H200 with 6,700).
	readingRate = 50e12
	// layerTime is what a GPU waits for its kernels to be launched, for each
	// layer of a step: of small models it is most of a step.
	layerTime = 130 * time.Microsecond
	// choosingTime is what a server takes to choose a token among the vocabulary,
	// for each entry of that, one call after the other.
	choosingTime, runnerChoosingTime = 4 * time.Nanosecond, 12 * time.Nanosecond

	// CoreSpeed is the speed of a core, which also has its part of the memory's
	// bandwidth, up to ProcessorSpeed: a desktop's memory of 40 GB/s.
	CoreSpeed, ProcessorSpeed = 0.006, 0.04
	// processorRate is in operations per second at speed 1: 25e9 a core.
	processorRate = 4e12

	// loadBandwidth is what a model is read into memory with, from an NVMe
	// drive or the page cache.
	loadBandwidth = 2e9
	loadLeast     = 3 * time.Second
)

// A Workload is what a job asks of a model.
type Workload struct {
	Calls        int
	PromptTokens int // of all calls
	ReadTokens   int // of those: the others were read before, and are in a server's cache
	OutputTokens int // of all calls, an estimate
}

// Thinking is the workload of a model that thinks so many tokens before each of its
// answers, on average.
func (w Workload) Thinking(tokens int) Workload {
	w.OutputTokens += tokens * w.Calls
	return w
}

// duration estimates how long a model takes for a workload on a device of a
// speed, with so many slots kept full. Of the figures that it was made from, it
// is within a factor of 1.5; lengths of answers are guessed beside that, so that
// a plan's time is taken to be good to a factor of two (modelError).
//
// A decoding step reads all weights once and every slot's cache, and computes
// for every slot; between two steps the GPU waits for its launches and for each
// slot's token to be chosen. A prompt is computed, not read.
func (w Workload) duration(m Model, slots int, speed float64, processor bool) time.Duration {
	if slots < 1 {
		slots = ProcessorSlots
	}
	rate, waits := readingRate*math.Sqrt(speed), float64(m.Shape.Layers)*layerTime.Seconds()
	if processor {
		rate, waits = processorRate*speed, 0
	}
	choosing := choosingTime
	if m.Engine == models.Runner {
		choosing = runnerChoosingTime
	}
	waits += float64(slots) * float64(m.Shape.Vocabulary) * choosing.Seconds()
	f := m.Footprint(slots)
	perToken := 2 * float64(m.Shape.Parameters)
	if m.Shape.ActiveParameters > 0 {
		perToken = 2 * float64(m.Shape.ActiveParameters)
	}
	step := waits + max((float64(f.Weights)+float64(f.KV)/2)/(ReferenceBandwidth*speed*bandwidthReached), float64(slots)*perToken/rate)
	return seconds(float64(w.OutputTokens)/float64(slots)*step + float64(w.ReadTokens)*perToken/rate)
}

// LoadTime is how long a model is read into memory.
func LoadTime(s models.Shape) time.Duration {
	return loadLeast + time.Duration(float64(s.WeightBytes())/loadBandwidth*float64(time.Second))
}
