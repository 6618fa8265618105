// Package models drives Ollama: the guarded chat call, the catalogue of
// installed variants, loading and unloading, counting tokens, memory, and a
// managed server process. It knows nothing of PERG.
package models

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// dialTimeout is for a machine that is switched off, or a firewall that drops:
// nothing refuses the connection there, and the system would try for minutes.
const dialTimeout = 5 * time.Second

// A Client speaks to one Ollama server. It may be used from many goroutines.
//
// All its calls wait for a server that is away, within Patience; what reached
// the server and broke is the caller's to judge, but for the calls that
// prepare a run, which are made again (see policy).
//
// It sends api's types over a transport of its own: api.Client takes an 8 MB
// buffer for every chat call, reports a response cut before its end as
// success, and keeps two idle connections however many calls are in flight.
type Client struct {
	base *url.URL
	http *http.Client

	// Header is sent with every request, and shown nowhere; see [Headers].
	Header http.Header

	// CallTimeout bounds one attempt of one call; zero means 30 minutes. A
	// 70B model half on the CPU needs minutes for a long answer.
	CallTimeout time.Duration
	// Patience bounds how long a call waits for a server that is away, from
	// when it is first seen to be; zero means 2 minutes.
	Patience time.Duration
	// Report is told when the server goes away and when it is back; may be
	// nil. It may be called from many goroutines.
	Report func(string)
	// Gone is closed when the server will not come back, which ends all
	// waiting for it; nil where that is never known. See [Server.Gone].
	Gone <-chan struct{}

	pulse pulse
	count tokenizers
	away  atomic.Bool // the server did not answer, and that was reported
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
	transport.DialContext = (&net.Dialer{
		Timeout: dialTimeout,
		// A machine that is switched off in the middle of a call is noticed
		// after 75 s; an answer may take half an hour.
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4},
	}).DialContext
	// A server on this machine or network is never reached through a proxy.
	transport.Proxy = nil
	c := &Client{base: base}
	c.http = &http.Client{Transport: transport, CheckRedirect: c.redirected}
	return c, nil
}

// ClientOver makes the client of a server that is reached by a transport alone, on
// the machine of a name.
func ClientOver(name string, transport http.RoundTripper) *Client {
	return &Client{base: &url.URL{Scheme: "http", Host: name}, http: &http.Client{Transport: transport}}
}

// Host is the server's URL, without the credentials that it was given with: it
// is written into logs, tables and pages.
func (c *Client) Host() string {
	u := *c.base
	u.User = nil
	return u.String()
}

// Local says whether the server is on this machine.
func (c *Client) Local() bool {
	host := c.base.Hostname()
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

// Version asks the server for its version. It answers at once: an error means
// that no Ollama server is there now (ErrUnreachable), that something else is
// (ErrNotOllama), that it lets nobody in (ErrDenied), or that no secure connection
// can be made (ErrTLS).
func (c *Client) Version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var v struct {
		Version string `json:"version"`
	}
	err := c.do(ctx, http.MethodGet, "/api/version", nil, &v)
	var away *absence
	switch {
	case err == nil && v.Version != "":
		return v.Version, nil
	case errors.Is(err, context.Canceled), errors.Is(err, ErrDenied), errors.Is(err, ErrTLS):
		return "", err
	case errors.As(err, &away) && away.insecure != "":
		return "", fmt.Errorf("%w to %s: %s", ErrTLS, c.Host(), away.insecure)
	case errors.As(err, &away) && away.kind != ErrNotOllama:
		return "", fmt.Errorf("%w: %s: %s", ErrUnreachable, c.Host(), away.cause)
	case errors.Is(err, ErrTimeout), errors.Is(err, ErrCut):
		return "", fmt.Errorf("%w: %s does not answer", ErrUnreachable, c.Host())
	case away != nil:
		return "", fmt.Errorf("%w: %s answers, but not to /api/version: %s", ErrNotOllama, c.Host(), away.cause)
	default:
		return "", fmt.Errorf("%w: %s answers, but not to /api/version", ErrNotOllama, c.Host())
	}
}
