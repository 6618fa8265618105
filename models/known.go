package models

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// A Description says what a model is that is not installed, in the terms of
// its published configuration.
type Description struct {
	Architecture     string  `yaml:"architecture" json:"architecture"`           // as GGUF names it; "llama" where empty
	Parameters       uint64  `yaml:"parameters" json:"parameters"`               // all of them
	ActiveParameters uint64  `yaml:"active_parameters" json:"active_parameters"` // that one token passes; all where 0
	Layers           int     `yaml:"layers" json:"layers"`                       //
	Heads            int     `yaml:"heads" json:"heads"`                         // of attention
	KVHeads          int     `yaml:"kv_heads" json:"kv_heads"`                   // as many as heads where 0
	HeadLength       int     `yaml:"head_length" json:"head_length"`             // embedding / heads where 0
	Embedding        int     `yaml:"embedding" json:"embedding"`                 //
	FeedForward      int     `yaml:"feed_forward" json:"feed_forward"`           // 4 x embedding where 0
	Vocabulary       int     `yaml:"vocabulary" json:"vocabulary"`               //
	Context          int     `yaml:"context" json:"context"`                     // tokens
	Window           int     `yaml:"window" json:"window"`                       // sliding window, tokens; 0: none
	Experts          int     `yaml:"experts" json:"experts"`                     // 0: no mixture
	Vision           bool    `yaml:"vision" json:"vision"`                       // it sees images
	Thinks           Thinks  `yaml:"thinks" json:"thinks,omitempty"`             // asked, levels, always, in text; "": it does not
	Levels           []Level `yaml:"levels" json:"levels,omitempty"`             // of thinking, that its prompts know
	Tied             bool    `yaml:"tied" json:"tied"`                           // its token embeddings are the output, too
	GlobalKVHeads    int     `yaml:"global_kv_heads" json:"global_kv_heads"`     // of the layers without the window, in head_length; 0: kv_heads
	CacheEvery       int     `yaml:"cache_every" json:"cache_every"`             // every so many-th layer alone keeps keys and values; 0: all do
	Quantization     string  `yaml:"quantization" json:"quantization"`           // "q4_K_M" where empty, as Ollama's tags
	Bytes            uint64  `yaml:"bytes" json:"bytes"`                         // of its file at that quantization; 0: by the usual size of one
}

// Shape is the described model's. An error names everything that is missing.
func (d Description) Shape() (Shape, error) {
	var faults []error
	for _, must := range []struct {
		key string
		n   int
	}{{"parameters", int(d.Parameters)}, {"layers", d.Layers}, {"heads", d.Heads}, {"embedding", d.Embedding}, {"vocabulary", d.Vocabulary}} {
		if must.n <= 0 {
			faults = append(faults, fmt.Errorf("%s is missing", must.key))
		}
	}
	if len(faults) > 0 {
		return Shape{}, errors.Join(faults...)
	}
	or := func(n, otherwise int) int {
		if n > 0 {
			return n
		}
		return otherwise
	}
	s := Shape{
		Architecture: d.Architecture, Parameters: d.Parameters, Layers: d.Layers, Embedding: d.Embedding,
		FeedForward: or(d.FeedForward, 4*d.Embedding), Vocabulary: d.Vocabulary, Heads: d.Heads,
		KVHeads:   slices.Repeat([]int{or(d.KVHeads, d.Heads)}, d.Layers),
		KeyLength: or(d.HeadLength, d.Embedding/d.Heads), Experts: d.Experts, ContextLength: d.Context,
		ActiveParameters: d.ActiveParameters,
	}
	if s.Architecture == "" {
		s.Architecture = "llama"
	}
	s.ValueLength = s.KeyLength
	for i := range s.KVHeads {
		if d.CacheEvery > 0 && (i+1)%d.CacheEvery != 0 {
			s.KVHeads[i] = 0
		}
	}
	if d.Window > 0 {
		s.Sliding, s.Global = d.Window, globalEvery[s.Architecture]
	}
	for i := range s.KVHeads {
		if d.GlobalKVHeads > 0 && s.window(i) == 0 {
			s.KVHeads[i] = d.GlobalKVHeads
		}
	}
	if d.Tied {
		s.TiedBytes = 1 // for At to know
	}
	level := d.Quantization
	if level == "" {
		level = "q4_K_M" // what an Ollama tag without one has
	}
	if d.Bytes > 0 {
		return s.sized(level, float64(d.Bytes)*8/float64(d.Parameters)), nil
	}
	return s.At(level)
}

// bitsPerWeight are the sizes of whole published files over their parameters:
// the output and a few other tensors keep more bits than the name says.
var bitsPerWeight = map[string]float64{
	"f16": 16, "q8_0": 8.5, "q6_K": 6.57, "q5_K_M": 5.70, "q5_K_S": 5.54, "q5_0": 5.54,
	"q4_K_M": 4.86, "q4_K_S": 4.60, "q4_0": 4.60, "q3_K_M": 3.95, "q2_K": 3.10,
}

// Quantizations are the levels that a size can be estimated for, the largest
// first.
func Quantizations() []string {
	return slices.SortedFunc(maps.Keys(bitsPerWeight), func(a, b string) int {
		if bitsPerWeight[a] != bitsPerWeight[b] {
			if bitsPerWeight[a] > bitsPerWeight[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
}

// BitsPerWeight is the mean size of a weight at a level that Quantizations
// lists; 16 for another.
func BitsPerWeight(level string) float64 {
	for known, bits := range bitsPerWeight {
		if strings.EqualFold(known, level) {
			return bits
		}
	}
	return 16
}

// ErrOneLevel: a model's weights were made for the quantization that they have.
var ErrOneLevel = errors.New("it was made for MXFP4, and has no other quantization")

// At is the model at another quantization.
func (s Shape) At(level string) (Shape, error) {
	if strings.EqualFold(s.Quantization, "MXFP4") {
		return Shape{}, ErrOneLevel
	}
	known := Quantizations()
	i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, level) })
	if i < 0 {
		return Shape{}, fmt.Errorf("quantization %q: its size is not known; known are %s", level, strings.Join(known, ", "))
	}
	return s.sized(known[i], bitsPerWeight[known[i]]), nil
}

// sized is the model at a level with so many bits for a weight, on average.
func (s Shape) sized(level string, bits float64) Shape {
	// Embeddings and output are of one size and keep about the mean of bits.
	ends := uint64(float64(s.Embedding*s.Vocabulary) * bits / 8)
	s.InputBytes, s.OutputBytes = ends, ends
	all := uint64(float64(s.Parameters) * bits / 8)
	if tied := s.TiedBytes > 0 || s.Architecture == "gemma2" || s.Architecture == "gemma3"; tied {
		s.InputBytes, s.TiedBytes = 0, ends
	}
	s.LayerBytes = (all - min(all, s.InputBytes+s.OutputBytes)) / uint64(max(s.Layers, 1))
	s.Quantization, s.RepackedBytes = level, 0 // which tensors have which type is not known
	return s
}

//go:embed known.yaml
var knownYAML []byte

var known = sync.OnceValue(func() map[string]Description {
	var all map[string]Description
	if err := yaml.Unmarshal(knownYAML, &all); err != nil {
		panic("known.yaml: " + err.Error()) // ours; a test reads it
	}
	return all
})

// Known is the description of a model that many have, by its name in Ollama,
// whose tag may name a quantization: "llama3.1:70b-instruct-q8_0".
func Known(name string) (Description, bool) {
	base, tag, _ := strings.Cut(strings.ToLower(name), ":")
	if tag == "" {
		tag = "latest"
	}
	parts := strings.Split(tag, "-")
	d, ok := known()[base+":"+parts[0]]
	if !ok {
		return d, false
	}
	switch { // such tags of models that think are weights of their own
	case slices.Contains(parts, "instruct"):
		d.Thinks, d.Levels = ThinksNot, nil
	case slices.Contains(parts, "think"), slices.Contains(parts, "thinking"):
		d.Thinks, d.Levels = ThinksAlways, nil
	}
	for _, level := range Quantizations() {
		if last := parts[len(parts)-1]; strings.EqualFold(level, last) || level == "f16" && last == "fp16" {
			d.Quantization, d.Bytes = level, 0
		}
	}
	return d, true
}

// KnownNames lists the models that Known has.
func KnownNames() []string { return slices.Sorted(maps.Keys(known())) }
