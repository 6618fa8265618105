// Package models drives Ollama: the guarded chat call, the catalogue of
// installed variants, loading and unloading, a managed server process, and a
// builder of small real models. It knows nothing of PERG.
package models

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ollama/ollama/api"
)

// DefaultHost is where Ollama listens unless OLLAMA_HOST says otherwise.
const DefaultHost = "http://127.0.0.1:11434"

// maxBody bounds one response; the largest answer a model can give in a
// context of a million tokens is far below it.
const maxBody = 64 << 20

// A Client speaks to one Ollama server. It may be used from many goroutines.
//
// It sends api's types over a transport of its own: api.Client takes an 8 MB
// buffer for every chat call, reports a response cut before its end as
// success, and keeps two idle connections however many calls are in flight.
type Client struct {
	base *url.URL
	http *http.Client

	// CallTimeout bounds one attempt of one call; zero means 30 minutes. A
	// 70B model half on the CPU needs minutes for a long answer.
	CallTimeout time.Duration
	// Patience bounds how long a call waits for a server that is busy or
	// that went away; zero means 2 minutes.
	Patience time.Duration
	// Report is told when the server goes away and when it is back; may be
	// nil. It may be called from many goroutines.
	Report func(string)

	away atomic.Bool // the server did not answer, and that was reported
}

// NewClient makes a client for the server at host: a URL, or a host name or
// address with an optional port as OLLAMA_HOST takes it.
func NewClient(host string) (*Client, error) {
	base, err := ParseHost(host)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = 256
	// A server on this machine or network is never reached through a proxy.
	transport.Proxy = nil
	return &Client{base: base, http: &http.Client{Transport: transport}}, nil
}

// ParseHost reads a server address in the forms OLLAMA_HOST takes.
func ParseHost(host string) (*url.URL, error) {
	bad := func(why string) error {
		return fmt.Errorf("host %q: %s; write it as http://127.0.0.1:11434", host, why)
	}
	text := strings.TrimSpace(host)
	if text == "" {
		return nil, bad("empty")
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, bad("not an address")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, bad("scheme " + u.Scheme + " is not http or https")
	}
	if u.Hostname() == "" {
		return nil, bad("no host name")
	}
	if u.Port() == "" && u.Scheme == "http" {
		u.Host = net.JoinHostPort(u.Hostname(), "11434")
	}
	if u.Hostname() == "0.0.0.0" {
		// OLLAMA_HOST of a server that listens everywhere.
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// Host is the server's URL.
func (c *Client) Host() string { return c.base.String() }

// Local says whether the server is on this machine.
func (c *Client) Local() bool {
	host := c.base.Hostname()
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

// API is a plain api.Client for the same server, for the calls that are not
// on the hot path.
func (c *Client) API() *api.Client { return api.NewClient(c.base, c.http) }

// Version asks the server for its version. It answers at once: an error means
// that no Ollama server is there (ErrUnreachable, ErrNotOllama).
func (c *Client) Version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var v struct {
		Version string `json:"version"`
	}
	err := c.do(ctx, http.MethodGet, "/api/version", nil, &v)
	switch {
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrCut):
		return "", fmt.Errorf("%w: %s does not answer", ErrUnreachable, c.Host())
	case errors.Is(err, ErrUnreachable):
		return "", err
	case err != nil || v.Version == "":
		return "", fmt.Errorf("%w: %s answers, but not to /api/version", ErrNotOllama, c.Host())
	}
	return v.Version, nil
}

// do sends one request and decodes one JSON answer. Its errors match the
// sentinels.
func (c *Client) do(ctx context.Context, method, path string, body, answer any) error {
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode request for %s: %w", path, err)
		}
		payload = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), payload)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return c.transportError(ctx, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return c.transportError(ctx, err)
	}
	if len(text) > maxBody {
		return fmt.Errorf("%s%s: response of more than %d MiB", c.Host(), path, maxBody>>20)
	}
	if resp.StatusCode >= 400 {
		return serverError(resp.StatusCode, errorText(text))
	}
	// A stream that was not asked for, or a proxy's: the last line decides,
	// and an error line anywhere in it is an error.
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(`"error"`)) {
			continue
		}
		var e struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(line, &e) == nil && e.Error != "" {
			return serverError(resp.StatusCode, e.Error)
		}
	}
	if len(text) == 0 && method == http.MethodDelete {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		kind := ErrNotOllama
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) && syntax.Offset == int64(len(text)) {
			kind = ErrCut
		}
		return fmt.Errorf("%w: answer of %s%s: %w", kind, c.Host(), path, err)
	}
	return nil
}

// errorText takes the message out of {"error": "..."}, or the body as it is.
func errorText(body []byte) string {
	var e api.StatusError
	if json.Unmarshal(body, &e) == nil && e.ErrorMessage != "" {
		return e.ErrorMessage
	}
	const enough = 500
	if len(body) > enough {
		return string(body[:enough]) + " ..."
	}
	return string(body)
}

// transportError names what went wrong below HTTP.
func (c *Client) transportError(ctx context.Context, err error) error {
	var op *net.OpError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %s", ErrTimeout, c.Host())
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("%w: %s: %w", ErrUnreachable, c.Host(), op.Err)
	default:
		return fmt.Errorf("%w: %s: %w", ErrCut, c.Host(), err)
	}
}
