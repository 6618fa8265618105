package fleet

import (
	"errors"
	"perg/harness/hint"
	"strings"
	"testing"
)

// Quantizing what does not fit the disk is refused before it begins.
func TestRoomForQuantizations(t *testing.T) {
	t.Setenv("OLLAMA_MODELS", t.TempDir())
	if err := room(1); err != nil {
		t.Error(err)
	}
	var problem *hint.Error
	if err := room(1 << 60); !errors.As(err, &problem) || !strings.Contains(err.Error(), "it needs 1.0 EiB") || !strings.Contains(problem.Hint, "--prune-quantized") {
		t.Errorf("an exbibyte: %v", err)
	}
}
