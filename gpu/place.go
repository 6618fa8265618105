//go:build cgo && linux

package gpu

import (
	"os"
	"path/filepath"
	"strings"
)

// A place is what a program runs in, where that decides how it gets at GPUs.
type place int

const (
	machine place = iota
	container
	wsl // the Linux of Windows
)

// placeOf looks at a system's files, below root.
func placeOf(root string) place {
	has := func(path string) bool {
		_, err := os.Stat(filepath.Join(root, path))
		return err == nil
	}
	release, _ := os.ReadFile(filepath.Join(root, "proc/sys/kernel/osrelease"))
	switch {
	case has(".dockerenv"), has("run/.containerenv"):
		return container
	case strings.Contains(strings.ToLower(string(release)), "microsoft") || has("dev/dxg"):
		return wsl
	default:
		return machine
	}
}

// withoutLibrary is what to do where NVML cannot be loaded.
func (p place) withoutLibrary() string {
	switch p {
	case container:
		return "start the container with GPU access (docker run --gpus all) and NVIDIA_DRIVER_CAPABILITIES=compute,utility"
	case wsl:
		return "in WSL it comes with the driver for Windows: install that one, none for Linux, and run LD_LIBRARY_PATH=/usr/lib/wsl/lib perg ..."
	default:
		return "install the driver, or start the container with GPU access"
	}
}

// withMismatch is what to do where library and kernel module are of two versions.
func (p place) withMismatch() string {
	switch p {
	case container:
		return "restart the machine if its driver was upgraded, and then the container, whose library has to be the machine's"
	case wsl:
		return "run wsl --shutdown in Windows"
	default:
		return "restart the machine"
	}
}
