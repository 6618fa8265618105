package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/fs/ggml"
)

// A File is what the head of a GGUF file says of the model in it.
type File struct {
	Shape  Shape
	Bytes  int64 // that there are to download; of a file on disk, its size
	Thinks bool  // by its template
	Sees   bool  // images
}

// most is how long the arrays of a GGUF are that are kept: head counts by layer,
// and not the vocabulary.
const most = 1024

// ReadGGUF reads the head of a GGUF file, of so many bytes: the metadata and the
// list of tensors, but no weights.
func ReadGGUF(r io.ReadSeeker, size int64) (f File, err error) {
	defer func() { // of lengths that no memory holds, in a damaged file
		if damage := recover(); damage != nil {
			err = fmt.Errorf("not a whole GGUF file: %v", damage)
		}
	}()
	head, err := ggml.Decode(r, most)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return f, errors.New("not a whole GGUF file: it ends in its head")
	case err != nil:
		return f, fmt.Errorf("not a whole GGUF file: %w", err)
	}
	kv := head.KV()
	if parts := kv.Uint("split.count"); parts > 1 {
		return f, fmt.Errorf("one of %d parts of a model; a plan needs one whole file (llama-gguf-split --merge makes it)", parts)
	}
	show := api.ShowResponse{Details: api.ModelDetails{QuantizationLevel: kv.FileType().String()}}
	text, err := json.Marshal(kv)
	if err != nil {
		return f, fmt.Errorf("metadata of a GGUF file: %w", err)
	}
	if err := json.Unmarshal(text, &show.ModelInfo); err != nil { // numbers as a server shows them
		return f, fmt.Errorf("metadata of a GGUF file: %w", err)
	}
	for _, t := range head.Tensors().Items() {
		show.Tensors = append(show.Tensors, api.Tensor{Name: t.Name, Type: t.Type(), Shape: t.Shape})
	}
	whole := false
	if f.Shape, whole, err = shapeOf(show); err == nil && !whole {
		err = errors.New("it does not say its attention heads")
	}
	f.Bytes, f.Thinks = size, thinksBy(kv.ChatTemplate())
	f.Sees = kv.Uint("vision.block_count") > 0
	return f, err
}

// ReadGGUFFile reads the head of a GGUF file on disk.
func ReadGGUFFile(path string) (File, error) {
	r, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return File{}, err
	}
	f, err := ReadGGUF(r, info.Size())
	if err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// thinksBy says whether a chat template, of Ollama's or of the model's own, has
// a place for thoughts.
func thinksBy(template string) bool {
	return slices.ContainsFunc([]string{".Thinking", ".IsThinkSet", "enable_thinking", "<think>", "reasoning_content"}, func(mark string) bool { return strings.Contains(template, mark) })
}
