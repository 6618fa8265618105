package models

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ollama/ollama/api"
)

// A Shape is what decides how much memory a model needs and how fast it runs.
type Shape struct {
	Architecture string // "llama", as GGUF names it
	Parameters   uint64
	Quantization string // "" where not known
	Layers       int
	Embedding    int
	FeedForward  int // of one expert where there are some
	Vocabulary   int
	Heads        int   // of the layer that has the most
	KVHeads      []int // by layer
	KeyLength    int   // of one head
	ValueLength  int
	Experts      int // 0: no mixture of experts
	ExpertsATime int // that one token passes
	// ActiveParameters are those that one token passes; 0: all.
	ActiveParameters uint64
	// Sliding is the window of the layers that have one, in tokens; every layer
	// whose number divides by Global, counted from 1, has none. 0: no layer has a
	// window.
	Sliding, Global int
	ContextLength   int // tokens that it was made for; 0: not known

	InputBytes  uint64 // token embeddings that are not the output too; they stay in the machine's memory
	TiedBytes   uint64 // token embeddings that are the output, too: part of OutputBytes
	LayerBytes  uint64 // of one layer, on average
	OutputBytes uint64
	// RepackedBytes are of the weights that llama-server copies into another
	// order where a CPU computes with them.
	RepackedBytes uint64
	ImageBytes    uint64 // of the buffers that one image is read with; 0: it reads none
}

// WeightBytes is the size of all weights.
func (s Shape) WeightBytes() uint64 {
	return s.InputBytes + uint64(s.Layers)*s.LayerBytes + s.OutputBytes
}

// window is the sliding window of a layer in tokens; 0 where it sees
// everything.
func (s Shape) window(layer int) int {
	if s.Sliding == 0 || s.Global == 0 || (layer+1)%s.Global == 0 {
		return 0
	}
	return s.Sliding
}

// ownEngine says which of the Runner engine's two has the architecture: Ollama's own rather than
// llama.cpp's (ggml.KV.OllamaEngineRequired, v0.17.4).
func (s Shape) ownEngine() bool {
	return slices.Contains([]string{
		"deepseek2", "gemma3", "gemma3n", "gptoss", "gpt-oss", "llama4", "mistral3", "mllama", "nemotron_h", "nemotron_h_moe",
		"olmo3", "qwen25vl", "qwen3", "qwen3moe", "qwen35", "qwen35moe", "qwen3next", "qwen3vl", "qwen3vlmoe", "glm4moelite", "lfm2", "lfm2moe",
	}, s.Architecture)
}

// globalEvery is the pattern of sliding-window layers by architecture.
var globalEvery = map[string]int{"gemma2": 2, "gemma3": 6, "gemma4": 6, "gptoss": 2, "gpt-oss": 2, "olmo3": 4, "cohere2": 4, "laguna": 4}

// shapeOf reads a shape from what a server shows of a model: metadata under
// names that begin with the architecture's, and the list of tensors. ok is
// false where head counts by layer were left out; a verbose answer has them.
func shapeOf(show api.ShowResponse) (s Shape, ok bool, err error) {
	info := show.ModelInfo
	s.Architecture, _ = info["general.architecture"].(string)
	if s.Architecture == "" {
		return s, true, errors.New("the server does not show the model's architecture")
	}
	number := func(key string) int {
		n, _ := info[s.Architecture+"."+key].(float64)
		return int(n)
	}
	s.Quantization = show.Details.QuantizationLevel
	if n, ok := info["general.parameter_count"].(float64); ok {
		s.Parameters = uint64(n)
	}
	s.Layers, s.Embedding, s.FeedForward = number("block_count"), number("embedding_length"), number("feed_forward_length")
	s.ContextLength, s.Experts, s.ExpertsATime = number("context_length"), number("expert_count"), number("expert_used_count")
	if n := number("expert_feed_forward_length"); n > 0 && s.Experts > 0 {
		s.FeedForward = n
	}
	heads, headsOK := perLayer(info[s.Architecture+".attention.head_count"], s.Layers)
	s.KVHeads, ok = perLayer(info[s.Architecture+".attention.head_count_kv"], s.Layers)
	if _, given := info[s.Architecture+".attention.head_count_kv"]; !given {
		s.KVHeads, ok = heads, headsOK // no grouping
	}
	if !ok || !headsOK {
		return s, false, nil
	}
	if s.Layers == 0 || s.Embedding == 0 || len(heads) == 0 || slices.Max(heads) == 0 {
		return s, true, fmt.Errorf("the server shows no layers, heads or embedding of architecture %s", s.Architecture)
	}
	s.Heads = slices.Max(heads)
	s.KeyLength, s.ValueLength = number("attention.key_length"), number("attention.value_length")
	if s.KeyLength == 0 {
		s.KeyLength = s.Embedding / s.Heads
	}
	if s.ValueLength == 0 {
		s.ValueLength = s.Embedding / s.Heads
	}
	if patch := number("vision.patch_size"); patch > 0 {
		edge := number("vision.image_size") / patch
		s.ImageBytes = uint64(4 * edge * edge * (number("vision.feed_forward_length") + 3*number("vision.embedding_length")))
	}
	if s.Sliding = number("attention.sliding_window"); s.Sliding > 0 {
		s.Global = globalEvery[s.Architecture]
	}
	return s, true, s.weigh(show.Tensors)
}

// perLayer reads a number that all layers share, or one for each.
func perLayer(v any, layers int) (all []int, ok bool) {
	switch v := v.(type) {
	case float64:
		return slices.Repeat([]int{int(v)}, layers), true
	case []any:
		for _, n := range v {
			f, _ := n.(float64)
			all = append(all, int(f))
		}
		return all, len(all) == layers
	default:
		return nil, false
	}
}

// blockBytes are the bytes of 256 values of a tensor type (ggml).
var blockBytes = map[string]uint64{
	"F64": 2048, "F32": 1024, "F16": 512, "BF16": 512,
	"Q8_0": 272, "Q8_1": 288, "Q4_0": 144, "Q4_1": 160, "Q5_0": 176, "Q5_1": 192,
	"Q2_K": 84, "Q3_K": 110, "Q4_K": 144, "Q5_K": 176, "Q6_K": 210, "Q8_K": 292,
	"IQ4_NL": 144, "IQ4_XS": 136, "IQ3_S": 110, "IQ3_XXS": 98, "IQ2_S": 82, "IQ2_XS": 74, "IQ2_XXS": 66, "IQ1_S": 50, "IQ1_M": 56,
	"MXFP4": 136,
}

// weigh adds the tensors up by where they go.
func (s *Shape) weigh(tensors []api.Tensor) error {
	var input, output, layers uint64
	tied := true
	for _, t := range tensors {
		per256, ok := blockBytes[strings.ToUpper(t.Type)]
		if !ok {
			return fmt.Errorf("tensor %s has a type that is not known, %s; known are %s", t.Name, t.Type, strings.Join(slices.Sorted(maps.Keys(blockBytes)), ", "))
		}
		values := uint64(1)
		for _, n := range t.Shape {
			values *= n
		}
		bytes := values * per256 / 256
		if repacked(t) {
			s.RepackedBytes += bytes
		}
		switch {
		case strings.HasPrefix(t.Name, "blk."):
			layers += bytes
		case strings.HasPrefix(t.Name, "token_embd."):
			input += bytes
			for _, n := range t.Shape {
				if int(n) != s.Embedding {
					s.Vocabulary = int(n)
				}
			}
		default:
			output += bytes
			if t.Name == "output.weight" {
				tied = false
			}
		}
	}
	if layers == 0 {
		return errors.New("the server shows no tensors")
	}
	s.LayerBytes = layers / uint64(s.Layers)
	s.OutputBytes = output
	if tied {
		s.OutputBytes += input
		s.TiedBytes = input
	} else {
		s.InputBytes = input
	}
	return nil
}

// repacked says whether llama-server copies a tensor into the order that a CPU
// with vector instructions is fastest with: matrices of these types, but for the
// token embeddings, which are looked up. On ARM there are a few types more
// (ggml-cpu/repack.cpp).
func repacked(t api.Tensor) bool {
	return slices.Contains([]string{"Q4_0", "Q4_K", "IQ4_NL", "MXFP4"}, strings.ToUpper(t.Type)) && len(t.Shape) > 1 &&
		t.Shape[1]%8 == 0 && !strings.HasPrefix(t.Name, "token_embd.")
}

// Details are what a server says of one model.
type Details struct {
	Capabilities []string // "completion", "thinking", "tools", ...
	Shape        Shape
	// Tokenizer is equal for models that turn the same messages into the same
	// tokens: a hash of the template and of what the server tells of the
	// tokenizer.
	Tokenizer string
	// Shown is how prompts are rendered by the template that the server shows:
	// the one that is used on the engine Runner.
	Shown   Rendering
	Own     Own
	Thinker Thinker
}

// Details asks what a model is and can do. One that runs elsewhere has neither
// weights nor a template here: of its shape the context alone is told.
func (c *Client) Details(ctx context.Context, name string) (Details, error) {
	show, err := c.show(ctx, api.ShowRequest{Model: name})
	if err != nil {
		return Details{}, err
	}
	var d Details
	for _, s := range show.Capabilities {
		d.Capabilities = append(d.Capabilities, string(s))
	}
	d.Own, d.Thinker = ownOf(show), thinkerOf(show, name)
	if d.Tokenizer, err = tokenizerOf(show); err != nil {
		return d, err
	}
	if show.RemoteHost != "" {
		d.Shape.Architecture, _ = show.ModelInfo["general.architecture"].(string)
		trained, _ := show.ModelInfo[d.Shape.Architecture+".context_length"].(float64)
		d.Shape.ContextLength = int(trained)
		return d, nil
	}
	if d.Shown, err = shownRendering(show); err != nil {
		return d, fmt.Errorf("show %s: %w", name, err)
	}
	var whole bool
	if d.Shape, whole, err = shapeOf(show); err == nil && !whole {
		if show, err = c.show(ctx, api.ShowRequest{Model: name, Verbose: true}); err != nil {
			return d, err
		}
		if d.Shape, whole, err = shapeOf(show); err == nil && !whole {
			err = errors.New("the server does not show its attention heads")
		}
	}
	if err != nil {
		return d, fmt.Errorf("show %s: %w", name, err)
	}
	return d, nil
}

func (c *Client) show(ctx context.Context, r api.ShowRequest) (api.ShowResponse, error) {
	var show api.ShowResponse
	err := c.ask(ctx, thrice, http.MethodPost, "/api/show", r, &show)
	var server *ServerError
	if errors.As(err, &server) && server.Status == http.StatusNotFound {
		err = ErrModelNotFound
	}
	if err != nil {
		return show, fmt.Errorf("show %s: %w", r.Model, err)
	}
	show.Renderer, show.Parser = coded(show)
	return show, nil
}

// coded are the renderer and the parser of a model, in the code of the server. The
// answer has fields for them that servers leave empty (v0.17.4): its Modelfile has
// them.
func coded(show api.ShowResponse) (renderer, parser string) {
	renderer, parser = show.Renderer, show.Parser
	text := false // of a template or a system text, over several lines
	for line := range strings.Lines(show.Modelfile) {
		if !text {
			switch word, name, _ := strings.Cut(strings.TrimSpace(line), " "); word {
			case "RENDERER":
				renderer = cmp.Or(renderer, name)
			case "PARSER":
				parser = cmp.Or(parser, name)
			}
		}
		text = text != (strings.Count(line, `"""`)%2 == 1)
	}
	return renderer, parser
}
