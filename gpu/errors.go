package gpu

import "errors"

// Why there is no GPU to work with. Errors of this package match at most one
// of them with errors.Is, except that a machine whose GPUs all failed matches
// the reason of each.
var (
	// ErrNotBuilt: this program was built without NVML: with CGO_ENABLED=0,
	// or for another system than Linux.
	ErrNotBuilt = errors.New("built without GPU information")
	// ErrNoDriver: NVML is not installed or not whole, or its kernel module
	// is not loaded. A machine without an NVIDIA GPU says the same.
	ErrNoDriver = errors.New("no NVIDIA driver")
	// ErrDriverMismatch: NVML and the kernel module are of two versions, the
	// usual state between an upgrade of the driver and the next restart.
	ErrDriverMismatch = errors.New("NVIDIA driver and library versions differ")
	// ErrNoGPU: the driver works and has no device.
	ErrNoGPU = errors.New("no NVIDIA GPU")
	// ErrPermission: the driver or one device refuses this user.
	ErrPermission = errors.New("no permission to use the GPU")
	// ErrGPULost: a device fell off the bus, or needs a reset before it can
	// be used again.
	ErrGPULost = errors.New("GPU lost")
	// ErrHangs: NVML did not answer in time. A call that concerns a GPU which
	// fell off the bus, or whose driver is stuck, may never return.
	ErrHangs = errors.New("NVML does not answer")
	// ErrClosed: the handle was closed.
	ErrClosed = errors.New("NVML handle is closed")
)
