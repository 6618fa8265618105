package models

import (
	"slices"
	"strings"
)

// ownEnvironment is what every server of our own is told.
var ownEnvironment = []string{
	"OLLAMA_NO_CLOUD=1", "OLLAMA_NOPRUNE=1", "GIN_MODE=release",
	// Where a model has a template of Ollama's that one is used, as before v0.30:
	// unset, the model's own (Jinja) is, where that can do more.
	"OLLAMA_GO_TEMPLATE=1",
	// llama-server keeps up to 8 GiB of prompts in the machine's memory for each
	// model, which nobody planned for. What its slots hold is not touched.
	argumentPrefix + "CACHE_RAM=0",
}

// argumentPrefix is of variables that llama-server, which inherits the server's
// environment, takes for arguments: any of them may change sampling or memory.
const argumentPrefix = "LLAMA_ARG_"

func withoutArguments(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, argumentPrefix) })
}

// telling are the beginnings of the variables that decide how a server runs a
// model: Ollama's (envconfig), llama.cpp's and those of the GPUs' libraries.
var telling = []string{"OLLAMA_", "LLAMA_", "GGML_", "CUDA_", "HIP_", "ROCR_", "HSA_", "GPU_DEVICE_ORDINAL"}

// untold are parts of the names of secrets, and what says nothing of a model.
var untold = []string{"KEY", "TOKEN", "SECRET", "PASSWORD", "OLLAMA_HOST", "OLLAMA_ORIGINS", "OLLAMA_REMOTES"}

// Telling are those of a server's variables, "NAME=value", that decide how it
// runs a model, by name; nil where there are none. No secret is among them.
func Telling(environ []string) map[string]string {
	var all map[string]string
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		begins := func(with string) bool { return strings.HasPrefix(name, with) }
		holds := func(part string) bool { return strings.Contains(name, part) }
		if !slices.ContainsFunc(telling, begins) || slices.ContainsFunc(untold, holds) {
			continue
		}
		if all == nil {
			all = make(map[string]string)
		}
		all[name] = HideCredentials(value)
	}
	return all
}

// Inherited are the telling variables of an environment that reach the servers
// which are started in it.
func Inherited(environ []string) map[string]string { return Telling(withoutArguments(environ)) }
