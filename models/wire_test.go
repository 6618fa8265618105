package models

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A wire plays the network and the server behind it, inside a bubble of
// synctest: what a request comes to.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

// on makes a client of a wire.
func on(t *testing.T, w wire) *Client {
	t.Helper()
	c, err := NewClient("gpubox")
	if err != nil {
		t.Fatal(err)
	}
	c.http = &http.Client{Transport: w}
	return c
}

// inTurn answers with one wire after another, the last one again and again.
// count is how many requests there were.
func inTurn(steps ...wire) (w wire, count func() int) {
	var mu sync.Mutex
	n := 0
	return func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			step := steps[min(n, len(steps)-1)]
			n++
			mu.Unlock()
			return step(r)
		}, func() int {
			mu.Lock()
			defer mu.Unlock()
			return n
		}
}

// reached is a request that has a connection, which was idle for so long, and
// is written.
func reached(r *http.Request, idle time.Duration) {
	trace := httptrace.ContextClientTrace(r.Context())
	trace.GotConn(httptrace.GotConnInfo{Reused: idle > 0, WasIdle: idle > 0, IdleTime: idle})
	trace.WroteRequest(httptrace.WroteRequestInfo{})
}

// says answers with a body, and headers by name and value.
func says(status int, body string, header ...string) wire {
	return func(r *http.Request) (*http.Response, error) {
		reached(r, 0)
		h := make(http.Header)
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

// page is what a proxy says by itself.
func page(status int, title string, header ...string) wire {
	return says(status, "<html>\r\n<head><title>"+title+"</title></head>\r\n<body>"+strings.Repeat("<hr>", 10_000)+"</body></html>", header...)
}

// fails ends before a connection is had.
func fails(err error) wire {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

var refused = fails(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connect: connection refused")})

// breaks ends so long after the request is written, on a connection that was
// idle before.
func breaks(err error, idle, after time.Duration) wire {
	return func(r *http.Request) (*http.Response, error) {
		reached(r, idle)
		time.Sleep(after)
		return nil, err
	}
}

var (
	readReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	reset     = breaks(readReset, 0, 0)
)

// silent takes a request and never answers.
func silent(r *http.Request) (*http.Response, error) {
	reached(r, 0)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// deafDial never gets a connection.
func deafDial(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

var crashed = says(500, `{"error":"llama-server process no longer running: unknown"}`)

const question = "What is the capital of France?"

func asks(ctx context.Context, c *Client) error {
	_, err := c.Chat(ctx, Request{Model: "m", User: question, Options: Options{NumCtx: 2048, NumPredict: 10}})
	return err
}

// byPath sends each path of the API to a wire of its own.
func byPath(wires map[string]wire) wire {
	return func(r *http.Request) (*http.Response, error) { return wires[r.URL.Path](r) }
}
