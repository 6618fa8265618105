package ollamatest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perg/models"
)

// Lay lays a model NAME:TAG out in a folder as Ollama does, of files with some texts,
// the last of which is its config, and says its digest. No server can load it.
func Lay(tb testing.TB, folder models.Folder, name string, files ...string) (digest string) {
	tb.Helper()
	write := func(text string, path ...string) {
		at := filepath.Join(append([]string{string(folder)}, path...)...)
		err := os.MkdirAll(filepath.Dir(at), 0o755)
		if err == nil {
			err = os.WriteFile(at, []byte(text), 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	var blobs []models.Blob
	for _, text := range files {
		blobs = append(blobs, models.Blob{Digest: "sha256:" + Digest(text), Size: int64(len(text))})
		write(text, "blobs", "sha256-"+Digest(text))
	}
	last := len(blobs) - 1
	text, err := json.Marshal(map[string]any{"schemaVersion": 2, "config": blobs[last], "layers": blobs[:last]})
	if err != nil {
		tb.Fatal(err)
	}
	bare, tag, _ := strings.Cut(name, ":")
	write(string(text), "manifests", "registry.ollama.ai", "library", bare, tag)
	return Digest(string(text))
}

// Digest is the sha256 of a text, hex.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
