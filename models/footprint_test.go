package models_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/fs/ggml"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// A layout is a model whose weights are zero: what it says means nothing, what
// it takes is real.
type layout struct {
	architecture                            string
	embedding, layers, heads, kvHeads, head int
	feed, vocabulary                        int
	tied                                    bool
}

// zeros is a tensor's data.
type zeros int64

func (z zeros) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, io.LimitReader(endless{}, int64(z)))
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (l layout) write(f *os.File) error {
	var tensors []*ggml.Tensor
	add := func(name string, kind ggml.TensorType, size int, shape ...uint64) {
		values := uint64(size)
		for _, n := range shape {
			values *= n
		}
		tensors = append(tensors, &ggml.Tensor{Name: name, Kind: uint32(kind), Shape: shape, WriterTo: zeros(values)})
	}
	matrix := func(name string, inputs, outputs int) {
		add(name+".weight", ggml.TensorTypeF16, 2, uint64(inputs), uint64(outputs))
	}
	norm := func(name string, n int) { add(name+".weight", ggml.TensorTypeF32, 4, uint64(n)) }
	matrix("token_embd", l.embedding, l.vocabulary)
	if !l.tied {
		matrix("output", l.embedding, l.vocabulary)
	}
	norm("output_norm", l.embedding)
	for i := range l.layers {
		b := fmt.Sprintf("blk.%d.", i)
		norm(b+"attn_norm", l.embedding)
		norm(b+"ffn_norm", l.embedding)
		matrix(b+"attn_q", l.embedding, l.heads*l.head)
		matrix(b+"attn_k", l.embedding, l.kvHeads*l.head)
		matrix(b+"attn_v", l.embedding, l.kvHeads*l.head)
		matrix(b+"attn_output", l.heads*l.head, l.embedding)
		matrix(b+"ffn_gate", l.embedding, l.feed)
		matrix(b+"ffn_up", l.embedding, l.feed)
		matrix(b+"ffn_down", l.feed, l.embedding)
		switch l.architecture {
		case "qwen2":
			add(b+"attn_q.bias", ggml.TensorTypeF32, 4, uint64(l.heads*l.head))
			add(b+"attn_k.bias", ggml.TensorTypeF32, 4, uint64(l.kvHeads*l.head))
			add(b+"attn_v.bias", ggml.TensorTypeF32, 4, uint64(l.kvHeads*l.head))
		case "qwen3":
			norm(b+"attn_q_norm", l.head)
			norm(b+"attn_k_norm", l.head)
		}
	}
	tokens, types := make([]string, l.vocabulary), make([]int32, l.vocabulary)
	for i := range tokens {
		tokens[i], types[i] = fmt.Sprintf("t%d", i), 1
	}
	a := l.architecture
	return ggml.WriteGGUF(f, ggml.KV{
		"general.architecture": a, "general.file_type": ggml.FileTypeF16,
		a + ".context_length": uint32(32768), a + ".embedding_length": uint32(l.embedding), a + ".block_count": uint32(l.layers),
		a + ".feed_forward_length": uint32(l.feed), a + ".attention.head_count": uint32(l.heads), a + ".attention.head_count_kv": uint32(l.kvHeads),
		a + ".attention.key_length": uint32(l.head), a + ".attention.value_length": uint32(l.head),
		a + ".attention.layer_norm_rms_epsilon": float32(1e-6), a + ".rope.freq_base": float32(1e6), a + ".rope.dimension_count": uint32(l.head),
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types,
		"tokenizer.ggml.merges": []string{"t 0"}, "tokenizer.ggml.bos_token_id": uint32(1), "tokenizer.ggml.eos_token_id": uint32(2),
	}, tensors)
}

func (l layout) install(tb testing.TB, host, name string) {
	tb.Helper()
	f, err := os.Create(filepath.Join(tb.TempDir(), name+".gguf"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if err := l.write(f); err != nil {
		tb.Fatal(err)
	}
	base, err := url.Parse(host)
	if err != nil {
		tb.Fatal(err)
	}
	client := api.NewClient(base, http.DefaultClient)
	digest, err := gguftest.Digest(f)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		tb.Fatal(err)
	}
	if err := client.CreateBlob(tb.Context(), digest, f); err != nil {
		tb.Fatal(err)
	}
	err = client.Create(tb.Context(), &api.CreateRequest{Model: name, Files: map[string]string{"model.gguf": digest}, Template: "{{ .Prompt }}"},
		func(api.ProgressResponse) error { return nil })
	if err != nil {
		tb.Fatal(err)
	}
}

// layouts have the head layouts of real models at a fraction of their size.
var layouts = map[string]layout{
	"llama-gqa": {"llama", 1024, 8, 16, 4, 64, 3584, 16384, false},  // Llama 3: four heads share one of KV
	"llama-mha": {"llama", 1024, 6, 16, 16, 64, 2816, 32000, false}, // Llama 2: no sharing
	"qwen2":     {"qwen2", 896, 12, 14, 2, 64, 4864, 32000, true},   // Qwen 2.5 0.5B: seven share one, tied output
	"qwen3":     {"qwen3", 1024, 10, 16, 8, 128, 3072, 32000, true}, // Qwen 3 0.6B: heads longer than embedding / heads
}

type memoryCase struct {
	model         string
	numCtx, slots int
	cache         models.KVType
}

// compare loads a model on a server of its own and gives the estimate and what
// the server reports, in bytes.
func (c memoryCase) compare(tb testing.TB, store string) (estimate, reported uint64) {
	tb.Helper()
	s := ollamatest.Start(tb, models.ServerConfig{Models: store, Slots: c.slots, KVType: c.cache})
	client, err := models.NewClient(s.URL())
	if err != nil {
		tb.Fatal(err)
	}
	details, err := client.Details(tb.Context(), c.model)
	if err != nil {
		tb.Fatal(err)
	}
	loaded, err := client.Load(tb.Context(), c.model, models.Options{NumCtx: c.numCtx})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		tb.Fatal(err)
	}
	return details.Shape.OnCPU(c.numCtx, c.slots, c.cache), uint64(loaded.Size)
}

func (c memoryCase) String() string {
	return fmt.Sprintf("%s, %d tokens x %d slots, %s", c.model, c.numCtx, c.slots, c.cache)
}

func storeOf(tb testing.TB, names ...string) string {
	tb.Helper()
	dir := tb.TempDir()
	s := ollamatest.Start(tb, models.ServerConfig{Models: dir})
	for _, name := range names {
		layouts[name].install(tb, s.URL(), name)
	}
	if err := s.Stop(); err != nil {
		tb.Fatal(err)
	}
	return dir
}

func TestFootprintOnARealServer(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what needs a real server")
	}
	store := storeOf(t, "llama-gqa", "qwen3")
	for _, c := range []memoryCase{
		{"llama-gqa", 2048, 4, models.KVF16},
		{"llama-gqa", 4096, 2, models.KVQ8},
		{"qwen3", 2048, 2, models.KVF16},
	} {
		estimate, reported := c.compare(t, store)
		if off := float64(estimate)/float64(reported) - 1; math.Abs(off) > 0.10 {
			t.Errorf("%v: estimate %d, Ollama reports %d: %+.1f %%", c, estimate, reported, off*100)
		}
	}
}

// The table of estimates against what a real server reports. The limit is 10 %.
func BenchmarkFootprint(b *testing.B) {
	store := storeOf(b, "llama-gqa", "llama-mha", "qwen2", "qwen3")
	worst := 0.0
	var out bytes.Buffer
	fmt.Fprintf(&out, "\n%-10s %6s %5s %5s %9s %9s %7s\n", "model", "ctx", "slots", "KV", "estimate", "reported", "off")
	for b.Loop() {
		for _, name := range []string{"llama-gqa", "llama-mha", "qwen2", "qwen3"} {
			for _, c := range []memoryCase{
				{name, 1024, 1, models.KVF16}, {name, 2048, 4, models.KVF16}, {name, 8192, 4, models.KVF16}, {name, 4096, 4, models.KVQ8}, {name, 8192, 2, models.KVQ4},
			} {
				estimate, reported := c.compare(b, store)
				off := float64(estimate)/float64(reported) - 1
				worst = max(worst, math.Abs(off))
				fmt.Fprintf(&out, "%-10s %6d %5d %5s %7.1fMB %7.1fMB %+6.1f%%\n", c.model, c.numCtx, c.slots, c.cache, float64(estimate)/1e6, float64(reported)/1e6, off*100)
			}
		}
	}
	fmt.Print(out.String()) // b.Log would cut it
	b.ReportMetric(worst*100, "%-off")
	b.ReportMetric(10, "%-off-limit")
}
