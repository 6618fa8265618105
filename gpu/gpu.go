// Package gpu says which NVIDIA GPUs a machine has, as the driver's management
// library (NVML) describes them. It knows nothing of models or of Ollama.
//
// [Open] gives a handle that is read as often as needed and closed once;
// [Discover] is one reading. The package works on Linux with cgo; built
// without, it compiles and every reading says why there is none.
//
// No call waits for ever: NVML is given 30 seconds to answer, and less where
// the caller's context ends before ([ErrHangs]).
//
// A program with this package must be linked for lazy binding, the default of
// most toolchains; where it is not, -ldflags=-extldflags=-Wl,-z,lazy asks for
// it. Bound at start (or run under LD_BIND_NOW), it ends at once with "symbol
// lookup error" on a machine whose NVML lacks any function that go-nvml knows.
package gpu

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An Inventory is what NVML said about this machine at one moment.
type Inventory struct {
	Driver string `json:"driver"` // driver version, "550.54.15"; empty if unknown
	CUDA   string `json:"cuda"`   // newest CUDA version the driver runs, "12.4"; empty if unknown
	GPUs   []GPU  `json:"gpus"`   // in NVML's order, failed ones included
}

// A GPU is one physical device, or an instance of one. Whatever the device does not support, or would
// not tell, is nil or empty, never zero.
type GPU struct {
	// UUID is the identity to keep and to put in CUDA_VISIBLE_DEVICES.
	UUID string `json:"uuid"`
	// Index is NVML's. It may change when the machine restarts, and CUDA may
	// number the same devices differently.
	Index int    `json:"index"`
	Name  string `json:"name"`

	// Memory in bytes. Used is what processes hold; Reserved is what driver
	// and firmware keep for themselves, and total is the sum of the three.
	// Drivers that do not tell the two apart (before R510) count reserved
	// memory as used. GPUs that share the system's memory report none.
	MemoryTotal    *uint64 `json:"memory_total"`
	MemoryUsed     *uint64 `json:"memory_used"`
	MemoryFree     *uint64 `json:"memory_free"`
	MemoryReserved *uint64 `json:"memory_reserved"`

	ComputeCapability string  `json:"compute_capability"`    // "8.9"
	PowerLimit        *uint32 `json:"power_limit_mw"`        // as enforced, the lowest of all limits
	MemoryClock       *uint32 `json:"memory_clock_mhz"`      // highest the device allows
	MemoryBusWidth    *uint32 `json:"memory_bus_width_bits"` //
	MIG               *bool   `json:"mig"`                   // split into instances; nil where it cannot be
	PCIe              *PCIe   `json:"pcie"`                  //
	NVLink            *NVLink `json:"nvlink"`                // nil where the device has none

	// Instances are the parts of a GPU that is split (MIG), each with a UUID, a
	// name and memory of its own; none where NVML lists none. Instance is the
	// number of such a part; nil for a whole GPU.
	Instances []GPU `json:"instances,omitempty"`
	Instance  *int  `json:"instance,omitempty"`

	// Error says why the device cannot be used (lost, no permission); empty
	// for a usable one. Index is right even then, and so is whatever else was
	// read before the device failed.
	Error string `json:"error,omitempty"`
	// Warnings name single values that could not be read, with the reason.
	// A value that the device does not support at all is no warning.
	Warnings []string `json:"warnings,omitempty"`
}

// ID names the GPU among those of this machine: gpu0, and gpu0.1 for an instance.
func (g GPU) ID() string { return "gpu" + g.number() }

func (g GPU) number() string {
	if g.Instance == nil {
		return strconv.Itoa(g.Index)
	}
	return fmt.Sprintf("%d.%d", g.Index, *g.Instance)
}

// SharesMemory says that the GPU has no memory of its own: it works in the
// system's, as GB10 and Jetson do, and NVML tells none. One whose memory could
// not be read may have some.
func (g GPU) SharesMemory() bool {
	return g.Error == "" && g.MemoryTotal == nil && !slices.ContainsFunc(g.Warnings, func(w string) bool { return strings.HasPrefix(w, memoryValue+":") })
}

const memoryValue = "memory" // in warnings

// A PCIe says where a GPU is plugged in and what that slot and the device
// manage together at best. A link that idles may run slower at the moment.
type PCIe struct {
	BusID      string  `json:"bus_id"` // "00000000:65:00.0"
	Generation *uint32 `json:"generation"`
	Lanes      *uint32 `json:"lanes"`
}

// An NVLink counts a GPU's links that are up, to other GPUs or to a switch.
type NVLink struct {
	Version string `json:"version"` // "4.0"; empty if unknown or no link is up
	Links   uint32 `json:"links"`
}

// PeakBandwidth is the most that the device's memory can move, in bytes per
// second: clock × bus width × 2, as NVML gives the clock of double data rate
// memory. It is an upper bound on what a kernel sees, and nil where clock or
// width is unknown.
func (g GPU) PeakBandwidth() *uint64 {
	if g.MemoryClock == nil || g.MemoryBusWidth == nil || *g.MemoryClock == 0 || *g.MemoryBusWidth == 0 {
		return nil
	}
	hertz := uint64(*g.MemoryClock) * 1e6
	return new(hertz * 2 * uint64(*g.MemoryBusWidth) / 8)
}
