package models

import (
	"fmt"
	"slices"
)

// An Engine is what runs the models inside Ollama. It decides which buffers
// there are beside the weights, and what the server reports of them.
type Engine int

const (
	// LlamaServer is llama.cpp's own server, which Ollama starts from 0.30.0 on.
	// It is taken where a version is not known.
	LlamaServer Engine = iota
	// Runners are the two that Ollama had before: of llama.cpp's library, and of
	// its own for newer architectures.
	Runners
)

// llamaServerFrom is the version of Ollama that dropped its own runners.
var llamaServerFrom = [2]int{0, 30}

// EngineOf is the engine of an Ollama of a version, as "0.17.4".
func EngineOf(version string) Engine {
	var v [2]int
	n, err := fmt.Sscanf(version, "%d.%d", &v[0], &v[1])
	if known := n == 2 && err == nil && v != [2]int{}; known && slices.Compare(v[:], llamaServerFrom[:]) < 0 {
		return Runners
	}
	return LlamaServer
}
