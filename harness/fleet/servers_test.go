package fleet

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"perg/harness/engine"
)

// perg's own servers are started side by side: a lane's does not wait for those
// of others.
func TestOwnServersStartSideBySide(t *testing.T) {
	program := filepath.Join(t.TempDir(), "ollama")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nsleep 1\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	f := newFleet(Options{Logs: t.TempDir(), Say: func(string) {}, Warn: func(string) {}})
	f.program = program
	began := time.Now()
	var all sync.WaitGroup
	for _, lane := range []string{"cpu0", "cpu1", "cpu2", "cpu3"} {
		all.Go(func() {
			if _, err := f.Open(t.Context(), lane, []string{lane}, engine.ServerConfig{Slots: 1}); err == nil {
				t.Error("a server that ends has started")
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("four that take a second each took %v", took)
	}
}

// Two addresses of one server are one lane: two would put each other's models
// out of memory.
func TestTwoAddressesOfOneServerAreOneLane(t *testing.T) {
	answers := map[string]string{"/api/version": `{"version":"0.17.4"}`, "/api/tags": `{"models":[{"name":"a:latest","digest":"d"}]}`, "/api/ps": `{"models":[]}`}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, answers[r.URL.Path]) }))
	defer s.Close()
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	var said []string
	f, err := Open(t.Context(), Options{
		Hosts: []string{"127.0.0.1" + port, "localhost" + port},
		Say:   func(text string) { said = append(said, text) }, Warn: func(string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Devices) != 1 || len(said) != 1 || !strings.Contains(said[0], "are one server") {
		t.Errorf("%d lanes, said %q", len(f.Devices), said)
	}
}
