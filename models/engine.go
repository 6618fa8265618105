package models

// An Engine is what computes a model's answers in a server. The same weights
// answer otherwise on another one.
type Engine string

// The engines of Ollama.
const (
	Runner      Engine = "runner"       // its own, of both kinds, before v0.30.0
	LlamaServer Engine = "llama-server" // of llama.cpp, from v0.30.0 on
)

// EngineOf is that of a server by its version; "" where that does not tell, as
// of a build without one.
func EngineOf(version string) Engine {
	switch r, ok := numberOf(version); {
	case !ok:
		return ""
	case r.before(release{0, 30}):
		return Runner
	default:
		return LlamaServer
	}
}
