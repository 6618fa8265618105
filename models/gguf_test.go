package models_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// layoutFile is a real GGUF on disk.
func layoutFile(t *testing.T, l gguftest.Layout) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "model.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.WriteGGUF(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

var eight = gguftest.Layout{Architecture: "llama", Embedding: 256, Layers: 8, Heads: 8, KVHeads: 2, HeadLength: 32, FeedForward: 512, Vocabulary: 300}

// A file's head says what a server would show of the model.
func TestReadGGUFFile(t *testing.T) {
	path := layoutFile(t, eight)
	f, err := models.ReadGGUFFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s := f.Shape
	if s.Architecture != "llama" || s.Layers != 8 || s.Heads != 8 || len(s.KVHeads) != 8 || s.KVHeads[7] != 2 || s.KeyLength != 32 || s.Vocabulary != 300 || f.Bytes != info.Size() {
		t.Errorf("%+v", f)
	}
	// All but the head is weights.
	if w := int64(s.WeightBytes()); w > f.Bytes || w < f.Bytes*9/10 {
		t.Errorf("weights of %d bytes in a file of %d", w, f.Bytes)
	}
}

func TestDamagedGGUF(t *testing.T) {
	path := layoutFile(t, eight)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"cut in its head":      string(whole[:200]),
		"cut in its weights":   string(whole[:len(whole)/2]),
		"no GGUF":              "<html>not found</html>",
		"empty":                "",
		"an impossible length": string(whole[:24]) + strings.Repeat("\xff", 64),
	} {
		damaged := filepath.Join(t.TempDir(), "damaged.gguf")
		if err := os.WriteFile(damaged, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := models.ReadGGUFFile(damaged); err == nil || !strings.Contains(err.Error(), damaged+": not a whole GGUF file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The head of a model of some size is read from a registry, and not its weights.
func TestRegistryHead(t *testing.T) {
	big := eight
	big.Embedding, big.FeedForward, big.HeadLength = 1024, 4096, 128
	path := layoutFile(t, big)
	onDisk, err := models.ReadGGUFFile(path)
	if err != nil {
		t.Fatal(err)
	}
	host, sent := ollamatest.ServeFile(t, "eight", path, "{{ .Thinking }}{{ .Prompt }}", true)
	f, err := models.Registry{}.Head(t.Context(), host+"/library/eight")
	if err != nil {
		t.Fatal(err)
	}
	if f.Shape.WeightBytes() != onDisk.Shape.WeightBytes() || f.Shape.Layers != 8 || !f.Thinks || f.Bytes < onDisk.Bytes {
		t.Errorf("%+v, on disk %+v", f, onDisk)
	}
	if n := sent.Load(); n > onDisk.Bytes/10 || n == 0 {
		t.Errorf("%d of %d bytes were sent", n, onDisk.Bytes)
	}
}

// What goes wrong with a registry is said, and soon.
func TestRegistryTroubles(t *testing.T) {
	path := layoutFile(t, eight)
	host, _ := ollamatest.ServeFile(t, "eight", path, "", true)
	if _, err := (models.Registry{}).Head(t.Context(), host+"/library/nine"); !errors.Is(err, models.ErrNoTag) {
		t.Errorf("a model that is not there: %v", err)
	}
	whole, _ := ollamatest.ServeFile(t, "eight", path, "", false)
	if _, err := (models.Registry{}).Head(t.Context(), whole+"/library/eight"); err == nil || !strings.Contains(err.Error(), "gives no parts of a file") {
		t.Errorf("a server without ranges: %v", err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	begun := time.Now()
	_, err = models.Registry{Reach: time.Second / 4}.Head(t.Context(), "http://"+silent.Addr().String()+"/library/eight")
	if took := time.Since(begun); !errors.Is(err, models.ErrNoRegistry) || took > 5*time.Second {
		t.Errorf("a server that says nothing: %v, after %v", err, took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (models.Registry{}).Head(ctx, host+"/library/eight"); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
