package models

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A server of our own gets nothing of the user's that llama-server would take
// for an argument, keeps no prompts in the machine's memory, and renders by
// Ollama's templates.
func TestTheEnvironmentOfOurOwnServers(t *testing.T) {
	t.Setenv("LLAMA_ARG_TOP_K", "1")
	t.Setenv("LLAMA_ARG_CACHE_RAM", "8192")
	t.Setenv("OLLAMA_GO_TEMPLATE", "0")
	env := (&Server{cfg: ServerConfig{Env: []string{"LLAMA_ARG_FIT=off"}}}).environment()
	last := make(map[string]string) // a later one counts (os/exec)
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		last[name] = value
	}
	if v, ok := last["LLAMA_ARG_TOP_K"]; ok {
		t.Errorf("LLAMA_ARG_TOP_K=%s", v)
	}
	for name, want := range map[string]string{"LLAMA_ARG_CACHE_RAM": "0", "OLLAMA_GO_TEMPLATE": "1", "LLAMA_ARG_FIT": "off"} {
		if last[name] != want {
			t.Errorf("%s=%s, want %s", name, last[name], want)
		}
	}
}

func TestWhatIsToldOfAnEnvironment(t *testing.T) {
	environ := []string{
		"HOME=/root", "OLLAMA_FLASH_ATTENTION=1", "LLAMA_ARG_TOP_K=1", "CUDA_VISIBLE_DEVICES=0", "OLLAMA_HOST=http://user:word@box",
		"OLLAMA_API_KEY=secret", "HF_TOKEN=secret", "GGML_CUDA_NO_GRAPHS=",
	}
	all := map[string]string{"OLLAMA_FLASH_ATTENTION": "1", "LLAMA_ARG_TOP_K": "1", "CUDA_VISIBLE_DEVICES": "0", "GGML_CUDA_NO_GRAPHS": ""}
	if diff := cmp.Diff(all, Telling(environ)); diff != "" {
		t.Errorf("of the user's server (-want +got):\n%s", diff)
	}
	delete(all, "LLAMA_ARG_TOP_K")
	if diff := cmp.Diff(all, Inherited(environ)); diff != "" {
		t.Errorf("of one of our own (-want +got):\n%s", diff)
	}
	if Telling([]string{"HOME=/root"}) != nil || !slices.Contains(environ, "LLAMA_ARG_TOP_K=1") {
		t.Error("nothing is told as something, or the environment was changed")
	}
}
