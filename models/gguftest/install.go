package gguftest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/ollama/ollama/api"
)

// Install gives a server the chain under a name. Where the server has it
// under that name already, nothing is done.
func (c Chain) Install(ctx context.Context, client *api.Client, name string) error {
	f, err := os.CreateTemp("", "*.gguf")
	if err != nil {
		return fmt.Errorf("install %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := c.WriteGGUF(f); err != nil {
		return fmt.Errorf("install %s: %w", name, err)
	}
	return install(ctx, client, f, api.CreateRequest{Model: name, Template: c.Template, Parser: c.Parser, Parameters: map[string]any{"num_thread": 1}})
}

// InstallFile gives a server the model of a GGUF file under a name, with some
// parameters; nil for none. Template and stop words are those that the server
// makes of the file's own. Where the server has the file under that name
// already, nothing is done.
func InstallFile(ctx context.Context, client *api.Client, name, path string, parameters map[string]any) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("install %s: %w", name, err)
	}
	defer f.Close()
	return install(ctx, client, f, api.CreateRequest{Model: name, Parameters: parameters})
}

func install(ctx context.Context, client *api.Client, f *os.File, r api.CreateRequest) error {
	digest, err := digestOf(f)
	if err != nil {
		return fmt.Errorf("install %s: %w", r.Model, err)
	}

	show, err := client.Show(ctx, &api.ShowRequest{Model: r.Model})
	if status, ok := errors.AsType[api.StatusError](err); ok && status.StatusCode == http.StatusNotFound {
		show, err = &api.ShowResponse{}, nil
	}
	if err != nil {
		return fmt.Errorf("install %s: ask whether it is there: %w", r.Model, err)
	}
	// The Modelfile names the file of the weights by their digest.
	if strings.Contains(show.Modelfile, strings.Replace(digest, ":", "-", 1)) && (r.Template == "" || show.Template == r.Template) {
		return nil
	}

	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("install %s: %w", r.Model, err)
	}
	if err := client.CreateBlob(ctx, digest, f); err != nil {
		return fmt.Errorf("install %s: upload the weights: %w", r.Model, err)
	}
	return create(ctx, client, digest, r)
}

// create has a server make a model of weights that are in its store.
func create(ctx context.Context, client *api.Client, digest string, r api.CreateRequest) error {
	r.Files = map[string]string{"model.gguf": digest}
	if err := client.Create(ctx, &r, func(api.ProgressResponse) error { return nil }); err != nil {
		return fmt.Errorf("install %s: create it: %w", r.Model, err)
	}
	return nil
}

// digestOf is the name of a file in a model store, by its bytes.
func digestOf(f *os.File) (string, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)), nil
}
