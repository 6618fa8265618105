package models

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The ways a call to an Ollama server fails. Every error of a [Client] matches
// at most one of them with errors.Is.
var (
	// ErrUnreachable: nothing answers at the address, or only a proxy that
	// does not reach the server; it did not come back within the client's
	// patience, or never will.
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
	// ErrUnloaded: a whole response that no model gave (done_reason load or
	// unload): the server put it in memory or out of it, as for a call without
	// messages.
	ErrUnloaded = errors.New("model loaded or unloaded, not asked")
	// ErrContextOverflow: the prompt is longer than num_ctx.
	ErrContextOverflow = errors.New("prompt longer than the context")
	// ErrModelNotFound: the server has no model of that name.
	ErrModelNotFound = errors.New("model not found")
	// ErrBusy: the server's queue is full (HTTP 503), which happens only while
	// a load is pending, or a proxy lets no more through (429). Every call
	// waits for it, so none returns it.
	ErrBusy = errors.New("server busy")
	// ErrRunner: the process that runs the model died. The next request
	// makes the server start another.
	ErrRunner = errors.New("model runner crashed")
	// ErrMemory: the model did not fit the memory there is.
	ErrMemory = errors.New("model does not fit in memory")
	// ErrTimeout: no response within the client's limit for one request, or
	// no progress of a load within the server's own (OLLAMA_LOAD_TIMEOUT, 5
	// minutes).
	ErrTimeout = errors.New("call timed out")
	// ErrNoQuantizer: the server was installed without llama-quantize, which from
	// v0.30 on makes quantizations, and imports.
	ErrNoQuantizer = errors.New("server without llama-quantize")
	// ErrNotOllama: something answers at the address that is not Ollama. Only
	// Version returns it: the other calls wait for what may be a proxy whose
	// server is away.
	ErrNotOllama = errors.New("not an Ollama server")
)

var sentinels = []error{
	ErrUnreachable, ErrDenied, ErrCut, ErrIncomplete, ErrContextOverflow, ErrModelNotFound,
	ErrBusy, ErrRunner, ErrMemory, ErrTimeout, ErrNoQuantizer, ErrNotOllama, ErrTLS, ErrUnloaded,
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

// meanings are what Ollama's messages stand for, the first that matches: its
// API has no error codes. v0.17 to v0.25 have runners of their own ("llama
// runner", for both engines), releases from v0.30 run llama-server, and MLX on
// Apple's machines. Lower case; the versions are those that a text was read in.
var meanings = []struct {
	kind  error
	texts []string
}{
	{ErrContextOverflow, []string{
		"exceeds the context length",                       // both engines, v0.17.4 to v0.33.0
		"longer than the context length",                   // v0.30.0 and later, before the prompt is sent on
		"exceeds the available context",                    // llama-server: "... size, try increasing it"
		"exceed_context_size",                              // its type of error
		"context size has been exceeded",                   // llama-server, while it answers
		"exceeds the model's maximum context length",       // MLX
		"context length exceeded", "max context length by", // before v0.17
	}},
	{ErrMemory, []string{
		"requires more system memory",           // v0.17.4 to v0.24.0
		"memory layout cannot be allocated",     // v0.17.4 to v0.24.0
		"unable to load full model on gpu",      // v0.17.4 and later
		"failed to commit memory",               // v0.17.4 to v0.24.0
		"cannot be fully offloaded",             //
		"out-of-memory",                         // v0.30.0: "llama-server reported out-of-memory during startup"
		"unable to allocate",                    // llama.cpp: "unable to allocate CUDA0 buffer"
		"out of memory", "out of device memory", // the rest is what v0.30.0 itself looks for (llm/status.go)
		"outofdevicememory", "cudamalloc failed", "hipmalloc failed", "failed to allocate",
		"allocation failed", "not enough memory", "insufficient memory",
	}},
	{ErrNoQuantizer, []string{"llama-quantize unavailable"}}, // v0.30.0 and later
	{ErrModelNotFound, []string{"try pulling it first"}},
	{ErrTimeout, []string{
		"timed out waiting for llama", // "llama runner to start", v0.17.4; "llama-server to start", v0.30.0
		"timeout waiting for mlx runner",
	}},
	// A model that this version cannot read is not one that crashes.
	{nil, []string{"incompatible with your version of ollama", "error loading model"}},
	{ErrRunner, []string{
		"runner has unexpectedly stopped",               // v0.17.4 and later
		"error was encountered while running the model", // v0.17.4 and later
		"runner process has terminated",                 // v0.17.4 to v0.24.0: "llama runner process has terminated: signal: killed"
		"runner process no longer running",              // v0.17.4 to v0.24.0
		"llama-server process has terminated",           // v0.30.0 and later
		"llama-server process no longer running",        // v0.30.0 and later: "... running: unknown"
		"model failed to load, this may be",             // v0.17.4 to v0.24.0: the runner died while it loaded
		"error reading llm response",                    // v0.17.4 to v0.24.0
		"failed reading llm error response",             // v0.17.4 to v0.24.0
		"error reading llama-server",                    // v0.30.0 and later, of a completion and of a chat
		"failed reading llama-server",                   // v0.30.0 and later
		"unexpected server status",                      // all: its health was asked and was bad
		"mlx runner failed", "mlx runner exited",        // MLX
		"connection refused", "connection reset", "broken pipe", ": eof", "unexpected eof", // the server's own call to its runner
	}},
}

// serverError is the one place that reads meaning out of Ollama's messages.
func serverError(status int, message string) *ServerError {
	e := &ServerError{Status: status, Message: strings.TrimSpace(message)}
	lower := strings.ToLower(e.Message)
	if status == http.StatusNotFound && strings.Contains(lower, "model") {
		e.kind = ErrModelNotFound
		return e
	}
	for _, m := range meanings {
		if slices.ContainsFunc(m.texts, func(text string) bool { return strings.Contains(lower, text) }) {
			e.kind = m.kind
			return e
		}
	}
	return e
}
