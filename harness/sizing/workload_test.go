package sizing

import (
	"testing"
	"time"

	"perg/models"
)

// The model of time against what servers took: Ollama 0.33.0 (llama-server) and
// 0.17.4 (its own runner) on an H200, and on two cores. Each is within the factor
// that the model says.
func TestTheModelOfTime(t *testing.T) {
	smol := models.Description{
		Architecture: "llama", Parameters: 134_515_008, Quantization: "q4_0", Layers: 30, Embedding: 576, FeedForward: 1536,
		Vocabulary: 49152, Heads: 9, KVHeads: 3, Context: 2048,
	}
	llama8, _ := models.Known("llama3.1:8b")
	llama70, _ := models.Known("llama3.3:70b")
	const h200, factor = 4.8, 1.5
	for _, c := range []struct {
		what      string
		of        models.Description
		engine    models.Engine
		slots     int
		speed     float64
		processor bool
		work      Workload
		took      float64 // seconds
	}{
		{"an 8B, 16 at a time", llama8, models.LlamaServer, 16, h200, false, Workload{PromptTokens: 17813, ReadTokens: 17813, OutputTokens: 2170}, 2170. / 399},
		{"an 8B, 4 at a time", llama8, models.LlamaServer, 4, h200, false, Workload{PromptTokens: 17813, ReadTokens: 17813, OutputTokens: 2170}, 2170. / 286},
		{"an 8B, one at a time", llama8, models.Runner, 1, h200, false, Workload{PromptTokens: 17813, ReadTokens: 17813, OutputTokens: 2170}, 2170. / 141},
		{"an 8B, 16 at a time on the runner", llama8, models.Runner, 16, h200, false, Workload{PromptTokens: 17813, ReadTokens: 17813, OutputTokens: 2170}, 2170. / 224},
		{"a 70B, 4 at a time", llama70, models.Runner, 4, h200, false, Workload{PromptTokens: 36004, ReadTokens: 36004, OutputTokens: 4216}, 94},
		{"SmolLM2 answering on 2 cores", smol, models.Runner, 1, 2 * CoreSpeed, true, Workload{OutputTokens: 640}, 10},
		{"SmolLM2 reading on 2 cores", smol, models.Runner, 1, 2 * CoreSpeed, true, Workload{PromptTokens: 1850, ReadTokens: 1850}, 10},
	} {
		shape, err := c.of.Shape()
		if err != nil {
			t.Fatal(err)
		}
		m := Model{Size: Size{NumCtx: 1536}, Shape: shape, KVCache: models.KVF16, Engine: c.engine}
		got := c.work.duration(m, c.slots, c.speed, c.processor).Seconds()
		t.Logf("%s: %.1f s, took %.1f s: %.2f", c.what, got, c.took, got/c.took)
		if got < c.took/factor || got > c.took*factor {
			t.Errorf("%s: %.1f s, took %.1f s", c.what, got, c.took)
		}
	}
}

// What is read from a server's cache costs nothing, and a prompt costs what it
// has of its own.
func TestReadingIsInTheTime(t *testing.T) {
	llama, _ := models.Known("llama3.1:8b")
	shape, err := llama.Shape()
	if err != nil {
		t.Fatal(err)
	}
	m := Model{Size: Size{NumCtx: 4096}, Shape: shape, KVCache: models.KVF16, Engine: models.LlamaServer}
	takes := func(read int) time.Duration {
		return Workload{Calls: 100, PromptTokens: 450_00, ReadTokens: read, OutputTokens: 62_00}.duration(m, 16, 1, false)
	}
	if all, none := takes(450_00), takes(0); all < none*3/2 || takes(450_00/2)-none != (all-none)/2 {
		t.Errorf("%v with prompts of 450 tokens for answers of 62, %v with all of them cached, %v with half", all, none, takes(450_00/2))
	}
}
