package models_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// A real server is told to pull from a registry, which is that of another's files.
func TestPullFromARegistry(t *testing.T) {
	store := t.TempDir()
	from := ollamatest.Start(t, models.ServerConfig{Models: store})
	ollamatest.Install(t, from.URL(), map[string]gguftest.Chain{"tiny:latest": gguftest.Steady("A")})
	manifest := filepath.Join(store, "manifests", "registry.ollama.ai", "library", "tiny", "latest")
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	var listed struct {
		Layers []struct{ Size int64 } `json:"layers"`
	}
	if err := json.Unmarshal(text, &listed); err != nil {
		t.Fatal(err)
	}
	blobs := http.FileServer(http.Dir(filepath.Join(store, "blobs")))
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(300 * time.Millisecond) // or all is there when the size is told
		blobs.ServeHTTP(w, r)
	}))
	defer files.Close()
	elsewhere := strings.Replace(files.URL, "127.0.0.1", "localhost", 1) // as registries have their files
	registry := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, "/v2/library/tiny/")
		switch {
		case ok && rest == "manifests/latest":
			http.ServeFile(w, r, manifest)
		case ok && strings.HasPrefix(rest, "blobs/sha256:"):
			name := strings.Replace(filepath.Base(rest), ":", "-", 1)
			if r.Method == http.MethodHead {
				http.ServeFile(w, r, filepath.Join(store, "blobs", name))
				return
			}
			http.Redirect(w, r, elsewhere+"/"+name, http.StatusTemporaryRedirect)
		default:
			http.NotFound(w, r)
		}
	}))
	defer registry.Close()
	trusted := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: registry.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	to := ollamatest.Start(t, models.ServerConfig{Env: []string{"SSL_CERT_FILE=" + trusted}})
	c, err := models.NewClient(to.URL())
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(registry.URL, "https://") + "/library/tiny:latest"

	size, err := c.PullSize(t.Context(), name)
	if err != nil || size != listed.Layers[0].Size {
		t.Errorf("size %d, want that of the weights, %d; error %v", size, listed.Layers[0].Size, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := c.Pull(stopped, name, func(int64, int64) {}); err == nil {
		t.Error("a pull that was stopped says that it is done")
	}
	var last, of int64
	if err := c.Pull(t.Context(), name, func(done, total int64) { last, of = done, total }); err != nil || last != of || of < size {
		t.Errorf("%d of %d bytes came, error %v", last, of, err)
	}
	catalogue, err := c.Catalogue(t.Context())
	if m, ok := models.Find(catalogue, name); err != nil || !ok || m.Size < size {
		t.Errorf("it is not there: %+v, error %v", catalogue, err)
	}
	if size, err := c.PullSize(t.Context(), name); err != nil || size != 0 {
		t.Errorf("all is there, and to be fetched are %d bytes, error %v", size, err)
	}
	missing := strings.Replace(name, "tiny", "huge", 1)
	if _, err := c.PullSize(t.Context(), missing); err == nil || !strings.Contains(err.Error(), "file does not exist") {
		t.Errorf("a model that is not there: error %v", err)
	}
}
