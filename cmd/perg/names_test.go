package main

import (
	"strings"
	"testing"

	"perg/data"
	"perg/models/ollamatest"
)

// What a user calls a model: patterns take all that match, digests and names of
// every registry one, and what cannot be measured is said to be so, and not
// offered.
func TestNamesOfModels(t *testing.T) {
	t.Chdir(t.TempDir())
	chat := ollamatest.Model{Template: chatML}
	s := ollamatest.NewScripted(t, "0.17.4", map[string]ollamatest.Model{
		"l:8b-q8_0": chat, "l:8b-q4_0": chat, "l:70b": chat, "hf.co/Some/Model-GGUF:Q4_K_M": chat, "registry.example:5000/team/m:v1": chat,
		"sees:latest": {Template: chatML, Vision: true}, "nomic-embed-text:latest": {Family: "nomic-bert", Embeds: true}, "vectors:latest": {Embeds: true},
		"big:cloud-tag": {Remote: "https://ollama.com:443"},
	})
	runs := func(name string) (variants []string) {
		t.Helper()
		out := strings.NewReplacer("/", "_", ":", "_", "*", "_").Replace(name)
		code, said := say(t, "run", name, "--host", s.URL, "--store", "replies.db", "--out", out, "--limit", "1", "--settings", "none", "--null", "0", "--parallel", "1")
		if code != exitDone {
			t.Errorf("%s: exit %d\n%s", name, code, said)
			return nil
		}
		for _, g := range table[data.Generation](t, out, "generations") {
			variants = append(variants, g.Model)
		}
		return variants
	}
	for name, want := range map[string]string{
		"l:8b-*": "l:8b-q4_0 l:8b-q8_0", "L:8B-Q8_0": "l:8b-q8_0", "hf.co/some/model-gguf:q4_k_m": "hf.co/Some/Model-GGUF:Q4_K_M",
		"registry.example:5000/team/m:v1": "registry.example:5000/team/m:v1", "sees": "sees:latest",
	} {
		if got := strings.Join(runs(name), " "); got != want {
			t.Errorf("%s ran %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"big:cloud-tag": "runs elsewhere (https://ollama.com:443)", "nomic-embed-text": "makes embeddings", "vectors": "makes embeddings", "l:9b-*": "has no model l:9b-*",
	} {
		code, said := say(t, "run", name, "--host", s.URL, "--store", "replies.db", "--out", "none")
		if code != exitUsage || !strings.Contains(said, want) {
			t.Errorf("%s: exit %d, want it to say %q:\n%s", name, code, want, said)
		}
		if _, offers, _ := strings.Cut(said, "installed are "); strings.Contains(offers, "nomic") || strings.Contains(offers, "big") {
			t.Errorf("%s: it offers what cannot be measured:\n%s", name, said)
		}
	}
}
