package models_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ollama/ollama/api"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// onEach runs a test against a scripted server of each version.
func onEach(t *testing.T, installed map[string]ollamatest.Model, test func(t *testing.T, s *ollamatest.Scripted, c *models.Client)) {
	if len(ollamatest.Versions) == 0 {
		t.Fatal("no version is scripted")
	}
	for _, v := range ollamatest.Versions {
		t.Run(v.Number, func(t *testing.T) {
			s := ollamatest.NewScripted(t, v.Number, installed)
			c, err := models.NewClient(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			test(t, s, c)
		})
	}
}

// What loads a model, what counts with it and what calls it ask for the same, or
// it is loaded again (v0.30: shift; num_batch by what is free).
func TestAModelIsLoadedOnce(t *testing.T) {
	onEach(t, map[string]ollamatest.Model{"m": {}, "sees": {Vision: true}}, func(t *testing.T, s *ollamatest.Scripted, c *models.Client) {
		for model, options := range map[string]models.Options{"m": {NumCtx: 4096, NumPredict: 10}, "sees": {NumCtx: 2048, NumPredict: 10}} {
			before := len(s.Launches())
			if _, err := c.Load(t.Context(), model, options); err != nil {
				t.Fatal(err)
			}
			request := models.Request{Model: model, User: "Hello", Options: options}
			if _, err := c.CountTokens(t.Context(), request); err != nil {
				t.Error(err)
			}
			if _, err := c.Chat(t.Context(), request); err != nil {
				t.Error(err)
			}
			sample := models.Sample(model)
			sample.Options.NumCtx = options.NumCtx
			if _, err := c.Chat(t.Context(), sample); err != nil {
				t.Error(err)
			}
			launches := s.Launches()[before:]
			if len(launches) != 1 || launches[0].NumBatch != 512 || launches[0].Shift {
				t.Errorf("%s: loads %+v", model, launches)
			}
		}
	})
}

// What is counted by a scripted server's vocabulary is what it counts, and nothing
// is loaded for it.
func TestScriptedServersTellTheirVocabulary(t *testing.T) {
	onEach(t, map[string]ollamatest.Model{"m": {Template: "{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}"}}, func(t *testing.T, s *ollamatest.Scripted, c *models.Client) {
		const system, user = "Answer in one word.", "naïve 日本語?\n\ttwice  spaced"
		tokenizer, err := c.Tokenizer(t.Context(), "m")
		if err != nil {
			t.Fatal(err)
		}
		got, err := tokenizer.Count(system, user, nil)
		if n := len(s.Launches()); err != nil || n > 0 {
			t.Fatalf("%d loads, error %v", n, err)
		}
		want, err := c.CountTokens(t.Context(), models.Request{Model: "m", System: system, User: user, Options: models.Options{NumCtx: 512}})
		if err != nil || got != want {
			t.Errorf("%d, and the server counts %d; error %v", got, want, err)
		}
	})
}

// What a server says of a model in memory is what perg plans for.
func TestSlotsAndContextsAsServersGiveThem(t *testing.T) {
	families := map[string]ollamatest.Model{"sees:latest": {Family: "gemma3", Vision: true}, "plain:latest": {}}
	for _, family := range []string{"mllama", "qwen3vl", "qwen3vlmoe", "qwen35", "qwen35moe", "qwen3next", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe", "nemotron_h_omni"} {
		families[family+":latest"] = ollamatest.Model{Family: family}
	}
	onEach(t, families, func(t *testing.T, s *ollamatest.Scripted, c *models.Client) {
		for name := range families {
			d, err := c.Details(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			const small = 1024
			if _, err := c.Load(t.Context(), name, models.Options{NumCtx: small}); err != nil {
				t.Fatal(err)
			}
			launch := s.Launches()[len(s.Launches())-1]
			if one := launch.Slots == 1; one != d.Shape.OneSlot() {
				t.Errorf("%s: %d slots, and perg plans one: %v", name, launch.Slots, d.Shape.OneSlot())
			}
			if want := max(small, d.LeastContext()); launch.NumCtx != want {
				t.Errorf("%s: a context of %d tokens, and perg plans %d", name, launch.NumCtx, want)
			}
		}
	})
}

func TestWhatVersionsSayOfWhatGoesWrong(t *testing.T) {
	onEach(t, map[string]ollamatest.Model{"m": {}}, func(t *testing.T, s *ollamatest.Scripted, c *models.Client) {
		long := models.Request{Model: "m", User: strings.Repeat("word ", 2000), Options: models.Options{NumCtx: 512}}
		if _, err := c.Chat(t.Context(), long); !errors.Is(err, models.ErrContextOverflow) {
			t.Errorf("a prompt that is too long: %v", err)
		}
		dead := false
		s.Dies = func(api.ChatRequest) bool { first := !dead; dead = true; return first }
		if _, err := c.Chat(t.Context(), models.Request{Model: "m", User: "Hello"}); !errors.Is(err, models.ErrRunner) {
			t.Errorf("a runner that died: %v", err)
		}
		if _, err := c.Chat(t.Context(), models.Request{Model: "none", User: "Hello"}); !errors.Is(err, models.ErrModelNotFound) {
			t.Errorf("a model that is not there: %v", err)
		}
	})
}

// gpt-oss cannot be kept from thinking, and is not told to be where it answers
// by a schema.
func TestTheLevelOfAThought(t *testing.T) {
	schema := json.RawMessage(`{"type":"object","properties":{"score":{"type":"integer","minimum":1,"maximum":5}}}`)
	onEach(t, map[string]ollamatest.Model{"m": {Family: "gptoss", Thinks: true, Parser: true}}, func(t *testing.T, s *ollamatest.Scripted, c *models.Client) {
		r, err := c.Chat(t.Context(), models.Request{Model: "m", User: "Hello", Format: schema, Level: models.LevelLow, Options: models.Options{NumCtx: 512, NumPredict: 100}})
		if err != nil || r.Content != `{"score":3}` {
			t.Errorf("%q, error %v", r.Content, err)
		}
		if asked := s.Asked(); len(asked) != 1 || asked[0].Think.String() != "low" {
			t.Errorf("asked for %+v", asked)
		}
	})
}

// A system text is kept where the prompt says so, whatever template is shown.
func TestRenderedPrompts(t *testing.T) {
	chatML := func(system, user string) (string, error) { return "<|system|>" + system + "<|user|>" + user, nil }
	gemma := func(system, user string) (string, error) {
		if system != "" {
			return "", errors.New(`{"error":{"code":500,"message":"Jinja Exception: System role not supported","type":"server_error"}}`)
		}
		return user, nil
	}
	installed := map[string]ollamatest.Model{
		"own":      {Template: "{{ if .System }}[SYS]{{ .System }}{{ end }}[USER]{{ .Prompt }}"},
		"imported": {Jinja: chatML},
		"deaf":     {Jinja: func(_, user string) (string, error) { return "<|user|>" + user, nil }},
		"refusing": {Jinja: gemma},
		"bare":     {},
	}
	onEach(t, installed, func(t *testing.T, s *ollamatest.Scripted, c *models.Client) {
		for name, want := range map[string]bool{"own": true, "imported": s.LlamaServer, "deaf": false, "refusing": false, "bare": false} {
			r, err := c.Chat(t.Context(), models.Sample(name))
			if err != nil {
				t.Fatal(err)
			}
			got, ok := models.ReadRendering(r)
			if known := name != "refusing" || !s.LlamaServer; !ok || got.System != want || known != (got.Hash != "") {
				t.Errorf("%s: %+v, known %v", name, got, ok)
			}
			d, err := c.Details(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if models.EngineOf(s.Number) == models.Runner && d.Shown != got {
				t.Errorf("%s: %+v is shown and %+v is used", name, d.Shown, got)
			}
		}
		if n := len(s.Asked()); n > 0 {
			t.Errorf("%d answers were asked for", n)
		}
	})
}

// What a server shows of a template is what it makes of it, on one that renders
// by what it shows.
func TestShownTemplatesAreUsed(t *testing.T) {
	host := ollamatest.Shared(t, map[string]gguftest.Chain{"steady": gguftest.Steady("A"), "thinking": gguftest.Thinking("It is A.", "B")})
	c, err := models.NewClient(host)
	if err != nil {
		t.Fatal(err)
	}
	version, err := c.Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"steady", "thinking"} {
		d, err := c.Details(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		sample := models.Sample(name)
		sample.Options.NumCtx = 512
		r, err := c.Chat(t.Context(), sample)
		if err != nil {
			t.Fatal(err)
		}
		used, ok := models.ReadRendering(r)
		if !ok || !used.System || models.EngineOf(version) == models.Runner && used != d.Shown {
			t.Errorf("%s on %s: shown %+v, used %+v (%q)", name, version, d.Shown, used, r.Content)
		}
	}
}
