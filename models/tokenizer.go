package models

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/template"
	"github.com/ollama/ollama/tokenizer"
)

// renderedTokens is more than a server's own rendering adds to the messages,
// where the template that it uses cannot be seen: that of a GGUF in Jinja, and
// those that Ollama has in code.
const renderedTokens = 160

// A Tokenizer counts the tokens of a model's prompts as the server would, while
// the model is not in memory: by the vocabulary in its GGUF, which /api/show
// tells, with Ollama's own code. Where Ollama would split a text in another way
// than the code knows, it is a few tokens off.
type Tokenizer struct {
	encoder  tokenizer.Tokenizer
	exact    bool               // texts are split as they are known to be
	template *template.Template // nil where it cannot be seen
	system   string             // of the model itself, where a chat has none
	messages []api.Message
}

// ErrNoTokenizer: the vocabulary is not told, or of a kind that is not known.
var ErrNoTokenizer = errors.New("its tokenizer cannot be read")

// Tokenizer reads a model's tokenizer. It takes a second for 128,000 tokens.
func (c *Client) Tokenizer(ctx context.Context, name string) (*Tokenizer, error) {
	show, err := c.show(ctx, api.ShowRequest{Model: name, Verbose: true})
	if err != nil {
		return nil, err
	}
	encoder, exact, err := encoderOf(show.ModelInfo)
	if err != nil {
		return nil, fmt.Errorf("show %s: %w", name, err)
	}
	t := &Tokenizer{encoder: encoder, exact: exact, system: show.System, messages: show.Messages}
	if show.Renderer == "" && !passesOn(show.Template) {
		if t.template, err = template.Parse(show.Template); err != nil {
			t.template = nil // the server has another one
		}
	}
	return t, nil
}

// passesOn says whether a template is the one that Ollama gives models without
// one: since v0.30 they are rendered by what is in the GGUF.
func passesOn(text string) bool { return text == "" || text == "{{ .Prompt }}" }

// The ways in which texts are split before their bytes are paired, by the name
// in the GGUF (model/models/llama of v0.17.4); others are split as Llama 3's.
var splits = map[string][]string{
	"default": nil, "gpt-2": nil, "llama-bpe": llamaSplit, "llama3": llamaSplit, "llama-v3": llamaSplit,
	"qwen2":  {`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`},
	"refact": {`\p{N}`, `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`},
	"smollm": {`\p{N}`, `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`},
}

var llamaSplit = []string{`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}

// encoderOf makes the encoder of what a GGUF says of its vocabulary. It is not
// exact where the way in which texts are split is not known.
func encoderOf(info map[string]any) (encoder tokenizer.Tokenizer, exact bool, err error) {
	kind, _ := info["tokenizer.ggml.model"].(string)
	v := &tokenizer.Vocabulary{
		Values: listOf[string](info["tokenizer.ggml.tokens"]),
		Merges: listOf[string](info["tokenizer.ggml.merges"]),
	}
	for _, n := range listOf[float64](info["tokenizer.ggml.token_type"]) {
		v.Types = append(v.Types, int32(n))
	}
	for _, n := range listOf[float64](info["tokenizer.ggml.scores"]) {
		v.Scores = append(v.Scores, float32(n))
	}
	if len(v.Values) == 0 || len(v.Types) != len(v.Values) {
		return nil, false, fmt.Errorf("%w: the server tells %d tokens and %d types", ErrNoTokenizer, len(v.Values), len(v.Types))
	}
	if bos, ok := info["tokenizer.ggml.bos_token_id"].(float64); ok {
		v.BOS = []int32{int32(bos)}
		add, told := info["tokenizer.ggml.add_bos_token"].(bool)
		v.AddBOS = add || !told
	}
	switch kind {
	case "gpt2":
		pre, _ := info["tokenizer.ggml.pre"].(string)
		split, ok := splits[pre]
		if !ok {
			split = llamaSplit
		}
		return tokenizer.NewBytePairEncoding(v, split...), ok, nil
	case "llama":
		if len(v.Scores) != len(v.Values) {
			return nil, false, fmt.Errorf("%w: the server tells %d tokens and %d scores", ErrNoTokenizer, len(v.Values), len(v.Scores))
		}
		return tokenizer.NewSentencePiece(v), true, nil
	}
	return nil, false, fmt.Errorf("%w: it is of the kind %q", ErrNoTokenizer, kind)
}

func listOf[T any](v any) []T {
	all, _ := v.([]any)
	list := make([]T, 0, len(all))
	for _, one := range all {
		if t, ok := one.(T); ok {
			list = append(list, t)
		}
	}
	return list
}

// Count is the number of tokens of the prompt that a system and a user text
// make. Where it cannot be exact it is too high rather than too low.
func (t *Tokenizer) Count(system, user string, think *bool) (int, error) {
	prompt, more, err := t.render(system, user, think)
	if err != nil {
		return 0, fmt.Errorf("fill in the chat template: %w", err)
	}
	ids, err := t.encoder.Encode(prompt, true)
	if !t.exact {
		more += len(ids) / 20
	}
	return len(ids) + more, err
}

// Said is the number of tokens of a text that a model wrote.
func (t *Tokenizer) Said(text string) (int, error) {
	ids, err := t.encoder.Encode(text, false)
	return len(ids), err
}

// render is the prompt, and how many tokens it may have besides.
func (t *Tokenizer) render(system, user string, think *bool) (prompt string, more int, err error) {
	if t.template == nil {
		return system + "\n\n" + user, renderedTokens, nil
	}
	if system == "" {
		system = t.system
	}
	var v template.Values
	if system != "" {
		v.Messages = append(v.Messages, api.Message{Role: "system", Content: system})
	}
	v.Messages = append(append(v.Messages, t.messages...), api.Message{Role: "user", Content: user})
	if think != nil {
		v.Think, v.IsThinkSet = *think, true
	}
	var b bytes.Buffer
	err = t.template.Execute(&b, v)
	return b.String(), 0, err
}
