//go:build cgo && linux

package gpu

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/dl"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// libraryName is the file that every NVIDIA driver for Linux installs; the
// dynamic loader looks for it in LD_LIBRARY_PATH and the system's folders.
const libraryName = "libnvidia-ml.so.1"

// An NVML is an open handle on the driver's management library. Its methods
// may be called from any goroutine.
type NVML struct {
	lib       nvml.Interface
	functions map[string]bool // whether the library has them; asked once each
	slow      map[int]slow    // of each GPU that was sampled, by index
	closed    bool
}

// Open loads NVML and initialises it. It fails with [ErrNoDriver],
// [ErrDriverMismatch], [ErrNoGPU], [ErrPermission], [ErrHangs] or
// [ErrNotBuilt], or with NVML's own code where that says nothing more. One handle lasts for the life
// of a program; a second one is harmless.
func Open() (*NVML, error) { return open(libraryName) }

func open(library string) (*NVML, error) {
	return ask(context.Background(), func() (*NVML, error) { return load(library) })
}

// load is open for who has the turn.
func load(library string) (*NVML, error) {
	if err := probe(library); err != nil {
		return nil, fmt.Errorf("open NVML: %w", err)
	}
	lib := nvml.New(nvml.WithLibraryPath(library))
	// After an Init that failed no other NVML function may be called, not
	// even Shutdown: where the library did not load, their symbols are
	// unresolved and the dynamic loader ends the process.
	if ret := lib.Init(); ret != nvml.SUCCESS {
		return nil, fmt.Errorf("open NVML: %w", fault(ret))
	}
	return &NVML{lib: lib, functions: make(map[string]bool), slow: make(map[int]slow)}, nil
}

// essential lists the functions without which there is no inventory, each with
// the versions of it that serve.
var essential = [][]string{
	{"nvmlInit_v2", "nvmlInit"},
	{"nvmlShutdown"},
	{"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"},
	{"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"},
}

// probe finds out whether the library can be loaded and is NVML. Init alone
// would not say why a load failed, and would end the process on a library
// without the functions it calls.
func probe(library string) (err error) {
	l := dl.New(library, dl.RTLD_LAZY|dl.RTLD_LOCAL)
	if err := l.Open(); err != nil {
		return fmt.Errorf("%w: %w; %s", ErrNoDriver, err, placeOf("/").withoutLibrary())
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, versions := range essential {
		if !slices.ContainsFunc(versions, func(s string) bool { return l.Lookup(s) == nil }) {
			return fmt.Errorf("%w: %s has no %s; reinstall the driver", ErrNoDriver, library, versions[0])
		}
	}
	return nil
}

// has reports whether the loaded library has one of a function's versions.
// Calling a function it lacks would end the process.
func (n *NVML) has(versions ...string) bool {
	return slices.ContainsFunc(versions, func(s string) bool {
		has, asked := n.functions[s]
		if !asked {
			has = n.lib.Extensions().LookupSymbol(s) == nil
			n.functions[s] = has
		}
		return has
	})
}

// Close gives the library back. Closing twice does nothing.
func (n *NVML) Close() error {
	_, err := ask(context.Background(), func() (struct{}, error) { return struct{}{}, n.close() })
	return err
}

// close is Close for who has the turn.
func (n *NVML) close() error {
	if n.closed {
		return nil
	}
	n.closed = true
	asking(nothing)
	if ret := n.lib.Shutdown(); ret != nvml.SUCCESS {
		return fmt.Errorf("close NVML: %w", fault(ret))
	}
	return nil
}

// Inventory reads all devices. A device that fails is listed with what is
// known and its Error, and the others are read all the same. Where no device
// can be used there is an error beside the inventory: [ErrNoGPU] if NVML lists
// none, else the reason of each, such as [ErrGPULost] or [ErrPermission].
func (n *NVML) Inventory() (Inventory, error) {
	return ask(context.Background(), n.inventory)
}

// inventory is Inventory for who has the turn.
func (n *NVML) inventory() (Inventory, error) {
	if n.closed {
		return Inventory{}, fmt.Errorf("read the GPU inventory: %w", ErrClosed)
	}
	inv := Inventory{GPUs: []GPU{}}
	if n.has("nvmlSystemGetDriverVersion") {
		if v, ret := n.lib.SystemGetDriverVersion(); ret == nvml.SUCCESS {
			inv.Driver = v
		}
	}
	// Not the _v2 of it, which fails where libcuda is not installed.
	if n.has("nvmlSystemGetCudaDriverVersion") {
		if v, ret := n.lib.SystemGetCudaDriverVersion(); ret == nvml.SUCCESS {
			inv.CUDA = fmt.Sprintf("%d.%d", v/1000, v%1000/10)
		}
	}
	count, ret := n.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return inv, fmt.Errorf("count the GPUs: %w", fault(ret))
	}
	var faults []error
	for index := range count {
		g, err := n.read(index)
		if err != nil {
			g.Error = err.Error()
			faults = append(faults, fmt.Errorf("GPU %d: %w", index, err))
		}
		inv.GPUs = append(inv.GPUs, g)
	}
	return inv, inv.usable(faults)
}

// usable is nil if at least one of the GPUs can be used, and otherwise says
// why none can; faults holds one error for each GPU that failed.
func (inv Inventory) usable(faults []error) error {
	switch {
	case len(inv.GPUs) == 0:
		return fmt.Errorf("%w: the driver is there and lists no device; in a container, start it with GPU access", ErrNoGPU)
	case len(faults) == len(inv.GPUs):
		return fmt.Errorf("no usable GPU: %w", errors.Join(faults...))
	}
	return nil
}

// fault turns a code that is not SUCCESS into an error. An [nvml.Return] is no
// error to hand on: its SUCCESS is not nil, and its text comes from a function
// that the library may lack.
func fault(ret nvml.Return) error {
	switch ret {
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return fmt.Errorf("%w: its kernel module is not loaded; load it (modprobe nvidia), or start the container with GPU access", ErrNoDriver)
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return fmt.Errorf("%w: a library of it cannot be loaded; reinstall the driver", ErrNoDriver)
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return fmt.Errorf("%w; %s", ErrDriverMismatch, placeOf("/").withMismatch())
	case nvml.ERROR_GPU_NOT_FOUND:
		return ErrNoGPU
	case nvml.ERROR_NO_PERMISSION:
		return fmt.Errorf("%w; check the rights on /dev/nvidia*", ErrPermission)
	case nvml.ERROR_OPERATING_SYSTEM:
		return fmt.Errorf("%w: blocked by the operating system; check the container's device rules", ErrPermission)
	case nvml.ERROR_GPU_IS_LOST:
		return fmt.Errorf("%w: it fell off the bus; look for Xid in the kernel log and restart the machine", ErrGPULost)
	case nvml.ERROR_RESET_REQUIRED:
		return fmt.Errorf("%w: it needs a reset (nvidia-smi --gpu-reset)", ErrGPULost)
	case nvml.ERROR_INSUFFICIENT_POWER:
		return errors.New("the GPU's external power cables are not attached properly")
	case nvml.ERROR_IRQ_ISSUE:
		return errors.New("the kernel has an interrupt problem with the GPU; see the kernel log")
	case nvml.ERROR_TIMEOUT:
		return errors.New("NVML timed out")
	case nvml.ERROR_CORRUPTED_INFOROM:
		return errors.New("the GPU's infoROM is corrupted")
	}
	return fmt.Errorf("NVML failed with code %d; nvidia-smi may say more", int(ret))
}
