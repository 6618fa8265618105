package gguftest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/fs/ggml"
)

// A Layout is a model whose weights are zero: what it says means nothing, what
// it takes in memory is real. Its matrices are f16.
type Layout struct {
	Architecture          string // "llama", "qwen2", "qwen3", "qwen3moe" or "gemma3", as GGUF names it
	Embedding, Layers     int
	Heads, KVHeads        int
	HeadLength            int
	FeedForward           int // of one expert where there are some
	Vocabulary            int
	Tied                  bool // the token embeddings are the output, too
	Window                int  // sliding, in tokens; 0: none
	Experts, ExpertsATime int  // 0: no mixture
	Vision                *Vision
}

// A Vision is the part of a layout that reads images, in the same file: of
// gemma3 alone.
type Vision struct {
	Image, Patch      int // edges, in pixels
	Embedding, Layers int
	Heads             int
	FeedForward       int
	Tokens            int // that an image becomes
}

// WriteGGUF writes the model's file.
func (l Layout) WriteGGUF(f *os.File) error {
	w := &tensors{}
	l.text(w)
	if l.Vision != nil {
		l.Vision.tensors(w, l.Embedding)
	}
	return ggml.WriteGGUF(f, l.metadata(), w.all)
}

// Install gives a server the model under a name. Its file is put into the server's
// store, where zeros take no room: a layout is as large as a real model is, and
// uploading one takes longer than loading it. Nor is all of it read for a digest,
// as the server takes the name that a file has in its store for one.
func (l Layout) Install(ctx context.Context, client *api.Client, store, name string) error {
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	f, err := os.Create(filepath.Join(store, "blobs", "sha256-"+digest))
	if err != nil {
		return fmt.Errorf("install %s: %w", name, err)
	}
	defer f.Close()
	if err := l.WriteGGUF(f); err != nil {
		return fmt.Errorf("install %s: %w", name, err)
	}
	return create(ctx, client, "sha256:"+digest, api.CreateRequest{Model: name, Template: "{{ .Prompt }}"})
}

func (l Layout) text(w *tensors) {
	w.matrix("token_embd", l.Embedding, l.Vocabulary)
	if !l.Tied {
		w.matrix("output", l.Embedding, l.Vocabulary)
	}
	w.vector("output_norm.weight", l.Embedding)
	for i := range l.Layers {
		b := fmt.Sprintf("blk.%d.", i)
		w.vector(b+"attn_norm.weight", l.Embedding)
		w.vector(b+"ffn_norm.weight", l.Embedding)
		w.matrix(b+"attn_q", l.Embedding, l.Heads*l.HeadLength)
		w.matrix(b+"attn_k", l.Embedding, l.KVHeads*l.HeadLength)
		w.matrix(b+"attn_v", l.Embedding, l.KVHeads*l.HeadLength)
		w.matrix(b+"attn_output", l.Heads*l.HeadLength, l.Embedding)
		if l.Experts > 0 {
			w.add(b+"ffn_gate_inp.weight", ggml.TensorTypeF32, l.Embedding, l.Experts)
			w.matrix(b+"ffn_gate_exps", l.Embedding, l.FeedForward, l.Experts)
			w.matrix(b+"ffn_up_exps", l.Embedding, l.FeedForward, l.Experts)
			w.matrix(b+"ffn_down_exps", l.FeedForward, l.Embedding, l.Experts)
		} else {
			w.matrix(b+"ffn_gate", l.Embedding, l.FeedForward)
			w.matrix(b+"ffn_up", l.Embedding, l.FeedForward)
			w.matrix(b+"ffn_down", l.FeedForward, l.Embedding)
		}
		switch l.Architecture {
		case "qwen2":
			w.vector(b+"attn_q.bias", l.Heads*l.HeadLength)
			w.vector(b+"attn_k.bias", l.KVHeads*l.HeadLength)
			w.vector(b+"attn_v.bias", l.KVHeads*l.HeadLength)
		case "gemma3":
			w.vector(b+"post_attention_norm.weight", l.Embedding)
			w.vector(b+"post_ffw_norm.weight", l.Embedding)
			fallthrough
		case "qwen3", "qwen3moe":
			w.vector(b+"attn_q_norm.weight", l.HeadLength)
			w.vector(b+"attn_k_norm.weight", l.HeadLength)
		}
	}
}

func (v Vision) tensors(w *tensors, text int) {
	w.add("v.patch_embedding.weight", ggml.TensorTypeF16, v.Patch, v.Patch, 3, v.Embedding)
	w.vector("v.patch_embedding.bias", v.Embedding)
	w.add("v.position_embedding.weight", ggml.TensorTypeF32, v.Embedding, v.patches())
	w.vector("v.post_layernorm.weight", v.Embedding)
	w.vector("v.post_layernorm.bias", v.Embedding)
	for i := range v.Layers {
		b := fmt.Sprintf("v.blk.%d.", i)
		for _, norm := range []string{"layer_norm1", "layer_norm2"} {
			w.vector(b+norm+".weight", v.Embedding)
			w.vector(b+norm+".bias", v.Embedding)
		}
		for _, m := range []struct {
			name        string
			from, width int
		}{
			{"attn_q", v.Embedding, v.Embedding}, {"attn_k", v.Embedding, v.Embedding}, {"attn_v", v.Embedding, v.Embedding},
			{"attn_output", v.Embedding, v.Embedding}, {"mlp.fc1", v.Embedding, v.FeedForward}, {"mlp.fc2", v.FeedForward, v.Embedding},
		} {
			w.matrix(b+m.name, m.from, m.width)
			w.vector(b+m.name+".bias", m.width)
		}
	}
	w.vector("mm.mm_soft_emb_norm.weight", v.Embedding)
	w.matrix("mm.mm_input_projection", text, v.Embedding)
}

func (v Vision) patches() int { return v.Image / v.Patch * (v.Image / v.Patch) }

func (l Layout) metadata() ggml.KV {
	names, types := make([]string, l.Vocabulary), make([]int32, l.Vocabulary)
	for i := range names {
		names[i], types[i] = fmt.Sprintf("t%d", i), 1
	}
	const epsilon = float32(1e-6)
	a := l.Architecture
	kv := ggml.KV{
		"general.architecture": a, "general.file_type": ggml.FileTypeF16,
		a + ".context_length": uint32(32768), a + ".embedding_length": uint32(l.Embedding), a + ".block_count": uint32(l.Layers),
		a + ".feed_forward_length": uint32(l.FeedForward), a + ".attention.head_count": uint32(l.Heads), a + ".attention.head_count_kv": uint32(l.KVHeads),
		a + ".attention.key_length": uint32(l.HeadLength), a + ".attention.value_length": uint32(l.HeadLength),
		a + ".attention.layer_norm_rms_epsilon": epsilon, a + ".rope.freq_base": float32(1e6), a + ".rope.dimension_count": uint32(l.HeadLength),
		"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": names, "tokenizer.ggml.token_type": types,
		"tokenizer.ggml.merges": []string{"t 0"}, "tokenizer.ggml.bos_token_id": uint32(1), "tokenizer.ggml.eos_token_id": uint32(2),
	}
	if l.Window > 0 {
		kv[a+".attention.sliding_window"] = uint32(l.Window)
	}
	if l.Experts > 0 {
		kv[a+".expert_count"], kv[a+".expert_used_count"] = uint32(l.Experts), uint32(l.ExpertsATime)
		kv[a+".expert_feed_forward_length"] = uint32(l.FeedForward)
	}
	if v := l.Vision; v != nil {
		kv[a+".vision.image_size"], kv[a+".vision.patch_size"], kv[a+".vision.num_channels"] = uint32(v.Image), uint32(v.Patch), uint32(3)
		kv[a+".vision.embedding_length"], kv[a+".vision.block_count"] = uint32(v.Embedding), uint32(v.Layers)
		kv[a+".vision.attention.head_count"], kv[a+".vision.feed_forward_length"] = uint32(v.Heads), uint32(v.FeedForward)
		kv[a+".vision.attention.layer_norm_epsilon"], kv[a+".mm_tokens_per_image"] = epsilon, uint32(v.Tokens)
	}
	return kv
}

// tensors are those of a file, in order.
type tensors struct{ all []*ggml.Tensor }

func (t *tensors) add(name string, kind ggml.TensorType, shape ...int) {
	size := int64(2)
	if kind == ggml.TensorTypeF32 {
		size = 4
	}
	var dims []uint64
	for _, n := range shape {
		size *= int64(n)
		dims = append(dims, uint64(n))
	}
	t.all = append(t.all, &ggml.Tensor{Name: name, Kind: uint32(kind), Shape: dims, WriterTo: zeros(size)})
}

func (t *tensors) matrix(name string, shape ...int) {
	t.add(name+".weight", ggml.TensorTypeF16, shape...)
}

func (t *tensors) vector(name string, n int) { t.add(name, ggml.TensorTypeF32, n) }

// zeros is so many bytes of a tensor's data. They are a hole in the file but for
// the last, which says how long it is.
type zeros int64

func (z zeros) WriteTo(w io.Writer) (int64, error) {
	if _, err := w.(io.Seeker).Seek(int64(z)-1, io.SeekCurrent); err != nil {
		return 0, err
	}
	_, err := w.Write([]byte{0})
	return int64(z), err
}
