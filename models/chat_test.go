package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const whole = `{"message":{"role":"assistant","content":"B."},"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":2,"total_duration":5}`

// faulty is a server that answers /api/chat with one step after another, the
// last one again and again.
func faulty(t *testing.T, steps ...http.HandlerFunc) (*Client, *atomic.Int32) {
	t.Helper()
	var calls atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/api/version", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"version":"0.17.4"}`) })
	mux.HandleFunc("/api/chat", func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		steps[min(n, len(steps))-1](w, r)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	c, err := NewClient(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.Patience = 300 * time.Millisecond
	return c, &calls
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// cut sends the beginning of an answer and breaks the connection.
func cut(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{\"message\":{\"content\":\"The corr")
	conn.Close()
}

// What went wrong once the server had the request is returned after one call.
func TestChatFaults(t *testing.T) {
	for _, tt := range []struct {
		name string
		step http.HandlerFunc
		want error // nil: answered
	}{
		{"answers", answer(200, whole), nil},
		{"cut", cut, ErrCut},
		{"cut without a length", answer(200, `{"message":{"content":"The corr`), ErrCut},
		{"not done", answer(200, `{"message":{"content":"a a a"},"done":false}`), ErrIncomplete},
		{"error line in a 200", answer(200, `{"error":"an error was encountered while running the model: unexpected EOF"}`), ErrRunner},
		{"error line after text", answer(200, `{"message":{"content":"x"},"done":false}`+"\n"+`{"error":"model runner has unexpectedly stopped"}`), ErrRunner},
		{"runner crashed", answer(500, `{"error":"model runner has unexpectedly stopped, this may be due to resource limitations"}`), ErrRunner},
		{"overflow", answer(400, `{"error":"the input length exceeds the context length"}`), ErrContextOverflow},
		{"no such model", answer(404, `{"error":"model 'x' not found"}`), ErrModelNotFound},
		{"out of memory", answer(500, `{"error":"model requires more system memory (52.0 GiB) than is available (8.0 GiB)"}`), ErrMemory},
		{"another error", answer(400, `{"error":"\"x\" does not support chat"}`), nil},
		{"a handler panics", answer(500, ""), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, calls := faulty(t, tt.step)
			r, err := c.Chat(t.Context(), Request{Model: "m", User: "q", Options: Options{NumCtx: 2048, NumPredict: 10}})
			if got := calls.Load(); got != 1 {
				t.Errorf("%d calls, want 1", got)
			}
			var said *ServerError
			switch {
			case tt.name == "another error", tt.name == "a handler panics":
				if !errors.As(err, &said) || said.Status < 400 || Reason(err) != "server error" {
					t.Errorf("error %v, reason %s", err, Reason(err))
				}
			case tt.want == nil:
				if err != nil || r.Content != "B." || r.PromptTokens != 7 || r.OutputTokens != 2 || r.DoneReason != "stop" || r.Total != 5 {
					t.Errorf("response %+v, error %v", r, err)
				}
			case !errors.Is(err, tt.want):
				t.Errorf("error %v, want %v", err, tt.want)
			case Reason(err) != tt.want.Error():
				t.Errorf("reason %q, want %q", Reason(err), tt.want)
			}
		})
	}
}

func TestChatWaitsForAServerThatComesBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() // nobody listens
	c, err := NewClient(address)
	if err != nil {
		t.Fatal(err)
	}
	c.Patience = 10 * time.Second
	var said []string
	c.Report = func(text string) { said = append(said, text) }
	time.AfterFunc(300*time.Millisecond, func() {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/version" {
				io.WriteString(w, `{"version":"0.17.4"}`)
				return
			}
			io.WriteString(w, whole)
		})}
		t.Cleanup(func() { srv.Close() })
		srv.Serve(l)
	})
	if _, err := c.Chat(t.Context(), Request{Model: "m", User: "q"}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"http://" + address + " does not answer (connect: connection refused), waiting up to 10s for it to come back", "http://" + address + " answers again"}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}

func TestChatGivesUpOnAServerThatIsGone(t *testing.T) {
	c, err := NewClient("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	c.Patience = 200 * time.Millisecond
	_, err = c.Chat(t.Context(), Request{Model: "m", User: "q"})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("error %v", err)
	}
}

func TestChatTimesOutOnAStalledServer(t *testing.T) {
	release := make(chan struct{})
	c, calls := faulty(t, func(w http.ResponseWriter, r *http.Request) { <-release })
	defer close(release)
	c.CallTimeout = 50 * time.Millisecond
	_, err := c.Chat(t.Context(), Request{Model: "m", User: "q"})
	if !errors.Is(err, ErrTimeout) || calls.Load() != 1 {
		t.Errorf("error %v after %d calls", err, calls.Load())
	}
}

func TestCancelLetsTheCallInFlightFinish(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, _ := faulty(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		time.Sleep(50 * time.Millisecond)
		io.WriteString(w, whole)
	})
	if r, err := c.Chat(ctx, Request{Model: "m", User: "q"}); err != nil || r.Content != "B." {
		t.Errorf("response %+v, error %v", r, err)
	}
	c, calls := faulty(t, answer(200, whole))
	if _, err := c.Chat(ctx, Request{Model: "m", User: "q"}); !errors.Is(err, context.Canceled) || calls.Load() != 0 {
		t.Errorf("error %v after %d calls; a cancelled call is not begun", err, calls.Load())
	}
}

func TestChatSaysEverythingThatDeterminesTheResponse(t *testing.T) {
	var sent map[string]any
	c, _ := faulty(t, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		io.WriteString(w, whole)
	})
	think := false
	_, err := c.Chat(t.Context(), Request{
		Model: "m", System: "s", User: "q", Options: Options{NumCtx: 2048, NumPredict: 10, Seed: 42},
		Format: json.RawMessage(`{"type":"object"}`), Think: &think,
	})
	if err != nil {
		t.Fatal(err)
	}
	options := sent["options"].(map[string]any)
	for name, want := range map[string]float64{"num_ctx": 2048, "num_predict": 10, "seed": 42, "temperature": 0, "repeat_penalty": 1, "presence_penalty": 0, "frequency_penalty": 0, "repeat_last_n": 0, "top_k": 1} {
		if got, ok := options[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"truncate", "shift", "stream", "think"} {
		if got, ok := sent[name]; !ok || got != false {
			t.Errorf("%s is %v, want false", name, got)
		}
	}
	messages := sent["messages"].([]any)
	if len(messages) != 2 || messages[0].(map[string]any)["role"] != "system" || messages[1].(map[string]any)["role"] != "user" {
		t.Errorf("messages %v", messages)
	}
}

func TestHostileResponses(t *testing.T) {
	for _, content := range []string{"\x1b[2J\x1b]0;title\a", "a\x00b", strings.Repeat("x", 1<<20), "</script>", "\u202e"} {
		body, err := json.Marshal(map[string]any{"message": map[string]any{"content": content}, "done": true, "done_reason": "stop"})
		if err != nil {
			t.Fatal(err)
		}
		c, _ := faulty(t, answer(200, string(body)))
		r, err := c.Chat(t.Context(), Request{Model: "m", User: "q"})
		if err != nil || r.Content != content {
			t.Errorf("%.20q came back as %.20q, error %v", content, r.Content, err)
		}
	}
}

func TestVersionTellsWhatIsThere(t *testing.T) {
	c, err := NewClient("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Version(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nothing listens: %v", err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") }))
	defer other.Close()
	if c, err = NewClient(other.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Version(t.Context()); !errors.Is(err, ErrNotOllama) {
		t.Errorf("another server: %v", err)
	}
}
