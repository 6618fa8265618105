package models

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/ollama/ollama/types/model"
)

// Store is the folder of the models of servers that perg starts; "" where it
// cannot be told.
func Store() string {
	if dir := os.Getenv("OLLAMA_MODELS"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".ollama", "models")
}

// Files are those of a model in a store, as its manifest lists them; none where
// its tag is another model's now.
func Files(store, name, digest string) []string {
	n := model.ParseName(name)
	if store == "" || !n.IsFullyQualified() {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(store, "manifests", n.Filepath()))
	if err != nil {
		return nil
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != strings.TrimPrefix(digest, "sha256:") {
		return nil
	}
	var manifest struct {
		Layers []struct {
			Digest string `json:"digest"`
		} `json:"layers"`
	}
	if json.Unmarshal(text, &manifest) != nil {
		return nil
	}
	var files []string
	for _, l := range manifest.Layers {
		files = append(files, filepath.Join(store, "blobs", filepath.Base(strings.Replace(l.Digest, ":", "-", 1))))
	}
	return files
}
