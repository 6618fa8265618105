// Package gguftest writes language models by hand, for tests, benchmarks and the
// demo: small real GGUF models that Ollama imports, quantizes, loads and runs,
// and of which it is known what they say.
package gguftest

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/ollama/ollama/fs/ggml"
)

// A Chain is a language model written by hand: the next token depends on the
// last token and on which marker the prompt holds, and on nothing else. It is
// a real model all the same, a llama of one layer that Ollama imports,
// quantizes, loads and runs, so whatever is built on Ollama can be tested
// where the right result is known exactly.
//
// A token is a whole sentence, a single byte, or a marker such as "<|plain|>".
// Every byte is a token, so any prompt can be read; sentences are only ever
// written, never recognised in a prompt. Where a JSON schema constrains the
// response the server picks the first of a token's followers that the schema
// admits, and the forced letters of a property's name between them.
type Chain struct {
	// Template makes the prompt of the messages, in Ollama's Go template
	// language. It ends in the marker that sets the chain going.
	Template string
	// Next is what may follow a token, the preferred first; at most 8 each.
	Next map[string][]string
	// Otherwise is what may follow a token that Next names neither itself nor
	// by its last byte.
	Otherwise []string
	// Favours names tokens that come first among the followers of any token
	// once the prompt holds a marker. A prompt that holds two markers with
	// favours is undefined.
	Favours map[string][]string
	// Parser is Ollama's that reads what the chain writes; "": none.
	Parser string
}

// End is the token that ends a response.
const End = "<|end|>"

const (
	width     = 256 // one superblock of the K-quants, so that q4_K_M is what it says
	headSize  = 32  // of the one head; the smaller, the faster a prompt is read
	feedSize  = 32
	listed    = 16 // weight of a first follower; each later one weighs one less
	favoured  = 8  // more than the difference between any two followers
	followers = 8
)

func isMarker(token string) bool {
	return strings.HasPrefix(token, "<|") && strings.HasSuffix(token, "|>")
}

// A plan gives tokens and dimensions of the embedding their numbers.
//
// The embedding of a token is the sum of one-hot vectors: dimension 0 is
// always on; a marker with favours has one of its own; and tokens with the
// same followers share one, their state. The layer's first head looks for a
// marker and copies it to a second dimension that is on wherever the prompt
// holds it. An output row then adds up, over states and markers in the
// prompt, how much a token is wanted. All of it is exact in eight bits and
// close to it in four, so that a quantized chain says the same.
type plan struct {
	tokens  []string       // vocabulary
	id      map[string]int // of a token
	markers []string       // with favours; marker i has dimensions 1+i and 1+len+i
	lists   [][]string     // followers; state i has dimension 1+2*len(markers)+i
	state   map[string]int // of a token or last byte that Next names; of any other: 0
}

func (c Chain) plan() (plan, error) {
	var errs []error
	p := plan{
		id:      map[string]int{},
		markers: slices.Sorted(maps.Keys(c.Favours)),
		lists:   [][]string{c.Otherwise},
		state:   map[string]int{},
	}
	add := func(token string) {
		if _, ok := p.id[token]; !ok {
			p.id[token] = len(p.tokens)
			p.tokens = append(p.tokens, token)
		}
	}
	add(End)
	for b := range 256 {
		add(string([]byte{byte(b)}))
	}
	for _, m := range merges {
		add(unspell(strings.Replace(m, " ", "", 1)))
	}
	lists := append([][]string{c.Otherwise, p.markers}, slices.Collect(maps.Values(c.Favours))...)
	for _, token := range slices.Sorted(maps.Keys(c.Next)) {
		next := c.Next[token]
		lists = append(lists, []string{token}, next)
		i := slices.IndexFunc(p.lists, func(l []string) bool { return slices.Equal(l, next) })
		if i < 0 {
			i = len(p.lists)
			p.lists = append(p.lists, next)
		}
		p.state[token] = i
	}
	for _, l := range p.lists {
		if len(l) > followers {
			errs = append(errs, fmt.Errorf("%d followers, the most is %d: %q", len(l), followers, l))
		}
	}
	named := slices.Concat(lists...)
	slices.Sort(named)
	for _, token := range slices.Compact(named) {
		if token == "" {
			errs = append(errs, errors.New("an empty token"))
			continue
		}
		add(token)
	}
	for _, m := range p.markers {
		if !isMarker(m) {
			errs = append(errs, fmt.Errorf("favours of %q, which is no marker: write <|name|>", m))
		}
	}
	if need := 1 + 2*len(p.markers) + len(p.lists); need > width || len(p.markers) > headSize-2 {
		errs = append(errs, fmt.Errorf("%d different lists of followers and %d markers, more than fit", len(p.lists), len(p.markers)))
	}
	return p, errors.Join(errs...)
}

func (p plan) dimension(state int) int { return 1 + 2*len(p.markers) + state }

func (p plan) embeddings() matrix {
	m := newMatrix(width, len(p.tokens))
	for i, token := range p.tokens {
		m.set(i, 0, 1)
		state, ok := p.state[token]
		if !ok {
			state = p.state[token[len(token)-1:]]
		}
		m.set(i, p.dimension(state), 1)
		if j := slices.Index(p.markers, token); j >= 0 {
			m.set(i, 1+j, 1)
		}
	}
	return m
}

func (p plan) output(c Chain) matrix {
	m := newMatrix(width, len(p.tokens))
	for s, list := range p.lists {
		for rank, token := range slices.Backward(list) { // the first place of a token named twice counts
			m.set(p.id[token], p.dimension(s), float32(listed-rank))
		}
	}
	for i, marker := range p.markers {
		for _, token := range c.Favours[marker] {
			m.set(p.id[token], 1+len(p.markers)+i, favoured)
		}
	}
	return m
}

// attention makes the first head attend to a marker with favours wherever in
// the prompt it stands. Positions rotate a key by an angle that shrinks with
// the dimension; in the last pair it stays near zero over any context.
func (p plan) attention() (q, k, v, o matrix) {
	const still = headSize - 2
	q, k = newMatrix(width, headSize), newMatrix(width, headSize)
	v, o = newMatrix(width, headSize), newMatrix(headSize, width)
	if len(p.markers) == 0 {
		return q, k, v, o
	}
	// The norm scales what is on to about 10: a score of some 50 for a
	// marker and 0 for all else.
	q.set(still, 0, 2)
	for i := range p.markers {
		k.set(still, 1+i, 2)
		v.set(i, 1+i, 0.125)
		o.set(1+len(p.markers)+i, i, 1)
	}
	return q, k, v, o
}

// WriteGGUF writes the model as a GGUF v3 file in F16, about a megabyte; the
// same chain always gives the same bytes. The template is no part of the
// file. An error says what in the chain cannot be.
func (c Chain) WriteGGUF(f *os.File) error {
	p, err := c.plan()
	if err != nil {
		return fmt.Errorf("write a chain: %w", err)
	}
	q, k, v, o := p.attention()
	tensors := []*ggml.Tensor{
		p.embeddings().tensor("token_embd"),
		ones("output_norm"),
		p.output(c).tensor("output"),
		ones("blk.0.attn_norm"),
		q.tensor("blk.0.attn_q"),
		k.tensor("blk.0.attn_k"),
		v.tensor("blk.0.attn_v"),
		o.tensor("blk.0.attn_output"),
		ones("blk.0.ffn_norm"),
		newMatrix(width, feedSize).tensor("blk.0.ffn_gate"),
		newMatrix(width, feedSize).tensor("blk.0.ffn_up"),
		newMatrix(feedSize, width).tensor("blk.0.ffn_down"),
	}
	if err := ggml.WriteGGUF(f, p.metadata(), tensors); err != nil {
		return fmt.Errorf("write a chain to %s: %w", f.Name(), err)
	}
	return nil
}

func (p plan) metadata() ggml.KV {
	const normal, control = 1, 3
	tokens := make([]string, len(p.tokens))
	types := make([]int32, len(p.tokens))
	for i, token := range p.tokens {
		if isMarker(token) {
			tokens[i], types[i] = token, control
		} else {
			tokens[i], types[i] = spell(token), normal
		}
	}
	return ggml.KV{
		"general.architecture":                   "llama",
		"general.name":                           "chain",
		"general.file_type":                      ggml.FileTypeF16, // create refuses to quantize what is labelled F32
		"llama.context_length":                   uint32(131072),
		"llama.embedding_length":                 uint32(width),
		"llama.block_count":                      uint32(1),
		"llama.feed_forward_length":              uint32(feedSize),
		"llama.attention.head_count":             uint32(1),
		"llama.attention.head_count_kv":          uint32(1),
		"llama.attention.key_length":             uint32(headSize),
		"llama.attention.value_length":           uint32(headSize),
		"llama.attention.layer_norm_rms_epsilon": float32(1e-6),
		"llama.rope.freq_base":                   float32(1e9),
		"llama.rope.dimension_count":             uint32(headSize),
		"tokenizer.ggml.model":                   "gpt2",
		"tokenizer.ggml.pre":                     "gpt-2",
		"tokenizer.ggml.tokens":                  tokens,
		"tokenizer.ggml.token_type":              types,
		"tokenizer.ggml.merges":                  merges,
		"tokenizer.ggml.bos_token_id":            uint32(p.id[End]),
		"tokenizer.ggml.eos_token_id":            uint32(p.id[End]),
		"tokenizer.ggml.add_bos_token":           false,
	}
}

// spell writes bytes as GPT-2 vocabularies do: one printable character each.
func spell(token string) string {
	var b strings.Builder
	for _, c := range []byte(token) {
		b.WriteRune(gpt2[c])
	}
	return b.String()
}

func unspell(spelled string) string {
	var b []byte
	for _, r := range spelled {
		b = append(b, byte(slices.Index(gpt2[:], r)))
	}
	return string(b)
}

// Bytes is a vocabulary of the 256 bytes alone, as a GGUF spells them.
func Bytes() []string {
	all := make([]string, 256)
	for b := range all {
		all[b] = spell(string([]byte{byte(b)}))
	}
	return all
}

//go:embed merges.txt
var mergesText string

// merges join the commonest letters of English, which makes prompts half as
// long and four times faster to read than bytes are: the first 512 steps of
// byte-pair encoding over "The Adventures of Sherlock Holmes" and Newton's
// "Opticks".
var merges = strings.Split(strings.TrimSpace(mergesText), "\n")

var gpt2 = func() (runes [256]rune) {
	shifted := rune(256)
	for b := range 256 {
		switch {
		case '!' <= b && b <= '~', 0xa1 <= b && b <= 0xac, 0xae <= b:
			runes[b] = rune(b)
		default:
			runes[b] = shifted
			shifted++
		}
	}
	return runes
}()

// A matrix holds rows of a weight, in GGUF's order: inputs first.
type matrix struct {
	inputs, rows int
	data         []float32
}

func newMatrix(inputs, rows int) matrix {
	return matrix{inputs, rows, make([]float32, inputs*rows)}
}

func (m matrix) set(row, input int, x float32) { m.data[row*m.inputs+input] = x }

func (m matrix) tensor(name string) *ggml.Tensor {
	return &ggml.Tensor{
		Name:     name + ".weight",
		Kind:     uint32(ggml.TensorTypeF16),
		Shape:    []uint64{uint64(m.inputs), uint64(m.rows)},
		WriterTo: m,
	}
}

// WriteTo writes the matrix as F16.
func (m matrix) WriteTo(w io.Writer) (int64, error) {
	out := make([]byte, 0, 2*len(m.data))
	for _, x := range m.data {
		out = binary.LittleEndian.AppendUint16(out, half(x))
	}
	n, err := w.Write(out)
	return int64(n), err
}

// half is an IEEE 754 half-precision number; exact for the weights used here,
// which are zero and small multiples of powers of two.
func half(x float32) uint16 {
	if x == 0 {
		return 0
	}
	bits := math.Float32bits(x)
	exponent := int(bits>>23&0xff) - 127 + 15
	return uint16(bits>>16&0x8000) | uint16(exponent)<<10 | uint16(bits>>13&0x3ff)
}

func ones(name string) *ggml.Tensor {
	var b bytes.Buffer
	for range width {
		_ = binary.Write(&b, binary.LittleEndian, float32(1))
	}
	return &ggml.Tensor{Name: name + ".weight", Kind: uint32(ggml.TensorTypeF32), Shape: []uint64{width}, WriterTo: &b}
}
