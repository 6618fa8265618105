package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/types/model"
)

// An Installed is one model in a server's store: one tag, one digest.
// Texts are as Ollama reports them, empty where it does not say.
type Installed struct {
	Name          string // with its tag
	Digest        string // sha256 of the manifest, hex
	Size          int64  // bytes on disk
	Family        string // "llama"
	ParameterSize string // "8.0B"
	Quantization  string // "Q4_K_M"
	ModifiedAt    time.Time
	// Remote is where the model really runs; "": here. What the server keeps of
	// such a model is a reference, whose digest and size say nothing of it.
	Remote string `json:"remote,omitempty"`
}

// Embeds says whether a model is known by its family or name to make embeddings
// alone. Others may; their Details say so.
func (m Installed) Embeds() bool {
	return strings.Contains(m.Family, "bert") || strings.Contains(strings.ToLower(m.Name), "embed")
}

// Candidates are the models of a catalogue that can be asked and measured here.
func Candidates(catalogue []Installed) []Installed {
	return slices.DeleteFunc(slices.Clone(catalogue), func(m Installed) bool { return m.Remote != "" || m.Embeds() })
}

// Catalogue lists the models that the server has, by name.
func (c *Client) Catalogue(ctx context.Context) ([]Installed, error) {
	var list api.ListResponse
	if err := c.ask(ctx, thrice, http.MethodGet, "/api/tags", nil, &list); err != nil {
		return nil, fmt.Errorf("list the models of %s: %w", c.Host(), err)
	}
	var all []Installed
	for _, m := range list.Models {
		remote := m.RemoteHost
		if remote == "" && (strings.HasSuffix(m.Name, "-cloud") || strings.HasSuffix(m.Name, ":cloud")) && m.Size < 1<<20 {
			remote = "the cloud"
		}
		one := Installed{
			Name: m.Name, Digest: m.Digest, Size: m.Size, ModifiedAt: m.ModifiedAt,
			Family: m.Details.Family, ParameterSize: m.Details.ParameterSize, Quantization: m.Details.QuantizationLevel,
			Remote: remote,
		}
		if remote != "" {
			one.Digest, one.Size = "", 0
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Installed) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Find is the model of a catalogue that Ollama would take a name for: the
// tag defaults to latest and case does not count. A digest is a name too, with
// or without sha256: or NAME@ before it, from 12 digits on.
func Find(catalogue []Installed, name string) (Installed, bool) {
	i := slices.IndexFunc(catalogue, func(m Installed) bool { return sameModel(m.Name, name) })
	if digits := digest.FindStringSubmatch(name); i < 0 && digits != nil {
		i = slices.IndexFunc(catalogue, func(m Installed) bool { return strings.HasPrefix(m.Digest, strings.ToLower(digits[1])) })
	}
	if i < 0 {
		return Installed{}, false
	}
	return catalogue[i], true
}

// IsDigest says whether a name is a digest.
func IsDigest(name string) bool { return digest.MatchString(name) }

var digest = regexp.MustCompile(`^(?:[^@]*@)?(?:sha256[:-])?([0-9a-fA-F]{12,64})$`)

func sameModel(a, b string) bool {
	return model.ParseName(a).EqualFold(model.ParseName(b))
}

// tokenizerOf leaves out what quantizing changes, so that the quantizations of
// a model share their token counts. The vocabulary itself comes back only in
// a verbose answer of megabytes; models whose base name, size and special
// tokens are the same are taken to share it.
func tokenizerOf(show api.ShowResponse) (string, error) {
	known := map[string]any{"template": show.Template, "system": show.System, "parser": show.Parser, "renderer": show.Renderer}
	for key, value := range show.ModelInfo {
		switch {
		case strings.HasPrefix(key, "tokenizer."), key == "general.architecture", key == "general.basename",
			key == "general.parameter_count", key == "general.finetune", key == "general.name":
			known[key] = value
		}
	}
	text, err := json.Marshal(known)
	if err != nil {
		return "", fmt.Errorf("tokenizer of a model: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
