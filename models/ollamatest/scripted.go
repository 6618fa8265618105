package ollamatest

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ollama/ollama/api"

	"perg/models/gguftest"
)

// A Model is one that a scripted server has installed.
type Model struct {
	Family   string // general.architecture; "llama" where empty
	Thinks   bool
	Renderer string // prompts are made in code, by one of that name; "": by a template
	Reader   string // what it writes is read in code, by a parser of that name; as Parser, where it is given
	// Thought is what it thinks; "": a sentence.
	Thought            string
	Aloud              bool                                      // what it thinks is a part of its answer
	System, Parameters string                                    // its own
	Basename           string                                    // general.basename, what it was made from
	Parser             bool                                      // what it writes is read in code, which tells thought from answer
	Vision             bool                                      //
	Trained            int                                       // tokens of context that it was made for; 0: a great many
	Sets               map[string]string                         // what its prompts begin with, by the think of a call, "true", "low"
	Remote             string                                    // where it runs, as "https://ollama.com:443"; "": here
	Embeds             bool                                      // embeddings are all that it makes
	Template           string                                    // Ollama's; "": none
	Jinja              func(system, user string) (string, error) // the one that it brings itself, which may refuse; nil: none
}

func (m Model) family() string {
	if m.Family == "" {
		return "llama"
	}
	return m.Family
}

func (m Model) trained() int { return cmp.Or(m.Trained, trained) }

// A Launch is a model that was put into memory, with what is fixed by that.
type Launch struct {
	Model    string
	NumCtx   int
	NumBatch int
	Shift    bool // always false where it is not fixed
	Slots    int
}

// A Scripted is a server that speaks as a version of Ollama does, without
// models behind it, and counts what it does.
type Scripted struct {
	Version
	URL    string
	Models map[string]Model
	Slots  int  // OLLAMA_NUM_PARALLEL
	OnCPU  bool // there is no GPU
	// Says is what a model writes where no schema binds it; where one does, it
	// writes the simplest object that the schema allows.
	Says func(api.ChatRequest) string
	// Fills is the object that a model writes where a schema binds it; nil: the simplest.
	Fills func(api.ChatRequest) string
	// Dies says whether a chat ends the runner of its model; nil: none does.
	Dies func(api.ChatRequest) bool

	Registry Registry

	mu       sync.Mutex
	fetched  map[string]int64 // bytes, by name
	running  map[string]*runner
	launches []Launch
	asked    []api.ChatRequest
}

// A runner is a model in memory.
type runner struct {
	Launch
	seen []string // prompts in the caches of its slots, the last used last
}

// NewScripted starts a server that is like a version, with models by name,
// until the test ends.
func NewScripted(tb testing.TB, number string, models map[string]Model) *Scripted {
	tb.Helper()
	s := &Scripted{
		Version: version(number), Models: models, Slots: Slots, running: make(map[string]*runner), fetched: make(map[string]int64),
		Says: func(api.ChatRequest) string { return "The answer is A." },
	}
	srv := httptest.NewServer(s)
	tb.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Launches are all that were made, in their order.
func (s *Scripted) Launches() []Launch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.launches)
}

// Asked are the chats that a model answered, in their order.
func (s *Scripted) Asked() []api.ChatRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *Scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r.URL.Path == "/api/pull" {
		var q api.PullRequest
		if read(w, r, &q) {
			s.pull(w, r, q.Model)
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.URL.Path {
	case "/api/version":
		answer(w, map[string]string{"version": s.Number})
	case "/api/tags":
		answer(w, api.ListResponse{Models: s.tags()})
	case "/api/ps":
		answer(w, api.ProcessResponse{Models: s.ps()})
	case "/api/show":
		var q api.ShowRequest
		if !read(w, r, &q) {
			return
		}
		m, ok := s.model(q.Model)
		if !ok {
			refuse(w, http.StatusNotFound, fmt.Sprintf("model '%s' not found", q.Model))
			return
		}
		answer(w, show(m, q.Verbose))
	case "/api/chat":
		var q api.ChatRequest
		if read(w, r, &q) {
			s.chat(w, q)
		}
	default:
		http.NotFound(w, r)
	}
}

func read(w http.ResponseWriter, r *http.Request, q any) bool {
	if err := json.NewDecoder(r.Body).Decode(q); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

func answer(w http.ResponseWriter, a any) { json.NewEncoder(w).Encode(a) }

func refuse(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	answer(w, map[string]string{"error": text})
}

func (s *Scripted) model(name string) (Model, bool) {
	m, ok := s.Models[strings.TrimSuffix(name, ":latest")]
	if !ok {
		m, ok = s.Models[name]
	}
	return m, ok
}

const (
	layers, heads, kvHeads, embedding = 2, 4, 2, 64
	trained                           = 131072
	weights                           = 1 << 20                                        // bytes, made up
	reference                         = 384                                            // bytes of a model that runs elsewhere
	cachePerToken                     = layers * kvHeads * 2 * (embedding / heads) * 2 // f16
)

func digest(name string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(name))) }

func (s *Scripted) tags() (all []api.ListModelResponse) {
	for name, m := range s.Models {
		one := api.ListModelResponse{
			Name: name, Model: name, Digest: digest(name), Size: weights, RemoteHost: m.Remote,
			Details: api.ModelDetails{Family: m.family(), ParameterSize: "1M", QuantizationLevel: "F16"},
		}
		if m.Remote != "" {
			one.Size, one.RemoteModel = reference, name
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b api.ListModelResponse) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ps has the context of one slot and the memory of all.
func (s *Scripted) ps() []api.ProcessModelResponse {
	all := []api.ProcessModelResponse{}
	for name, r := range s.running {
		size := int64(weights + cachePerToken*r.NumCtx*r.Launch.Slots)
		vram := size
		if s.OnCPU {
			vram = 0
		}
		all = append(all, api.ProcessModelResponse{
			Name: name, Model: name, Digest: digest(name), Size: size, SizeVRAM: vram, ContextLength: r.NumCtx,
		})
	}
	return all
}

// show has the vocabulary, as servers do, for those alone who want all of it.
func show(m Model, all bool) map[string]any {
	template := m.Template
	if template == "" {
		template = "{{ .Prompt }}"
	}
	capabilities := []string{"completion"}
	if m.Thinks {
		capabilities = append(capabilities, "thinking")
	}
	if m.Embeds {
		capabilities = []string{"embedding"}
	}
	if m.Vision {
		capabilities = append(capabilities, "vision")
	}
	of := m.family() + "."
	if m.Remote != "" {
		return map[string]any{
			"capabilities": capabilities, "remote_host": m.Remote, "remote_model": "of that place", "details": map[string]any{"family": m.family()},
			"model_info": map[string]any{"general.architecture": m.family(), of + "context_length": m.trained()},
		}
	}
	info := map[string]any{
		"general.architecture": m.family(), "general.parameter_count": 1000000,
		of + "block_count": layers, of + "embedding_length": embedding, of + "feed_forward_length": 128, of + "context_length": m.trained(),
		of + "attention.head_count": heads, of + "attention.head_count_kv": kvHeads,
	}
	if all {
		tokens := gguftest.Bytes()
		info["tokenizer.ggml.model"], info["tokenizer.ggml.pre"] = "gpt2", "default"
		info["tokenizer.ggml.tokens"], info["tokenizer.ggml.token_type"] = tokens, slices.Repeat([]int{1}, len(tokens))
	}
	renderer, reader := m.Renderer, m.Reader
	if m.Parser { // with which a renderer comes
		renderer, reader = cmp.Or(renderer, m.family()), cmp.Or(reader, m.family())
	}
	if m.Basename != "" {
		info["general.basename"] = m.Basename
	}
	return map[string]any{
		"template": template, "capabilities": capabilities, "renderer": renderer, "parser": reader, "system": m.System, "parameters": m.Parameters,
		"details":    map[string]any{"family": m.family(), "parameter_size": "1M", "quantization_level": "F16"},
		"model_info": info,
		"tensors": []map[string]any{
			{"name": "token_embd.weight", "type": "F16", "shape": []int{embedding, 1000}},
			{"name": "blk.0.attn_q.weight", "type": "F16", "shape": []int{embedding, embedding}},
			{"name": "blk.1.attn_q.weight", "type": "F16", "shape": []int{embedding, embedding}},
		},
	}
}
