package models

import (
	"errors"
	"testing"
)

// Texts of Ollama's servers and what they mean, with the version that a text was
// read in: of its source (llm, server, runner and x/mlxrunner), or on its wire.
func TestWhatOllamaSays(t *testing.T) {
	for _, tt := range []struct {
		version string
		status  int
		says    string
		means   error // nil: nothing known
	}{
		// A runner that died, was killed, or does not answer.
		{"v0.17.4", 500, "llama runner process has terminated: signal: killed", ErrRunner},
		{"v0.17.4", 500, "llama runner process has terminated: exit status 2", ErrRunner},
		{"v0.17.4", 500, "llama runner process has terminated: GGML_ASSERT(tensor->op == GGML_OP_UNARY) failed", ErrRunner},
		{"v0.17.4", 500, "llama runner process no longer running: -1 ", ErrRunner},
		{"v0.17.4", 500, "llama runner process no longer running: 2 CUDA error: an illegal memory access was encountered", ErrRunner},
		{"v0.17.4", 500, "model failed to load, this may be due to resource limitations or an internal error, check ollama server logs for details", ErrRunner},
		{"v0.17.4", 500, "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details", ErrRunner},
		{"v0.17.4", 200, "an error was encountered while running the model: unexpected EOF", ErrRunner},
		{"v0.17.4", 200, "error reading llm response: read tcp 127.0.0.1:4242->127.0.0.1:38111: read: connection reset by peer", ErrRunner},
		{"v0.17.4", 500, "failed reading llm error response: unexpected EOF", ErrRunner},
		{"v0.17.4", 500, "unexpected server status: llm server error", ErrRunner},
		{"v0.24.0", 500, "llama runner process has terminated with exit code 1", ErrRunner},
		{"v0.24.0", 500, "llama runner process has terminated", ErrRunner},
		{"v0.30.0", 500, "llama-server process has terminated: signal: killed", ErrRunner},
		{"v0.30.0", 500, "llama-server process has terminated: exit status 1: error: unknown argument", ErrRunner},
		{"v0.30.0", 500, "llama-server process has terminated", ErrRunner},
		{"v0.30.6", 500, "llama-server process has terminated: exit status 0xe06d7363: NTSTATUS 0xe06d7363", ErrRunner}, // ollama #16645
		{"v0.33.0", 500, "llama-server process no longer running: unknown", ErrRunner},
		{"v0.33.0", 500, "llama-server process no longer running: unknown ", ErrRunner},
		{"v0.33.0", 500, "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details: CUDA error: unspecified launch failure", ErrRunner},
		{"v0.33.0", 500, "error reading llama-server response: read tcp 127.0.0.1:4242->127.0.0.1:38111: read: connection reset by peer", ErrRunner},
		{"v0.33.0", 500, "error reading llama-server chat response: http2: stream closed", ErrRunner},
		{"v0.33.0", 500, "failed reading llama-server error response: unexpected EOF", ErrRunner},
		{"v0.33.0", 500, `llama-server apply-template error: Post "http://127.0.0.1:38111/apply-template": dial tcp 127.0.0.1:38111: connect: connection refused`, ErrRunner},
		{"v0.33.0", 500, `Post "http://127.0.0.1:38111/tokenize": EOF`, ErrRunner},
		{"v0.33.0", 500, `Post "http://127.0.0.1:38111/tokenize": write tcp 127.0.0.1:4242->127.0.0.1:38111: write: broken pipe`, ErrRunner},
		{"v0.33.0", 500, "mlx runner failed: mlx: array is too large (exit: exit status 1)", ErrRunner},
		{"v0.33.0", 500, "mlx runner exited unexpectedly: signal: killed", ErrRunner},

		// Too little memory, at a load or in a call.
		{"v0.17.4", 500, "model requires more system memory (52.0 GiB) than is available (8.0 GiB)", ErrMemory},
		{"v0.17.4", 500, "model requires more system memory than is currently available unable to load full model on GPU", ErrMemory},
		{"v0.17.4", 500, "memory layout cannot be allocated", ErrMemory},
		{"v0.17.4", 500, "memory layout cannot be allocated with num_gpu = 999", ErrMemory},
		{"v0.17.4", 500, "failed to allocate memory for model", ErrMemory},
		{"v0.17.4", 500, "failed to commit memory for model", ErrMemory},
		{"v0.17.4", 500, "llama runner process has terminated: cudaMalloc failed: out of memory", ErrMemory},
		{"v0.17.4", 500, "llama runner process has terminated: error loading model: unable to allocate CUDA0 buffer", ErrMemory},
		{"v0.17.4", 500, "insufficient memory - required allocations: {}", ErrMemory},
		{"v0.30.0", 500, "unable to load full model on GPU", ErrMemory},
		{"v0.30.0", 500, "llama-server reported out-of-memory during startup: ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4096.00 MiB on device 0: cudaMalloc failed: out of memory", ErrMemory},
		{"v0.30.0", 500, "llama-server process has terminated: exit status 1: ggml_gallocr_reserve_n_impl: failed to allocate CUDA0 buffer of size 4294967296", ErrMemory},
		{"v0.33.0", 500, "llama-server process has terminated: exit status 1: vk::Device::allocateMemory: ErrorOutOfDeviceMemory", ErrMemory},
		{"v0.33.0", 500, `{"error":{"code":500,"message":"Compute error.","type":"server_error"}}` + "\nCUDA error: out of memory", ErrMemory},

		// A prompt that is too long.
		{"v0.17.4", 400, "the input length exceeds the context length", ErrContextOverflow},
		{"v0.30.0", 400, "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the context length in settings, or use a model with a longer context length", ErrContextOverflow},
		{"v0.33.0", 400, `{"error":{"code":400,"message":"request (13392 tokens) exceeds the available context size (8192 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":13392,"n_ctx":8192}}`, ErrContextOverflow},
		{"v0.33.0", 500, `{"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}}`, ErrContextOverflow},
		{"v0.33.0", 400, "input length (9000 tokens) exceeds the model's maximum context length (8192 tokens)", ErrContextOverflow},

		// A server that was installed without a part of it.
		{"v0.33.0", 500, "llama-quantize unavailable: llama-quantize binary not found (checked: /usr/lib/ollama/llama-quantize)", ErrNoQuantizer},

		// A load that stands still.
		{"v0.17.4", 500, "timed out waiting for llama runner to start - progress 0.42 - ", ErrTimeout},
		{"v0.33.0", 500, "timed out waiting for llama-server to start - ", ErrTimeout},
		{"v0.33.0", 500, "timeout waiting for mlx runner to start", ErrTimeout},

		// A model that is not there.
		{"v0.17.4", 404, "model 'llama9:8b' not found", ErrModelNotFound},
		{"v0.17.4", 404, `model "llama9:8b" not found, try pulling it first`, ErrModelNotFound},

		// What another attempt does not change.
		{"v0.17.4", 400, `"embed" does not support chat`, nil},
		{"v0.17.4", 400, `"llama3.1:8b" does not support thinking`, nil},
		{"v0.17.4", 400, `invalid format: "x"; expected "json" or a valid JSON Schema object`, nil},
		{"v0.17.4", 500, "llama runner process has terminated: error loading model: unknown model architecture: 'next'", nil},
		{"v0.33.0", 500, "llama-server process has terminated: exit status 1: error loading model: unknown model architecture: 'next': this model may be incompatible with your version of Ollama. If you previously pulled this model, try updating it by running `ollama pull next`", nil},
		{"v0.33.0", 500, "geoff: thereof", nil},
	} {
		e := serverError(tt.status, tt.says)
		if tt.means == nil && e.Unwrap() != nil || tt.means != nil && !errors.Is(e, tt.means) {
			t.Errorf("%s, HTTP %d: %s\nmeans %v, want %v", tt.version, tt.status, tt.says, e.Unwrap(), tt.means)
		}
		if want := "server error"; tt.means != nil && Reason(e) != tt.means.Error() || tt.means == nil && Reason(e) != want {
			t.Errorf("%s: its reason is %q", tt.says, Reason(e))
		}
	}
}

func FuzzServerError(f *testing.F) {
	f.Add(500, "model runner has unexpectedly stopped")
	f.Add(400, "the input length exceeds the context length")
	f.Fuzz(func(t *testing.T, status int, message string) {
		if e := serverError(status, message); Reason(e) == "" || e.Error() == "" {
			t.Errorf("serverError(%d, %q) = %v", status, message, e)
		}
	})
}
