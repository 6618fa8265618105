package models_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"perg/models"
	"perg/models/ollamatest"
)

// thinker asks one model of a scripted server.
func thinker(t *testing.T, version string, m ollamatest.Model, r models.Request) (models.Response, *ollamatest.Scripted, error) {
	t.Helper()
	s := ollamatest.NewScripted(t, version, map[string]ollamatest.Model{"m": m})
	c, err := models.NewClient(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	r.Model, r.User, r.Options.NumCtx, r.Options.Seed = "m", "Which?", 32768, 1
	reply, err := c.Chat(t.Context(), r)
	return reply, s, err
}

// A thought has its tokens and an answer its own: whichever is over ends the call,
// and a thought that is cut leaves no answer.
func TestAThoughtAndAnAnswerEachHaveTheirTokens(t *testing.T) {
	thought := "It might be one, or the other; that one is it."
	for _, v := range ollamatest.Versions {
		for name, tt := range map[string]struct {
			budget, answer int
			content, done  string
			thinking       int
		}{
			"both fit":           {budget: len(thought), answer: 40, content: "The answer is A.", done: "stop", thinking: len(thought)},
			"the thought is cut": {budget: len(thought) - 1, answer: 40, done: models.DoneThought, thinking: len(thought)},
			"the answer is cut":  {budget: 500, answer: 5, content: "The an", done: models.DoneLength, thinking: len(thought)},
		} {
			t.Run(v.Number+", "+name, func(t *testing.T) {
				r, s, err := thinker(t, v.Number, ollamatest.Model{Thinks: true, Thought: thought}, models.Request{
					Think: new(true), Thought: tt.budget, Options: models.Options{NumPredict: tt.answer},
				})
				if err != nil {
					t.Fatal(err)
				}
				if r.Content != tt.content || r.DoneReason != tt.done || r.ThinkingTokens == nil || *r.ThinkingTokens != tt.thinking {
					t.Errorf("content %q, done %q, thinking tokens %v", r.Content, r.DoneReason, r.ThinkingTokens)
				}
				asked := s.Asked()[0]
				if n := asked.Options["num_predict"]; n != float64(tt.budget+tt.answer) || asked.Think.Value != true {
					t.Errorf("num_predict %v, think %v", n, asked.Think)
				}
				if r.Ended() != (tt.done != "stop") {
					t.Errorf("ended: %v, with %d tokens of the prompt", r.Ended(), r.PromptTokens)
				}
			})
		}
	}
}

// A thought that is a part of the answer is taken apart from it, and has the same
// budget.
func TestAThoughtAloudIsTakenApart(t *testing.T) {
	m := ollamatest.Model{Aloud: true, Thought: "One, or two?"}
	r, _, err := thinker(t, "0.33.0", m, models.Request{Aloud: true, Thought: 100, Options: models.Options{NumPredict: 20}})
	if err != nil || r.Content != "The answer is A." || r.Thinking != m.Thought || r.ThinkingTokens == nil {
		t.Errorf("%+v, error %v", r, err)
	}
	m.Thought = strings.Repeat("One, two, three, four? ", 5) + "Who knows, and so on."
	r, _, err = thinker(t, "0.33.0", m, models.Request{Aloud: true, Thought: 30, Options: models.Options{NumPredict: 20}})
	if err != nil || r.Content != "" || !strings.HasPrefix(m.Thought, r.Thinking) || r.DoneReason != models.DoneThought {
		t.Errorf("%+v, error %v", r, err)
	}
}

// A server that breaks a thought off because its context is full says so in the middle
// of the answer: what was thought is kept, and is known to be cut.
func TestAThoughtThatTheServerBreaksOff(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, `{"model":"m","message":{"role":"assistant","thinking":"One, "}}`)
		fmt.Fprintln(w, `{"model":"m","message":{"role":"assistant","thinking":"or two?"}}`)
		fmt.Fprintln(w, `{"error":"Context size has been exceeded."}`)
	}))
	defer srv.Close()
	c, err := models.NewClient(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Chat(t.Context(), models.Request{Model: "m", User: "q", Think: new(true), Thought: 100, Options: models.Options{NumCtx: 512, NumPredict: 5}})
	if err != nil || r.DoneReason != models.DoneContext || r.Thinking != "One, or two?" || r.Content != "" || !r.Cut() {
		t.Errorf("%+v, error %v", r, err)
	}
}

// A loop is noticed and ended, of a thought and of an answer.
func TestALoopIsEnded(t *testing.T) {
	again := strings.Repeat("Wait, that cannot be. ", 400)
	r, _, err := thinker(t, "0.33.0", ollamatest.Model{Thinks: true, Thought: again}, models.Request{
		Think: new(true), Thought: 8192, Options: models.Options{NumPredict: 500},
	})
	if err != nil || r.DoneReason != models.DoneLoop || r.Content != "" || len(r.Thinking) > 1000 {
		t.Errorf("done %q after %d bytes, error %v", r.DoneReason, len(r.Thinking), err)
	}
	list := ""
	for i := range 100 {
		list += fmt.Sprintf("Item %d costs a coin more than the last. ", i)
	}
	r, _, err = thinker(t, "0.33.0", ollamatest.Model{Thinks: true, Thought: list}, models.Request{
		Think: new(true), Thought: 8192, Options: models.Options{NumPredict: 500},
	})
	if err != nil || r.DoneReason != "stop" {
		t.Errorf("a list is taken for a loop: done %q, error %v", r.DoneReason, err)
	}
}

// Of an answer with a form, which servers make in two passes, the figures of both are
// told.
func TestBothPassesAreTold(t *testing.T) {
	thought := strings.Repeat("Well, then. ", 5)
	r, _, err := thinker(t, "0.33.0", ollamatest.Model{Thinks: true, Parser: true, Thought: thought}, models.Request{
		Think: new(true), Thought: 500, Options: models.Options{NumPredict: 200}, Format: json.RawMessage(`{"properties":{"why":{"type":"string"}}}`),
	})
	const object = `{"why":"because"}`
	if err != nil || r.Content != object || r.OutputTokens != len(thought)+len(object) || *r.ThinkingTokens != len(thought) {
		t.Errorf("%+v, thinking tokens %d, error %v", r, *r.ThinkingTokens, err)
	}
}

// A model's own penalties never act, and what of its own does is told.
func TestWhatAModelBringsItself(t *testing.T) {
	s := ollamatest.NewScripted(t, "0.33.0", map[string]ollamatest.Model{"m": {
		System: "You are kind.", Parameters: "presence_penalty               1.5\ntop_k                          20\nstop                           \"<end>\"\nnum_ctx 4096",
	}})
	c, err := models.NewClient(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Details(t.Context(), "m")
	if err != nil || !d.Own.Penalizes() || d.Own.System != "You are kind." || len(d.Own.Parameters) != 4 {
		t.Fatalf("%+v, error %v", d.Own, err)
	}
	if acting := strings.Join(d.Own.Acting(0), ", "); acting != `stop "<end>"` {
		t.Errorf("greedy: %s", acting)
	}
	if acting := strings.Join(d.Own.Acting(0.6), ", "); acting != `stop "<end>", top_k 20` {
		t.Errorf("drawn: %s", acting)
	}
	if _, err := c.Chat(t.Context(), models.Request{Model: "m", User: "q", Options: models.Options{NumCtx: 512, NumPredict: 5}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"presence_penalty", "frequency_penalty"} {
		if x := s.Asked()[0].Options[name]; x != 0.0 {
			t.Errorf("%s %v", name, x)
		}
	}
}
