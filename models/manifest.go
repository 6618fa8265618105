package models

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/ollama/ollama/types/model"
)

// A Manifest is what a store says of a model: which files it is made of.
type Manifest struct {
	Name   string // with its tag
	Digest string // sha256 of the text, hex
	Text   []byte
	Blobs  []Blob // each once
}

// A Blob is one file of a store.
type Blob struct {
	Digest string `json:"digest"` // sha256:hex
	Size   int64  `json:"size"`   // bytes
}

var blobDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// ParseManifest reads the manifest of a model, which has to have the digest. A name
// that is not whole, or files whose digests are none, are errors: they become paths.
func ParseManifest(name, digest string, text []byte) (Manifest, error) {
	m := Manifest{Name: name, Digest: strings.TrimPrefix(digest, "sha256:"), Text: text}
	if !model.ParseName(name).IsFullyQualified() {
		return m, fmt.Errorf("%q is no name of a model", name)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != m.Digest {
		return m, fmt.Errorf("the manifest of %s is that of another model than %.12s", name, m.Digest)
	}
	var parts struct {
		Config Blob   `json:"config"`
		Layers []Blob `json:"layers"`
	}
	if err := json.Unmarshal(text, &parts); err != nil {
		return m, fmt.Errorf("manifest of %s: %w", name, err)
	}
	seen := make(map[string]bool)
	for _, b := range append(parts.Layers, parts.Config) {
		if !blobDigest.MatchString(b.Digest) || b.Size < 0 {
			return m, fmt.Errorf("manifest of %s: %q of %d bytes is no file of a store", name, b.Digest, b.Size)
		}
		if !seen[b.Digest] {
			seen[b.Digest] = true
			m.Blobs = append(m.Blobs, b)
		}
	}
	return m, nil
}

// Size is that of the model's files, in bytes.
func (m Manifest) Size() (bytes int64) {
	for _, b := range m.Blobs {
		bytes += b.Size
	}
	return bytes
}
