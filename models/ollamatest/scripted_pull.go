package ollamatest

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/ollama/ollama/api"
)

// A Registry is where a scripted server pulls models from.
type Registry struct {
	Models map[string]Model
	Bytes  int64         // of the weights of each
	Pause  time.Duration // between the tenths in which they come
}

// Serve changes the registry of a server that is at work.
func (s *Scripted) Serve(change func(*Registry)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.Registry)
}

// Fetched is how many bytes of a model's weights came from the registry.
func (s *Scripted) Fetched(name string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched[name]
}

// pull fetches a model as /api/pull does: file by file, on from where it was when
// its client went away.
func (s *Scripted) pull(w http.ResponseWriter, r *http.Request, name string) {
	lines := json.NewEncoder(w)
	tell := func(p api.ProgressResponse) {
		lines.Encode(p)
		w.(http.Flusher).Flush()
	}
	tell(api.ProgressResponse{Status: "pulling manifest"})
	s.mu.Lock()
	from, done := s.Registry, s.fetched[name]
	s.mu.Unlock()
	m, ok := from.Models[name]
	if !ok {
		lines.Encode(map[string]string{"error": "pull model manifest: file does not exist"})
		return
	}
	for {
		tell(api.ProgressResponse{Status: "pulling " + digest(name)[:12], Digest: "sha256:" + digest(name), Total: from.Bytes, Completed: done})
		if done == from.Bytes {
			break
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(from.Pause):
		}
		done = min(done+from.Bytes/10, from.Bytes)
		s.mu.Lock()
		s.fetched[name] = done
		s.mu.Unlock()
	}
	tell(api.ProgressResponse{Status: "pulling of its parameters", Digest: "sha256:" + digest(name+"parameters"), Total: 100, Completed: 100})
	s.mu.Lock()
	s.Models[name] = m
	s.mu.Unlock()
	tell(api.ProgressResponse{Status: "success"})
}
