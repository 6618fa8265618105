package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ollama/ollama/api"

	"perg/harness/store"
)

// A witness stands between perg, which is killed and started again, and real
// servers. It knows which calls were made and what came back, and, by the store
// that a dead perg left, which replies were committed. So it sees a call that
// is made again though its reply was committed, and a reply that is lost. It
// needs to know nothing of what perg makes its keys of.
type witness struct {
	t *testing.T

	mu      sync.Mutex
	life    int              // of perg, since the beginning
	answers map[figures]chat // of all lives
	moment  moment           // at which this life ends
	kill    func()

	// Of a store's lifetime.
	made      map[chat]int
	committed map[chat]store.Key
	replies   map[store.Key]store.Reply
	doubled   int
}

// A chat is a call, by everything that determines its reply.
type chat string

// figures are what a server measured of an answer, in nanoseconds: no two
// answers have the same, and the store keeps them.
type figures struct{ total, load, promptEval, eval time.Duration }

// What a witness sees happen; a moment may be one of it.
const (
	onCount   = "counting tokens"
	onLoad    = "loading or unloading"
	onAnswer  = "answering"
	onRating  = "judging"
	onArrival = "at an answer's arrival"
)

func newWitness(t *testing.T) *witness {
	w := &witness{t: t, answers: make(map[figures]chat)}
	w.forget()
	return w
}

// forget begins the lifetime of another store.
func (w *witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made, w.committed, w.replies = make(map[chat]int), make(map[chat]store.Key), make(map[store.Key]store.Reply)
}

// url is where a witness is reached by those that say whom they ask for.
func (w *witness) url() string {
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		life, err := strconv.Atoi(r.Header.Get(lifeHeader))
		if err != nil {
			w.t.Errorf("a request of no life: %v", err)
		}
		w.pass(rw, r, r.Header.Get(innerHeader), r.Header.Get(cacheHeader), life)
	}))
	w.t.Cleanup(srv.Close)
	return srv.URL
}

// before is the URL of a witness before one server.
func (w *witness) before(server string) string {
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		life := w.life
		w.mu.Unlock()
		w.pass(rw, r, server, "", life)
	}))
	w.t.Cleanup(srv.Close)
	return srv.URL
}

// pass passes a request on to a server, and the response back, both whole.
func (w *witness) pass(rw http.ResponseWriter, r *http.Request, server, cache string, life int) {
	to, err := url.Parse(server)
	if err != nil {
		w.t.Error(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = cut
	if r.URL.Path == "/api/chat" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // perg is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		call := w.asks(body, cache, life)
		proxy.ModifyResponse = func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			if r.StatusCode == http.StatusOK && call != "" {
				w.answersTo(call, body, life)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			return nil
		}
	}
	proxy.ServeHTTP(rw, r)
}

// asks sees a call being made; it is "" where no answer is chat for.
func (w *witness) asks(body []byte, cache string, life int) (call chat) {
	var r struct {
		Model    string         `json:"model"`
		Messages []api.Message  `json:"messages"`
		Format   any            `json:"format,omitempty"`
		Think    any            `json:"think,omitempty"`
		Options  map[string]any `json:"options"`
		Cache    string
	}
	if err := json.Unmarshal(body, &r); err != nil {
		w.t.Error(err)
	}
	event := onAnswer
	switch {
	case len(r.Messages) == 0:
		event = onLoad
	case r.Options["num_predict"] == 1.0:
		event = onCount
	case strings.HasPrefix(r.Model, "judge"):
		event = onRating
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if event == onAnswer || event == onRating {
		r.Cache = cache
		delete(r.Options, "num_ctx") // says how much room there is
		text, err := json.Marshal(r)
		if err != nil {
			w.t.Error(err)
		}
		call = chat(text)
		w.made[call]++
		if _, ok := w.committed[call]; ok {
			w.doubled++
			w.t.Errorf("life %d makes a call again whose reply was committed: %s", life, text)
		}
	}
	w.sees(event, life)
	return call
}

func (w *witness) answersTo(call chat, body []byte, life int) {
	lines := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
	var a api.ChatResponse
	if err := json.Unmarshal(lines[len(lines)-1], &a); err != nil || !a.Done {
		return // an error in the place of an answer
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[figures{a.TotalDuration, a.LoadDuration, a.PromptEvalDuration, a.EvalDuration}] = call
	w.sees(onArrival, life)
}

// sees ends perg's life if this is the moment for it.
func (w *witness) sees(event string, life int) {
	if life != w.life || event != w.moment.event {
		return
	}
	if w.moment.n--; w.moment.n == 0 {
		if w.moment.after == 0 {
			w.kill()
		} else {
			time.AfterFunc(w.moment.after, w.kill)
		}
	}
}

// begins is told that another life of perg begins, and when it is to end.
func (w *witness) begins(m moment, kill func()) (life int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life++
	w.moment, w.kill = m, kill
	return w.life
}

// inspects looks at the store that a dead perg left, in a copy: that it is
// opened and put in order is perg's next life's business.
func (w *witness) inspects(path string) {
	left, err := filepath.Glob(path + "*") // with its log
	if err != nil {
		w.t.Fatal(err)
	}
	if len(left) == 0 {
		return // killed before it was made
	}
	dir, err := os.MkdirTemp(w.t.TempDir(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, file := range left {
		if strings.HasSuffix(file, "-shm") {
			continue // an index of the log
		}
		text, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	found := w.read(filepath.Join(dir, filepath.Base(path)))
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, reply := range found {
		if was, ok := w.replies[key]; ok {
			if !reflect.DeepEqual(was, reply) {
				w.t.Errorf("the reply to %s has become another", key)
			}
			continue
		}
		w.replies[key] = reply
		if reply.Total == 0 {
			continue // a number of tokens, which several models may share
		}
		call, ok := w.answers[figures{reply.Total, reply.Load, reply.PromptEval, reply.Eval}]
		if !ok {
			w.t.Errorf("the store has a reply to %s that no server gave", key)
		}
		if other, ok := w.committed[call]; ok {
			w.t.Errorf("one call has two replies in the store, %s and %s: %s", key, other, call)
		}
		w.committed[call] = key
	}
	for key := range w.replies {
		if _, ok := found[key]; !ok {
			w.t.Errorf("the store lost the reply to %s", key)
		}
	}
}

// read is all replies of a store.
func (w *witness) read(path string) map[store.Key]store.Reply {
	s, err := store.Open(path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT key FROM reply")
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	all := make(map[store.Key]store.Reply)
	for rows.Next() {
		var key []byte
		if err := rows.Scan(&key); err != nil {
			w.t.Fatal(err)
		}
		reply, ok, err := s.Get(w.t.Context(), store.Key(key))
		if err != nil || !ok {
			w.t.Errorf("the reply to %x: %v", key, errors.Join(err, rows.Err()))
		}
		all[store.Key(key)] = reply
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return all
}
