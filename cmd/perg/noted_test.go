package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/models/ollamatest"
)

// What a noted ollama is told by its environment.
const (
	notedIn    = "NOTED_IN"     // a file that many append to
	notedAs    = "NOTED_AS"     // the name of the machine
	notedTakes = "NOTED_TAKES"  // what a call takes at least
	notedReal  = "NOTED_OLLAMA" // the real program
)

// A note is of a call, or of its answer.
type note struct {
	At       time.Time
	Machine  string
	Call     string // by everything that determines its answer
	Answered bool
}

// notedPath is a directory for PATH. In it is an ollama whose server is a real one
// that takes its time, and notes which calls it gets and answers.
func notedPath(t *testing.T, takes time.Duration) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	link := filepath.Join(dir, "noted-ollama") // a name that TestMain knows
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ollama"), []byte("#!/bin/sh\nexec "+link+` "$@"`+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(notedTakes, takes.String())
	t.Setenv(notedReal, ollamatest.Program(t))
	return dir
}

// notedMain is that ollama.
func notedMain() {
	if err := notedServe(); err != nil {
		fmt.Fprintln(os.Stderr, "noted ollama:", err)
		os.Exit(1)
	}
}

func notedServe() error {
	takes, err := time.ParseDuration(os.Getenv(notedTakes))
	if err != nil {
		return err
	}
	notes, err := os.OpenFile(os.Getenv(notedIn), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	write := func(call string, answered bool) {
		line, _ := json.Marshal(note{time.Now(), os.Getenv(notedAs), call, answered})
		notes.Write(append(line, '\n')) // in one piece
	}
	return serveBehind(os.Getenv(notedReal), func(inner string) http.Handler {
		to, err := url.Parse(inner)
		if err != nil {
			panic(err)
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			proxy := httputil.NewSingleHostReverseProxy(to)
			proxy.ErrorHandler = cut
			if r.URL.Path == "/api/chat" {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				if call := callOf(body); call != "" {
					write(call, false)
					time.Sleep(takes)
					proxy.ModifyResponse = func(r *http.Response) error {
						body, err := io.ReadAll(r.Body)
						r.Body = io.NopCloser(bytes.NewReader(body))
						if err == nil && r.StatusCode == http.StatusOK {
							write(call, true)
						}
						return err
					}
				}
			}
			proxy.ServeHTTP(w, r)
		})
	})
}

// callOf names a call by everything that determines its answer; "" where it is a
// load, or counts tokens.
func callOf(body []byte) string {
	var r struct {
		Model    string         `json:"model"`
		Messages any            `json:"messages"`
		Format   any            `json:"format,omitempty"`
		Think    any            `json:"think,omitempty"`
		Options  map[string]any `json:"options"`
		KVCache  string
	}
	if json.Unmarshal(body, &r) != nil || r.Options["num_predict"] == 1.0 {
		return ""
	}
	if m, ok := r.Messages.([]any); !ok || len(m) == 0 {
		return ""
	}
	delete(r.Options, "num_ctx") // says how much room there is
	r.KVCache = os.Getenv("OLLAMA_KV_CACHE_TYPE")
	text, _ := json.Marshal(r)
	sum := sha256.Sum256(text)
	return strings.TrimSuffix(r.Model, ":latest") + "-" + hex.EncodeToString(sum[:8])
}

// A notebook is a file of notes. Who looks at it again reads only what is new.
type notebook struct {
	t    *testing.T
	path string
	seen int64 // bytes
	all  []note
}

// notes are what was noted so far; nobody changes them.
func (b *notebook) notes() []note {
	b.t.Helper()
	f, err := os.Open(b.path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, b.seen, math.MaxInt64-b.seen))
	if err != nil {
		b.t.Fatal(err)
	}
	// A line that is being written may be seen in part.
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	b.seen += int64(len(text))
	for line := range bytes.Lines(text) {
		var n note
		if err := json.Unmarshal(line, &n); err != nil {
			b.t.Fatalf("%q: %v", line, err)
		}
		b.all = append(b.all, n)
	}
	return b.all
}
