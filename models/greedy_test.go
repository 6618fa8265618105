package models_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/ollama/ollama/api"

	"perg/models"
	"perg/models/ollamatest"
)

// plainly is a call's answer without the options that only save time.
func plainly(t *testing.T, c *api.Client, r models.Request) (answer string) {
	t.Helper()
	no := false
	err := c.Chat(t.Context(), &api.ChatRequest{
		Model: r.Model, Stream: &no, Format: r.Format, Messages: []api.Message{{Role: "system", Content: r.System}, {Role: "user", Content: r.User}},
		Options: map[string]any{
			"num_ctx": r.Options.NumCtx, "num_batch": 512, "num_predict": r.Options.NumPredict, "seed": r.Options.Seed, "temperature": 0, "repeat_penalty": 1.0,
			"presence_penalty": 0, "frequency_penalty": 0,
		},
	}, func(a api.ChatResponse) error {
		answer += a.Message.Content
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// What is sent to save time changes no byte of a real model's answers, on either
// engine of a server: also of answers in a form, and of a model with penalties of
// its own.
func TestNoAnswerChangesForTime(t *testing.T) {
	for name, env := range map[string][]string{"the first engine": nil, "the new one": {"OLLAMA_NEW_ENGINE=1"}} {
		t.Run(name, func(t *testing.T) {
			s := ollamatest.Start(t, models.ServerConfig{Env: env})
			model := ollamatest.SmolLM2(t, s.URL())
			base, err := models.ParseHost(s.URL())
			if err != nil {
				t.Fatal(err)
			}
			raw := api.NewClient(base, http.DefaultClient)
			stream := false
			const own = "penalized"
			if err := raw.Create(t.Context(), &api.CreateRequest{
				Model: own, From: model, Stream: &stream, Parameters: map[string]any{"presence_penalty": 1.5, "repeat_penalty": 1.3, "top_k": 40},
			}, func(api.ProgressResponse) error { return nil }); err != nil {
				t.Fatal(err)
			}
			client, err := models.NewClient(s.URL())
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{model, own} {
				details, err := client.Details(t.Context(), name)
				if err != nil || details.Own.Penalizes() != (name == own) {
					t.Fatalf("%s penalizes: %v, error %v", name, details.Own.Penalizes(), err)
				}
				form := json.RawMessage(`{"type":"object","properties":{"answer":{"type":"string","enum":["A","B","C"]},"why":{"type":"string"}},"required":["answer","why"]}`)
				for _, r := range []models.Request{
					{User: "Write the word tea again and again."},
					{User: "Which planet is the largest?\nA. Earth\nB. Jupiter\nC. Mars"},
					{User: "Which planet is the largest?\nA. Earth\nB. Jupiter\nC. Mars", Format: form},
				} {
					r.Model, r.System = name, "You are helpful."
					r.Options = models.Options{NumCtx: 1024, NumPredict: 40, Seed: 7}
					got, err := client.Chat(t.Context(), r)
					if err != nil {
						t.Fatal(err)
					}
					if want := plainly(t, raw, r); got.Content != want || want == "" {
						t.Errorf("%s, %q: %q, and %q without what saves time", name, r.User, got.Content, want)
					}
				}
			}
		})
	}
}
