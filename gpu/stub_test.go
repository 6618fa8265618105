//go:build !(cgo && linux)

package gpu

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

func TestNotBuilt(t *testing.T) {
	inventory, err := Discover()
	if !errors.Is(err, ErrNotBuilt) {
		t.Fatalf("Discover: %v, want ErrNotBuilt", err)
	}
	if len(inventory.GPUs) != 0 {
		t.Errorf("Discover found %v", inventory.GPUs)
	}
	says := "CGO_ENABLED=1"
	if runtime.GOOS != "linux" {
		says = runtime.GOOS
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("Discover: %q, want one that says %q", err, says)
	}
}
