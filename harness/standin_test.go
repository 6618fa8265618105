package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ollama/ollama/api"

	"perg/harness/task"
	"perg/models"
)

// A standIn is an Ollama server for tests of what goes wrong on the way to one:
// it has all models, holds one in memory, answers, rates and suggests, and can
// go down and come up again at its address.
type standIn struct {
	t       *testing.T
	address string
	client  *models.Client

	mu     sync.Mutex
	server *http.Server
	// tamper comes before each request; where it is true it has dealt with it.
	tamper  func(w http.ResponseWriter, a asked) bool
	takes   time.Duration // a chat
	loading time.Duration // a load
	digests map[string]string
	// vocabulary: it tells its models', so that no prompt has to be counted by it.
	vocabulary bool
	loads      map[string][]int // contexts that a model was loaded with
	loaded     string
	numCtx     int
	n          map[kind]int // requests by kind
}

// A kind of request: the last part of its path, or what a chat is for.
type kind string

const (
	chat   kind = "chat"
	load   kind = "load"
	unload kind = "unload"
	count  kind = "count" // tokens
	ps     kind = "ps"
)

type asked struct {
	kind
	n       int // its number among those of its kind, from 1
	request *http.Request
	chat    api.ChatRequest
}

// newStandIn is a server with some models, whose client has little patience.
func newStandIn(t *testing.T, names ...string) *standIn {
	t.Helper()
	s := &standIn{t: t, address: "127.0.0.1:0", digests: make(map[string]string), loads: make(map[string][]int), n: make(map[kind]int)}
	for _, name := range names {
		s.digests[name] = "digest of " + name
	}
	s.up()
	t.Cleanup(s.down)
	var err error
	if s.client, err = models.NewClient(s.address); err != nil {
		t.Fatal(err)
	}
	s.client.Patience = 300 * time.Millisecond
	return s
}

func (s *standIn) up() {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.address, s.server = l.Addr().String(), &http.Server{Handler: s}
	go s.server.Serve(l)
}

// down is the server's end: what is in flight is cut, and nothing listens.
func (s *standIn) down() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server.Close()
	s.loaded = ""
}

func (s *standIn) number(k kind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n[k]
}

func (s *standIn) read(r *http.Request) asked {
	a := asked{kind: kind(filepath.Base(r.URL.Path)), request: r}
	if a.kind == chat {
		if err := json.NewDecoder(r.Body).Decode(&a.chat); err != nil {
			return a // cut off
		}
		io.Copy(io.Discard, r.Body) // or the end of its connection is not seen
		switch {
		case len(a.chat.Messages) == 0 && a.chat.KeepAlive.Duration == 0:
			a.kind = unload
		case len(a.chat.Messages) == 0:
			a.kind = load
		case a.chat.Options["num_predict"] == 1.0:
			a.kind = count
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n[a.kind]++
	a.n = s.n[a.kind]
	return a
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := s.read(r)
	s.mu.Lock()
	tamper, takes := s.tamper, s.takes
	if a.kind == load {
		takes = s.loading
	}
	s.mu.Unlock()
	if tamper != nil && tamper(w, a) {
		return
	}
	if a.kind == chat || a.kind == load {
		time.Sleep(takes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch a.kind {
	case "version":
		io.WriteString(w, `{"version":"0.17.4"}`)
	case "tags":
		var list api.ListResponse
		for name, digest := range s.digests {
			list.Models = append(list.Models, api.ListModelResponse{Name: name, Model: name, Digest: digest, Size: 1 << 20})
		}
		slices.SortFunc(list.Models, func(a, b api.ListModelResponse) int { return strings.Compare(a.Name, b.Name) })
		json.NewEncoder(w).Encode(list)
	case "show":
		more := ""
		if s.vocabulary {
			more = byteVocabulary
		}
		io.WriteString(w, `{"template":"{{ .System }}{{ .Prompt }}","capabilities":["completion"],"details":{"family":"llama","quantization_level":"F16"},"model_info":{`+
			`"general.architecture":"llama","general.parameter_count":1000000,"llama.block_count":2,"llama.embedding_length":64,"llama.feed_forward_length":128,`+
			`"llama.context_length":131072,"llama.attention.head_count":4,"llama.attention.head_count_kv":2`+more+`},"tensors":[{"name":"token_embd.weight","type":"F16","shape":[64,1000]},`+
			`{"name":"blk.0.attn_q.weight","type":"F16","shape":[64,64]},{"name":"blk.1.attn_q.weight","type":"F16","shape":[64,64]}]}`)
	case ps:
		if s.loaded == "" {
			io.WriteString(w, `{"models":[]}`)
			return
		}
		fmt.Fprintf(w, `{"models":[{"name":%q,"digest":%q,"size":100,"size_vram":100,"context_length":%d}]}`, s.loaded, s.digests[s.loaded], s.numCtx)
	case unload:
		s.loaded = ""
		io.WriteString(w, `{"done":true}`)
	default:
		s.loaded = a.chat.Model
		if n, ok := a.chat.Options["num_ctx"].(float64); ok {
			s.numCtx = int(n)
		}
		if a.kind == load {
			s.loads[a.chat.Model] = append(s.loads[a.chat.Model], s.numCtx)
			io.WriteString(w, `{"done":true,"done_reason":"load"}`)
			return
		}
		content, _ := json.Marshal(s.says(a.chat))
		fmt.Fprintf(w, `{"message":{"role":"assistant","content":%s},"done":true,"done_reason":"stop","prompt_eval_count":100,"eval_count":4,"eval_duration":2000000}`, content)
	}
}

// byteVocabulary is that of a tokenizer for which each byte is a token.
var byteVocabulary = func() string {
	var tokens, types []string
	for b := range 256 {
		r := rune(b)
		switch { // as GGUF spells bytes
		case r == 0xad:
			r = 0x143
		case r <= ' ':
			r += 0x100
		case 0x7f <= r && r <= 0xa0:
			r += 0xa2
		}
		text, _ := json.Marshal(string(r))
		tokens, types = append(tokens, string(text)), append(types, "1")
	}
	return fmt.Sprintf(`,"tokenizer.ggml.model":"gpt2","tokenizer.ggml.pre":"gpt-2","tokenizer.ggml.merges":[],"tokenizer.ggml.tokens":[%s],"tokenizer.ggml.token_type":[%s]`,
		strings.Join(tokens, ","), strings.Join(types, ","))
}()

// says answers by what the schema asks for, and says whose answer it is.
func (s *standIn) says(r api.ChatRequest) string {
	switch {
	case strings.Contains(string(r.Format), `"score"`):
		return `{"explanation":"It follows.","score":4}`
	case strings.Contains(string(r.Format), `"answer"`):
		return `{"answer":"A"}`
	case strings.Contains(string(r.Format), `"preference"`):
		return `{"preference":"I like it short.","reason":"r","type":"clarity"}`
	}
	return "The answer is A. (" + s.digests[r.Model] + ")"
}

// page answers with a proxy's page of HTML.
func page(w http.ResponseWriter, status int, header ...string) {
	w.Header().Set("Content-Type", "text/html")
	for i := 0; i+1 < len(header); i += 2 {
		w.Header().Set(header[i], header[i+1])
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html><head><title>%d %s</title></head><body><center><h1>nginx</h1></center></body></html>", status, http.StatusText(status))
}

// judgedPlan is a plan whose variants a judge rates.
func judgedPlan(t *testing.T, items int, vs ...*task.Variant) *Plan {
	t.Helper()
	p := testPlan(t, items, vs...)
	p.Judges = []*task.Variant{variant("judge:latest")}
	return p
}

// mustComplete checks that each generation of a run is answered, and that
// nothing was told that concerns the user; some warnings are expected.
func mustComplete(t *testing.T, p *Plan, result Result, err error) {
	t.Helper()
	if err != nil || result.OK != p.Total() || result.Failed+result.Missing > 0 || !result.Written {
		t.Errorf("of %d generations %d are answered, %d in error %v, %d missing; error %v", p.Total(), result.OK, result.Failed, result.Reasons, result.Missing, err)
	}
}
