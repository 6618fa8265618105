//go:build cgo && linux

package gpu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatToDoWithoutALibraryDependsOnThePlace(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text        string
		library, mismatch string
		notLibrary        string
	}{
		"machine":        {"etc/hostname", "box", "install the driver", "restart the machine", "wsl"},
		"docker":         {".dockerenv", "", "--gpus all", "then the container", "install"},
		"podman":         {"run/.containerenv", "", "NVIDIA_DRIVER_CAPABILITIES=compute,utility", "then the container", "install"},
		"WSL":            {"proc/sys/kernel/osrelease", "5.15.153.1-microsoft-standard-WSL2\n", "driver for Windows", "wsl --shutdown", "docker"},
		"WSL of old":     {"proc/sys/kernel/osrelease", "4.19.128-Microsoft\n", "/usr/lib/wsl/lib", "wsl --shutdown", "docker"},
		"another kernel": {"proc/sys/kernel/osrelease", "6.8.0-generic\n", "install the driver", "restart the machine", "wsl"},
	} {
		root := t.TempDir()
		path := filepath.Join(root, tt.file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		p := placeOf(root)
		if got := p.withoutLibrary(); !strings.Contains(got, tt.library) || strings.Contains(got, tt.notLibrary) || strings.Contains(got, "\n") {
			t.Errorf("%s, without the library: %s", name, got)
		}
		if got := p.withMismatch(); !strings.Contains(got, tt.mismatch) || strings.Contains(got, "\n") {
			t.Errorf("%s, with two versions: %s", name, got)
		}
	}
}
