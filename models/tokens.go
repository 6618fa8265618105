package models

import (
	"context"
	"sync"
)

// templateTokens is more than any chat template adds to its messages.
const templateTokens = 64

// MostTokens is the most tokens that a prompt of so many bytes can have:
// tokenizers with bytes to fall back on never make more of them than bytes.
func MostTokens(bytes int) int { return bytes + templateTokens }

// CountTokens measures a prompt with the model's own template and tokenizer.
// Ollama has no call for that alone, so the prompt is read and one token is
// generated. v0.17.4 counts all tokens of the prompt, whether or not its start
// was cached. r.Options.NumCtx must hold the prompt. It belongs to the
// preparing of a run, which a runner that crashes must not end: what broke is
// asked twice more.
func (c *Client) CountTokens(ctx context.Context, r Request) (int, error) {
	r.Options.NumPredict = 1
	resp, err := c.chat(ctx, thrice, r)
	if err != nil {
		return 0, err
	}
	return resp.PromptTokens, nil
}

// tokenizers are those of a server's models, each read once.
type tokenizers struct {
	mu  sync.Mutex
	all map[string]*Tokenizer // nil: it cannot be read
}

func (t *tokenizers) of(ctx context.Context, c *Client, model string) *Tokenizer {
	t.mu.Lock()
	defer t.mu.Unlock()
	read, ok := t.all[model]
	if !ok {
		if t.all == nil {
			t.all = make(map[string]*Tokenizer)
		}
		read, _ = c.Tokenizer(ctx, model)
		t.all[model] = read
	}
	return read
}

// tokensOf counts the tokens of what a model said, by its vocabulary; where that
// cannot be read they are as many as it came in pieces.
func (c *Client) tokensOf(ctx context.Context, model, text string, pieces int) int {
	if t := c.count.of(ctx, c, model); t != nil {
		if n, err := t.Said(text); err == nil {
			return n
		}
	}
	return pieces
}
