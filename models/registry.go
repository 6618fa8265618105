package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ollama/ollama/types/model"
)

// A Registry serves models, as Ollama's does, without a copy of them: the head
// of a file says all that a plan needs. Its zero value is ready to use.
type Registry struct {
	// Reach is how long the registry is waited for; 0: five seconds. Reading
	// from one that answers may take twelve times as long.
	Reach time.Duration
}

const (
	// headChunk is what one request asks of a file, headMost what is read of it
	// in all: heads of the largest vocabularies have some 15 MB.
	headChunk, headMost = 4 << 20, 128 << 20
	manifestMost        = 1 << 20
	manifestType        = "application/vnd.docker.distribution.manifest.v2+json"
)

// Errors of a registry.
var (
	ErrNoRegistry = errors.New("the registry cannot be reached")
	ErrNoTag      = errors.New("the registry has no such model")
)

// manifest is the list of what a tag is made of.
type manifest struct{ Layers []layer }

type layer struct {
	MediaType, Digest string
	Size              int64
}

// Head reads what a tag is, which may name its registry as for ollama pull
// ("hf.co/user/model:Q4_K_M"), from its manifest and the head of its GGUF.
// Errors are ErrNoRegistry and ErrNoTag, or say what is wrong with an answer.
func (r Registry) Head(ctx context.Context, tag string) (File, error) {
	name := model.ParseName(tag)
	if !name.IsValid() {
		return File{}, fmt.Errorf("%q is not the name of a model", tag)
	}
	reach := r.Reach
	if reach == 0 {
		reach = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, 12*reach)
	defer cancel()
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: reach}).DialContext,
		TLSHandshakeTimeout: reach, ResponseHeaderTimeout: reach,
	}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	root := name.BaseURL().JoinPath("v2", name.Namespace, name.Model)
	var m manifest
	if err := getJSON(ctx, c, root.JoinPath("manifests", name.Tag).String(), &m); err != nil {
		return File{}, fmt.Errorf("%s at %s: %w", tag, name.Host, err)
	}
	f, err := readLayers(ctx, c, root, m)
	if err != nil {
		return f, fmt.Errorf("%s at %s: %w", tag, name.Host, err)
	}
	return f, nil
}

// readLayers puts together what a manifest lists.
func readLayers(ctx context.Context, c *http.Client, root *url.URL, m manifest) (f File, err error) {
	var all, projector int64
	var weights layer
	thinks := false
	for _, l := range m.Layers {
		all += l.Size
		switch strings.TrimPrefix(l.MediaType, "application/vnd.ollama.image.") {
		case "model":
			if weights.Digest != "" {
				return f, errors.New("its weights are several files, which a plan cannot add up")
			}
			weights = l
		case "projector":
			projector += l.Size
		case "template":
			text, err := getAll(ctx, c, root.JoinPath("blobs", l.Digest).String())
			if err != nil {
				return f, err
			}
			thinks = thinksBy(string(text))
		}
	}
	if weights.Digest == "" {
		return f, errors.New("it has no GGUF: its weights are of another kind, or run in the cloud")
	}
	blob := &remote{ctx: ctx, client: c, url: root.JoinPath("blobs", weights.Digest).String(), size: weights.Size}
	defer blob.Close()
	if f, err = ReadGGUF(blob, weights.Size); err != nil {
		if blob.err != nil {
			err = blob.err // why it ended
		}
		return f, err
	}
	f.Bytes, f.Thinks, f.Sees = all, f.Thinks || thinks, f.Sees || projector > 0
	f.Shape.OutputBytes += uint64(projector)
	return f, nil
}

func getJSON(ctx context.Context, c *http.Client, address string, to any) error {
	text, err := getAll(ctx, c, address)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("what %s says is no manifest: %w", address, err)
	}
	return nil
}

func getAll(ctx context.Context, c *http.Client, address string) ([]byte, error) {
	body, err := get(ctx, c, address, "")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, manifestMost))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoRegistry, err)
	}
	return text, nil
}

// get asks for a part of what is at an address, "bytes=0-99", or for all of it.
func get(ctx context.Context, c *http.Client, address, part string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", manifestType+", */*")
	want := http.StatusOK
	if part != "" {
		r.Header.Set("Range", part)
		want = http.StatusPartialContent
	}
	answer, err := c.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoRegistry, err)
	}
	if answer.StatusCode == want {
		return answer.Body, nil
	}
	answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return nil, ErrNoTag
	case answer.StatusCode == http.StatusOK:
		return nil, fmt.Errorf("%s gives no parts of a file, and the whole is not downloaded for a plan", r.URL.Host)
	default:
		return nil, fmt.Errorf("%s says %s", r.URL.Host, answer.Status)
	}
}

// A remote file is read where it is, from an offset on, in chunks.
type remote struct {
	ctx    context.Context
	client *http.Client
	url    string
	size   int64

	at   int64
	body io.ReadCloser // from at on; nil: none is open
	left int64         // bytes of it
	read int64         // of all
	err  error         // the first
}

func (r *remote) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.at >= r.size {
		return 0, io.EOF
	}
	if r.body == nil {
		if r.read > headMost {
			r.err = fmt.Errorf("its head is longer than %d MiB", headMost>>20)
			return 0, r.err
		}
		end := min(r.at+headChunk, r.size)
		if r.body, r.err = get(r.ctx, r.client, r.url, fmt.Sprintf("bytes=%d-%d", r.at, end-1)); r.err != nil {
			r.body = nil
			return 0, r.err
		}
		r.left = end - r.at
	}
	n, err := r.body.Read(p[:min(int64(len(p)), r.left)])
	r.at, r.left, r.read = r.at+int64(n), r.left-int64(n), r.read+int64(n)
	switch {
	case r.left == 0:
		r.Close()
	case errors.Is(err, io.EOF):
		r.err = fmt.Errorf("%w: a part of the file ends early", ErrNoRegistry)
	case err != nil:
		r.err = fmt.Errorf("%w: %w", ErrNoRegistry, err)
	}
	return n, r.err
}

func (r *remote) Seek(offset int64, whence int) (int64, error) {
	to := offset
	switch whence {
	case io.SeekCurrent:
		to += r.at
	case io.SeekEnd:
		to += r.size
	}
	if to < 0 {
		return r.at, errors.New("seek before the beginning")
	}
	if to != r.at {
		r.Close()
		r.at = to
	}
	return to, nil
}

func (r *remote) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}
