package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ollama/ollama/api"

	"perg/models"
)

const answerA = `{"message":{"role":"assistant","content":"The answer is A."},"done":true,"done_reason":"stop","prompt_eval_count":9,"eval_count":4,"eval_duration":2000000000}`

// replying is a chat that always goes the same way.
func replying(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

// fake is a server for faults: it loads and unloads whatever it is asked to,
// and answers as told. Part of a model is on the CPU.
func fake(t *testing.T, chat http.HandlerFunc) *models.Client {
	t.Helper()
	c, _ := spilling(t, chat, func(int) int { return 60 })
	return c
}

// spilling is a fake that holds so many of a model's 100 bytes on the GPU,
// depending on its context. asked are the contexts of all loads.
func spilling(t *testing.T, chat http.HandlerFunc, vram func(numCtx int) int) (c *models.Client, asked func() []int) {
	t.Helper()
	var mu sync.Mutex
	var contexts []int
	loaded := "" // the model in memory
	mux := http.NewServeMux()
	mux.HandleFunc("/api/version", replying(`{"version":"0.17.4"}`))
	mux.HandleFunc("/api/ps", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if loaded == "" {
			io.WriteString(w, `{"models":[]}`)
			return
		}
		numCtx := contexts[len(contexts)-1]
		fmt.Fprintf(w, `{"models":[{"name":%q,"size":100,"size_vram":%d,"context_length":%d}]}`, loaded, vram(numCtx), numCtx)
	})
	mux.HandleFunc("/api/chat", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var request api.ChatRequest
		if err := json.Unmarshal(body, &request); err != nil {
			t.Error(err)
		}
		if len(request.Messages) > 0 {
			r.Body = io.NopCloser(bytes.NewReader(body))
			chat(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		loaded = ""
		if request.KeepAlive.Duration != 0 {
			loaded = request.Model
			contexts = append(contexts, int(request.Options["num_ctx"].(float64)))
		}
		io.WriteString(w, `{"done":true}`)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	c, err := models.NewClient(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.Patience = 200 * time.Millisecond
	return c, func() []int {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(contexts)
	}
}
