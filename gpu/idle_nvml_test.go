//go:build cgo && linux

package gpu

import (
	"path/filepath"
	"testing"
	"time"
)

// The power at rest is read off the driver; a GPU that does not tell its own is left
// out, and without a driver nothing is waited for.
func TestIdleOfTheDriver(t *testing.T) {
	t.Parallel()
	library := build(t)
	idle := func(script string) outcome {
		return perform(t, "idle", library, script, "LD_LIBRARY_PATH="+filepath.Dir(library))[0]
	}
	rest := twoGPUs + "0 DeviceGetUtilizationRates = 0 0\n0 DeviceGetPowerUsage = 70123\n"
	if got := idle(rest).Idle; len(got) != 1 || got[h100.UUID] != 70.123 {
		t.Errorf("%v", got)
	}
	if got := idle("- Init ! 9\n"); len(got.Idle) > 0 || got.Took > 500*time.Millisecond {
		t.Errorf("%v after %v", got.Idle, got.Took)
	}
}
