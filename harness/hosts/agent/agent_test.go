package agent

import (
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"perg/harness/hosts/wire"
)

// Of Ollama's API nothing passes that reads a file of this machine or leaves one
// where a registry can have it.
func TestWhatPasses(t *testing.T) {
	for _, of := range []struct {
		method, path, body string
		good               bool
	}{
		{http.MethodGet, "/api/version", "", true},
		{http.MethodGet, "/api/tags", "", true},
		{http.MethodPost, "/api/chat", "{}", true},
		{http.MethodPost, "/api/create", `{"model":"a-q4","from":"a","quantize":"q4_K_M","stream":true}`, true},
		{http.MethodPost, "/api/create", `{"model":"a","files":{"x":"sha256:0"}}`, false},
		{http.MethodPost, "/api/create", `{"model":"a","modelfile":"FROM /etc/passwd"}`, false},
		{http.MethodPost, "/api/create", `{"model":"a","from":"b","template":"x"}`, false},
		{http.MethodPost, "/api/create", `[]`, false},
		{http.MethodPost, "/api/push", "{}", false},
		{http.MethodPost, "/api/blobs/sha256:0", "", false},
		{http.MethodGet, "/api/../etc", "", false},
		{http.MethodGet, "", "", false},
		{"TRACE", "/api/version", "", false},
	} {
		err := allowed(wire.HTTPRequest{Method: of.method, Path: of.path, Body: []byte(of.body)})
		if (err == nil) != of.good {
			t.Errorf("%s %s %s: %v", of.method, of.path, of.body, err)
		}
	}
}

// An option that this perg does not know could change an answer: the chunk is not
// begun.
func TestUnknownOptionsAreRefused(t *testing.T) {
	chunk := wire.Chunk{Lane: "gpu0", Calls: []wire.Call{{ID: 1}}}
	text, err := json.Marshal(chunk)
	if err != nil {
		t.Fatal(err)
	}
	var got wire.Chunk
	if err := read(text, &got); err != nil || got.Lane != "gpu0" {
		t.Errorf("%v, error %v", got, err)
	}
	var parts map[string]any
	json.Unmarshal(text, &parts)
	call := parts["calls"].([]any)[0].(map[string]any)
	call["request"].(map[string]any)["Tools"] = []string{"sh"}
	if text, err = json.Marshal(parts); err != nil {
		t.Fatal(err)
	}
	if err := read(text, &got); err == nil {
		t.Error("a chunk with an option that is not known is taken")
	}
	if err := read(append(text, text...), &got); err == nil {
		t.Error("two chunks in one are taken")
	}
}

// A gate has so many inside, in the order in which they came, also as it is made
// wider and narrower.
func TestGate(t *testing.T) {
	var g gate
	var inside, most atomic.Int32
	var mu sync.Mutex
	var order []int
	var all sync.WaitGroup
	g.widen(2)
	for i := range 40 {
		entered := make(chan struct{})
		all.Go(func() {
			close(entered)
			g.enter()
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			n := inside.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(time.Millisecond)
			inside.Add(-1)
			g.leave()
		})
		<-entered
		if i == 20 {
			g.widen(3)
		}
	}
	all.Wait()
	if n := most.Load(); n > 3 || n < 2 {
		t.Errorf("%d are inside at once, where 3 may", n)
	}
	if len(order) != 40 || g.inside != 0 {
		t.Errorf("%d came in, %d are there still", len(order), g.inside)
	}
}
