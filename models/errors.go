package models

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// The ways a call to an Ollama server fails. Every error of a [Client] matches
// at most one of them with errors.Is.
var (
	// ErrUnreachable: nothing answers at the address, or stopped answering
	// and did not come back within the client's patience.
	ErrUnreachable = errors.New("server not reachable")
	// ErrDenied: the server, or what stands before it, refuses the caller
	// (HTTP 401, 403).
	ErrDenied = errors.New("access denied")
	// ErrCut: the connection ended before the response was whole.
	ErrCut = errors.New("connection cut")
	// ErrIncomplete: a whole response that says it is not done. Ollama ends a
	// stream so when a model repeats one chunk more than 30 times, or when its
	// runner goes away quietly.
	ErrIncomplete = errors.New("response without its final message")
	// ErrContextOverflow: the prompt is longer than num_ctx.
	ErrContextOverflow = errors.New("prompt longer than the context")
	// ErrModelNotFound: the server has no model of that name.
	ErrModelNotFound = errors.New("model not found")
	// ErrBusy: the server's queue is full (HTTP 503), which happens only
	// while a load is pending.
	ErrBusy = errors.New("server busy")
	// ErrRunner: the process that runs the model died. The next request
	// makes the server start another.
	ErrRunner = errors.New("model runner crashed")
	// ErrMemory: the model did not fit the memory there is.
	ErrMemory = errors.New("model does not fit in memory")
	// ErrTimeout: no response within the client's limit for one call.
	ErrTimeout = errors.New("call timed out")
	// ErrNotOllama: something answers at the address that is not Ollama.
	ErrNotOllama = errors.New("not an Ollama server")
)

var sentinels = []error{
	ErrUnreachable, ErrDenied, ErrCut, ErrIncomplete, ErrContextOverflow, ErrModelNotFound,
	ErrBusy, ErrRunner, ErrMemory, ErrTimeout, ErrNotOllama,
}

// Reason is the short name under which failed calls are counted together:
// the text of the sentinel the error matches, "interrupted" for a cancelled
// call, "server error" for any other.
func Reason(err error) string {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return s.Error()
		}
	}
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return "server error"
}

// A ServerError is an error that the server itself stated.
type ServerError struct {
	Status  int    // HTTP status; 200 where the error came inside a success
	Message string // as the server put it
	kind    error
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("server said: %s (HTTP %d)", e.Message, e.Status)
}

// Unwrap gives the sentinel that the message stands for, if any.
func (e *ServerError) Unwrap() error { return e.kind }

// serverError is the one place that reads meaning out of Ollama's messages:
// its API has no error codes. Texts of v0.17.4's own runners and of
// llama-server, which later releases run, stand side by side.
func serverError(status int, message string) *ServerError {
	e := &ServerError{Status: status, Message: strings.TrimSpace(message)}
	says := func(parts ...string) bool {
		lower := strings.ToLower(message)
		for _, p := range parts {
			if strings.Contains(lower, p) {
				return true
			}
		}
		return false
	}
	switch {
	case says("exceeds the context length", "exceeds the available context", "exceed_context_size", "context length exceeded"):
		e.kind = ErrContextOverflow
	case status == http.StatusServiceUnavailable:
		e.kind = ErrBusy
	case status == http.StatusNotFound && says("model"), says("try pulling it first"):
		e.kind = ErrModelNotFound
	case says("requires more system memory", "out of memory", "unable to allocate", "cannot be fully offloaded", "memory layout cannot be allocated"):
		e.kind = ErrMemory
	case says("runner has unexpectedly stopped", "error was encountered while running the model",
		"runner process has terminated", "runner process no longer running", "unexpected server status",
		"error reading llm response", "connection refused", "connection reset", "eof"):
		e.kind = ErrRunner
	}
	return e
}
