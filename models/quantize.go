package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ollama/ollama/api"
)

// Levels are the quantizations that Ollama makes itself (fs/ggml.ParseFileType
// of v0.17.4); others come ready-made.
func Levels() []string { return []string{"q8_0", "q4_K_M", "q4_K_S"} }

// ParseLevel reads the name of a quantization that Ollama can make.
func ParseLevel(name string) (string, error) {
	i := slices.IndexFunc(Levels(), func(l string) bool { return strings.EqualFold(l, name) })
	if i < 0 {
		return "", fmt.Errorf("quantization %q: Ollama makes %s from an F16 model; pull a tag of another level instead", name, strings.Join(Levels(), ", "))
	}
	return Levels()[i], nil
}

// made marks the tags of what Quantize makes: the level, and the source's
// digest, so that a source that was pulled anew is quantized anew.
var made = regexp.MustCompile(`-(?:q8_0|q4_K_M|q4_K_S)-perg-[0-9a-f]{12}$`)

// QuantizedName is the name that Quantize gives a level of a source.
func QuantizedName(source Installed, level string) string {
	return fmt.Sprintf("%s-%s-perg-%.12s", source.Name, level, source.Digest)
}

// Made says whether Quantize made a model.
func Made(name string) bool { return made.MatchString(name) }

// ErrNotF16: only F16 models are quantized.
var ErrNotF16 = errors.New("not an F16 model")

// LacksQuantizer says whether an ollama program stands beside a llama-server
// (v0.30 and later) that came without llama-quantize: such a one can neither
// quantize nor import.
func LacksQuantizer(program string) bool {
	if real, err := filepath.EvalSymlinks(program); err == nil {
		program = real
	}
	parts := filepath.Join(filepath.Dir(program), "..", "lib", "ollama")
	_, server := os.Stat(filepath.Join(parts, "llama-server"))
	_, quantizer := os.Stat(filepath.Join(parts, "llama-quantize"))
	return server == nil && errors.Is(quantizer, fs.ErrNotExist)
}

// Quantize makes a level of a source with Ollama's own create, locally, unless
// the catalogue has it already. progress is told of the bytes of the source
// that are done; it may be nil.
func (c *Client) Quantize(ctx context.Context, catalogue []Installed, source Installed, level string, progress func(done, total int64)) (Installed, error) {
	level, err := ParseLevel(level)
	if err != nil {
		return Installed{}, err
	}
	if source.Quantization != "F16" {
		return Installed{}, fmt.Errorf("quantize %s: %w, it is %s; pull its -fp16 tag", source.Name, ErrNotF16, source.Quantization)
	}
	name := QuantizedName(source, level)
	if m, ok := Find(catalogue, name); ok {
		return m, nil
	}
	fail := func(err error) (Installed, error) {
		return Installed{}, fmt.Errorf("quantize %s to %s: %w", source.Name, level, err)
	}
	request := api.CreateRequest{Model: name, From: source.Name, Quantize: level}
	// What broke is begun anew: the name exists only once all is made.
	if err := thrice.run(ctx, c, func() error { return c.create(ctx, request, progress) }); err != nil {
		return fail(err)
	}
	after, err := c.Catalogue(ctx)
	if err != nil {
		return fail(err)
	}
	m, ok := Find(after, name)
	switch {
	case !ok:
		return fail(fmt.Errorf("the server says it made %s, and does not list it", name))
	case !strings.EqualFold(m.Quantization, level):
		return fail(fmt.Errorf("the server made %s", m.Quantization))
	}
	return m, nil
}

// create follows one /api/create to its end.
func (c *Client) create(ctx context.Context, r api.CreateRequest, progress func(done, total int64)) error {
	return c.follow(ctx, "/api/create", r, func(p api.ProgressResponse) error {
		if progress != nil && p.Total > 0 {
			progress(p.Completed, p.Total)
		}
		return nil
	})
}

// Delete removes a model. Files that other models share stay.
func (c *Client) Delete(ctx context.Context, name string) error {
	var none struct{}
	err := c.ask(ctx, once, http.MethodDelete, "/api/delete", api.DeleteRequest{Model: name}, &none)
	if err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}
