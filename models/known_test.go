package models_test

import (
	"strings"
	"testing"

	"perg/models"
)

// Every known model has a shape whose parts come to about its size: what its
// layers, embeddings and experts compute to is within a fifth of what it says.
func TestKnownShapesAddUp(t *testing.T) {
	names := models.KnownNames()
	if len(names) < 60 {
		t.Fatalf("%d models are known", len(names))
	}
	for _, name := range names {
		d, ok := models.Known(name)
		if !ok {
			t.Errorf("%s is not known by its own name", name)
			continue
		}
		s, err := d.Shape()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		experts := max(d.Experts, 1)
		layer := s.Embedding * (2*s.Heads*s.KeyLength + 3*experts*s.FeedForward)
		for _, heads := range s.KVHeads {
			layer += 2 * s.Embedding * heads * s.KeyLength / s.Layers
		}
		ends := 2 * s.Embedding * s.Vocabulary
		if s.TiedBytes > 0 {
			ends /= 2
		}
		sum := float64(s.Layers*layer+ends) / float64(d.Parameters)
		least, most := 0.8, 1.2
		if strings.HasPrefix(s.Architecture, "nemotron_h") {
			least, most = 3, 3.5 // of its layers 23 in 52 have experts, of two matrices each
		}
		if sum < least || sum > most {
			t.Errorf("%s: its parts are %.2f of its %.2f billion parameters", name, sum, float64(d.Parameters)/1e9)
		}
	}
}

// Tags name quantizations, and weights of their own.
func TestKnownTags(t *testing.T) {
	for tag, want := range map[string]string{
		"gemma3:27b-it-q8_0": "q8_0", "llama3.1:8b-instruct-fp16": "f16", "qwen3:30b-a3b-instruct-2507-q4_K_M": "q4_K_M", "gpt-oss:20b": "MXFP4", "glm-4.7-flash": "",
	} {
		d, ok := models.Known(tag)
		if !ok || !strings.EqualFold(d.Quantization, want) || strings.Contains(tag, "instruct") && d.Thinks != models.ThinksNot {
			t.Errorf("%s: %v, %+v", tag, ok, d)
		}
	}
	size := func(tag string) float64 {
		d, _ := models.Known(tag)
		s, err := d.Shape()
		if err != nil {
			t.Fatal(err)
		}
		return float64(s.WeightBytes()) / 1e9
	}
	// The sizes that Ollama's library shows, in GB.
	for tag, want := range map[string]float64{"gpt-oss:20b": 13.8, "gpt-oss:120b": 65.3, "qwen2.5:14b": 9.0, "phi4:14b": 9.1, "deepseek-r1:32b": 20, "gemma3:12b": 8.1, "qwen3:30b": 18.6, "mistral-nemo:12b": 7.1} {
		if got := size(tag); got < want*0.9 || got > want*1.1 {
			t.Errorf("%s: %.1f GB, published are %.1f", tag, got, want)
		}
	}
}
