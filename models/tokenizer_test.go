package models_test

import (
	"strings"
	"testing"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// What is counted without the model is what the server counts with it.
func TestTokenizerCountsAsTheServer(t *testing.T) {
	host := ollamatest.Shared(t, map[string]gguftest.Chain{"steady": gguftest.Steady("A"), "thinking": gguftest.Thinking("It is A.", "B")})
	client, err := models.NewClient(host)
	if err != nil {
		t.Fatal(err)
	}
	off := false
	for _, model := range []string{"steady:latest", "thinking:latest"} {
		tokens, err := client.Tokenizer(t.Context(), model)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][2]string{
			{"", "Hello"},
			{"You are a helpful assistant.", "Which of these is true?\nA. one\nB. two\n"},
			{"", strings.Repeat("A person who is going to the coast, in 2026, wants 1,234 things. ", 20)},
			{"naïve 日本語 \U0001f600", "\ttabs\r\n and <|plain|> markers <think>"},
		} {
			var think *bool
			if strings.HasPrefix(model, "thinking") {
				think = &off
			}
			want, err := client.CountTokens(t.Context(), models.Request{
				Model: model, System: text[0], User: text[1], Think: think, Options: models.Options{NumCtx: 4096},
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := tokens.Count(text[0], text[1], think)
			if err != nil || got != want {
				t.Errorf("%s, %.30q: %d, the server counts %d; error %v", model, text[1], got, want, err)
			}
		}
	}
}
