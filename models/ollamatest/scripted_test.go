package ollamatest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ollama/ollama/api"
)

// asks sends a server one request as it is written, and reads the answer.
func asks(t *testing.T, s *Scripted, path, body string) (a api.ChatResponse, refused string) {
	t.Helper()
	resp, err := http.Post(s.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	var e struct{ Error string }
	if json.Unmarshal(text.Bytes(), &e); e.Error != "" {
		return a, e.Error
	}
	if err := json.Unmarshal(text.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	return a, ""
}

const hello = `"messages":[{"role":"user","content":"Hello"}]`

func TestWhatHasAModelLoadedAnew(t *testing.T) {
	loaded := `{"model":"m","messages":[],"shift":false,"options":{"num_ctx":1024,"num_batch":512}}`
	for name, tt := range map[string]struct {
		then      string
		old, late int // loads, before v0.30 and from it on
	}{
		"the same":        {`"shift":false,"options":{"num_ctx":1024,"num_batch":512}`, 1, 1},
		"another context": {`"shift":false,"options":{"num_ctx":2048,"num_batch":512}`, 2, 2},
		"another batch":   {`"shift":false,"options":{"num_ctx":1024,"num_batch":256}`, 2, 2},
		"shift":           {`"shift":true,"options":{"num_ctx":1024,"num_batch":512}`, 1, 2},
		"shift unsaid":    {`"options":{"num_ctx":1024,"num_batch":512}`, 1, 2},
	} {
		for _, v := range Versions {
			s := NewScripted(t, v.Number, map[string]Model{"m": {}})
			asks(t, s, "/api/chat", loaded)
			asks(t, s, "/api/chat", `{"model":"m",`+hello+`,`+tt.then+`}`)
			want := tt.old
			if v.LlamaServer {
				want = tt.late
			}
			if n := len(s.Launches()); n != want {
				t.Errorf("%s, %s: %d loads, want %d", v.Number, name, n, want)
			}
		}
	}
}

func TestWhatAModelIsLaunchedWith(t *testing.T) {
	models := map[string]Model{"plain": {}, "hybrid": {Family: "qwen35"}, "sees": {Family: "gemma3", Vision: true}}
	for _, tt := range []struct {
		version, request string
		want             Launch
	}{
		{"0.17.4", `{"model":"plain","messages":[],"options":{"num_ctx":2048}}`, Launch{"plain", 2048, 512, false, 4}},
		{"0.33.0", `{"model":"plain","messages":[],"shift":false,"options":{"num_ctx":2048}}`, Launch{"plain", 2048, 1024, false, 4}},
		{"0.33.0", `{"model":"plain","messages":[],"options":{"num_ctx":16384}}`, Launch{"plain", 16384, 2048, true, 4}},
		{"0.33.0", `{"model":"hybrid","messages":[],"options":{"num_ctx":2048}}`, Launch{"hybrid", 2048, 512, true, 1}},
		{"0.17.4", `{"model":"hybrid","messages":[],"options":{"num_ctx":2048}}`, Launch{"hybrid", 2048, 512, false, 1}},
		{"0.17.4", `{"model":"sees","messages":[],"options":{"num_ctx":1024}}`, Launch{"sees", 2048, 512, false, 4}},
		{"0.33.0", `{"model":"sees","messages":[],"options":{"num_ctx":4096,"num_batch":512}}`, Launch{"sees", 4096, 512, true, 4}},
	} {
		s := NewScripted(t, tt.version, models)
		asks(t, s, "/api/chat", tt.request)
		if diff := cmp.Diff([]Launch{tt.want}, s.Launches()); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", tt.version, tt.request, diff)
		}
	}
}

func TestWhatBecomesOfASchema(t *testing.T) {
	models := map[string]Model{
		"llama": {}, "deepseek": {Family: "qwen2", Thinks: true}, "qwen": {Family: "qwen35", Thinks: true, Parser: true},
		"gemma": {Family: "gemma4", Thinks: true, Parser: true}, "gpt-oss": {Family: "gptoss", Thinks: true, Parser: true},
	}
	const object, free, nothing = `{"score":3}`, "The answer is A.", ""
	for _, tt := range []struct {
		model, think  string
		old, mid, new string // v0.17.4, v0.30.0 to v0.31.1, v0.33.0
	}{
		{"llama", "", object, object, object},
		{"deepseek", `"think":false,`, object, object, object},
		{"qwen", `"think":true,`, object, object, object},
		{"qwen", `"think":false,`, free, free, object},
		{"gemma", `"think":false,`, free, object, object},
		{"gpt-oss", `"think":false,`, object, object, nothing},
		{"gpt-oss", `"think":"low",`, object, object, object},
	} {
		for _, v := range Versions {
			want := tt.mid
			if !v.LlamaServer {
				want = tt.old
			} else if v.Immediate {
				want = tt.new
			}
			s := NewScripted(t, v.Number, models)
			a, refused := asks(t, s, "/api/chat", `{"model":"`+tt.model+`",`+tt.think+hello+`,"format":{"type":"object","properties":{"score":{"type":"integer","minimum":1,"maximum":5}}}}`)
			if a.Message.Content != want {
				t.Errorf("%s, %s %s: %q %s, want %q", v.Number, tt.model, tt.think, a.Message.Content, refused, want)
			}
		}
	}
}

func TestWhatIsReadOfAPromptThatWasReadBefore(t *testing.T) {
	long := strings.Repeat("beginning ", 100)
	for _, tt := range []struct {
		version, shift string
		again          bool // the whole of it is read again
		counted        bool // the whole of it is counted
	}{
		{"0.17.4", "false", false, true},
		{"0.30.0", "false", true, true},
		{"0.30.0", "true", false, false},
		{"0.30.8", "false", false, true},
		{"0.33.0", "false", false, true},
	} {
		s := NewScripted(t, tt.version, map[string]Model{"m": {}})
		var last api.ChatResponse
		for _, end := range []string{"one", "two"} {
			last, _ = asks(t, s, "/api/chat", `{"model":"m","shift":`+tt.shift+`,"messages":[{"role":"user","content":"`+long+end+`"}]}`)
		}
		if again := last.PromptEvalDuration.Milliseconds() > 100; again != tt.again {
			t.Errorf("%s, shift %s: it took %v", tt.version, tt.shift, last.PromptEvalDuration)
		}
		if counted := last.PromptEvalCount > 100; counted != tt.counted {
			t.Errorf("%s, shift %s: %d tokens are counted", tt.version, tt.shift, last.PromptEvalCount)
		}
	}
}
