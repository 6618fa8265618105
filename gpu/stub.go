//go:build !(cgo && linux)

package gpu

import (
	"context"
	"fmt"
	"runtime"
)

// An NVML is a handle that no build without cgo on Linux ever holds.
type NVML struct{}

// Open fails with [ErrNotBuilt].
func Open() (*NVML, error) { return load(libraryName) }

const libraryName = ""

func load(string) (*NVML, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("%w: GPUs are read on Linux only, and this is %s", ErrNotBuilt, runtime.GOOS)
	}
	return nil, fmt.Errorf("%w: NVML needs cgo; build again with CGO_ENABLED=1 and a C compiler", ErrNotBuilt)
}

// Inventory fails with [ErrNotBuilt].
func (*NVML) Inventory() (Inventory, error) { return Inventory{}, ErrNotBuilt }

func (*NVML) inventory() (Inventory, error) { return Inventory{}, ErrNotBuilt }

// Close does nothing.
func (*NVML) Close() error { return nil }

func (*NVML) close() error { return nil }

// Samples fails with [ErrNotBuilt].
func (*NVML) Samples() ([]Sample, error) { return nil, ErrNotBuilt }

func (*NVML) usage(context.Context, []string) (map[string]Usage, error) { return nil, ErrNotBuilt }

func (*NVML) readings(func(pid int) bool, bool) ([]reading, error) { return nil, ErrNotBuilt }
