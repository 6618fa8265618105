package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ollama/ollama/api"

	"perg/data"
	"perg/models/ollamatest"
)

// What is no answer is never ok: each way of saying nothing is a status of its own.
func TestWaysOfSayingNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	models := make(map[string]ollamatest.Model)
	says := map[string]struct {
		of   api.ChatResponse
		want string
		code int
	}{
		"unload":   {api.ChatResponse{Done: true, DoneReason: "unload"}, data.StatusUnloaded, exitRowsInError},
		"load":     {api.ChatResponse{Done: true, DoneReason: "load"}, data.StatusUnloaded, exitRowsInError},
		"empty":    {api.ChatResponse{Done: true, DoneReason: "stop"}, data.StatusEmpty, exitDone},
		"blank":    {api.ChatResponse{Done: true, DoneReason: "stop", Message: api.Message{Content: " \n"}}, data.StatusEmpty, exitDone},
		"thoughts": {api.ChatResponse{Done: true, DoneReason: "length", Message: api.Message{Thinking: "Hm."}}, data.StatusThought, exitDone},
		"words":    {api.ChatResponse{Done: true, DoneReason: "stop", Message: api.Message{Content: "A."}}, data.StatusOK, exitDone},
		"cut":      {api.ChatResponse{Done: true, DoneReason: "length", Message: api.Message{Content: "A."}}, data.StatusTruncated, exitDone},
	}
	for name := range says {
		models[name+":latest"] = ollamatest.Model{Template: chatML}
	}
	s := ollamatest.NewScripted(t, "0.17.4", models)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		var c api.ChatRequest
		json.Unmarshal(body, &c) // or it is no chat
		if r.URL.Path == "/api/chat" && len(c.Messages) > 0 && !c.DebugRenderOnly && c.Options["num_predict"] == 500.0 {
			a := says[strings.TrimSuffix(c.Model, ":latest")].of
			a.Model, a.PromptEvalCount, a.EvalCount = c.Model, 10, 500
			json.NewEncoder(w).Encode(a)
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	for name, tt := range says {
		code, said := say(t, "run", name, "--host", srv.URL, "--store", "replies.db", "--out", name, "--limit", "1", "--settings", "none", "--null", "0", "--parallel", "1")
		if code != tt.code {
			t.Errorf("%s: exit %d\n%s", name, code, said)
		}
		for _, g := range table[data.Generation](t, name, "generations") {
			if g.Status != tt.want {
				t.Errorf("%s: the status is %q, want %q (%s)", name, g.Status, tt.want, g.Error)
			}
		}
	}
}
