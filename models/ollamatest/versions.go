package ollamatest

import "slices"

// A Version is what a release of Ollama does in the ways that perg has to deal
// with, as its source has it.
type Version struct {
	Number string
	// LlamaServer: models run in llama-server (v0.30.0, 9db4bdbad, #16031).
	// shift is fixed when a model is loaded, so that another one loads it anew
	// (sched.go, needsReload); a num_batch that is not asked for grows with the
	// context (generationBatchForContext); and a model without a template of
	// Ollama's has its own (Jinja) rendered.
	LlamaServer bool
	// CachesWithShift: prompts are cached for calls with shift alone (v0.30.0
	// to v0.30.7, llm/llama_server.go, cache_prompt; #16639).
	CachesWithShift bool
	// HidesCached: prompt_eval_count leaves out what was cached (v0.30.0; #16428).
	HidesCached bool
	// Immediate: with thinking off a format counts from the first token (#15901,
	// v0.31.2). Before it counts only once a thought has ended, and with
	// thinking off none begins: it is dropped. (routes.go, ChatHandler)
	Immediate bool
	// Keeps are the families that keep a format all the same (gemma4: #15678, v0.21.1).
	Keeps []string
	// What it says of a prompt that does not fit, and of a runner that died.
	TooLong, Died string
}

const (
	tooLongForRunner = "the input length exceeds the context length"
	tooLongForServer = "the prompt is longer than the context length currently available to the model; " +
		"shorten the prompt, adjust the context length in settings, or use a model with a longer context length"
	runnerDied = "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details"
	serverDied = "llama-server process has terminated: signal: killed"
)

// Versions are those that tests script.
var Versions = []Version{
	{Number: "0.17.4", TooLong: tooLongForRunner, Died: runnerDied},
	{Number: "0.30.0", LlamaServer: true, CachesWithShift: true, HidesCached: true, Keeps: []string{"gemma4"}, TooLong: tooLongForServer, Died: serverDied},
	{Number: "0.30.8", LlamaServer: true, Keeps: []string{"gemma4"}, TooLong: tooLongForServer, Died: serverDied},
	{Number: "0.31.1", LlamaServer: true, Keeps: []string{"gemma4"}, TooLong: tooLongForServer, Died: serverDied},
	{Number: "0.33.0", LlamaServer: true, Immediate: true, TooLong: tooLongForServer, Died: serverDied},
}

// version is the scripted one with a number.
func version(number string) Version {
	i := slices.IndexFunc(Versions, func(v Version) bool { return v.Number == number })
	if i < 0 {
		panic("ollamatest: no scripted version " + number)
	}
	return Versions[i]
}

// oneSlot are the families that get one slot whatever OLLAMA_NUM_PARALLEL says
// (sched.go, load; v0.17.4 and v0.33.0, which adds nemotron_h_omni).
var oneSlot = []string{
	"mllama", "qwen3vl", "qwen3vlmoe", "qwen35", "qwen35moe", "qwen3next", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "nemotron_h_omni",
}

// visionContext is the least context of a model that sees (sched.go, getRunner;
// v0.17.4 and later).
const visionContext = 2048

// automaticBatch is the num_batch of a model that was asked for without one
// (v0.30.0, sched.go; where the memory allows it).
func automaticBatch(context int) int {
	switch {
	case context > 32768:
		return 2048
	case context > 4096:
		return 1024
	default:
		return defaultBatch
	}
}

const defaultBatch = 512 // api.DefaultOptions
