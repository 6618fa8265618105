package gpu

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPeakBandwidth(t *testing.T) {
	tests := []struct {
		name  string
		clock *uint32 // MHz
		width *uint32 // bits
		want  *uint64 // bytes per second
	}{
		// The makers' own figures: 3.35 TB/s, 1.555 TB/s, 936 GB/s, 320 GB/s.
		{"H100 SXM", new(uint32(2619)), new(uint32(5120)), new(uint64(3_352_320_000_000))},
		{"A100 40GB", new(uint32(1215)), new(uint32(5120)), new(uint64(1_555_200_000_000))},
		{"RTX 3090", new(uint32(9751)), new(uint32(384)), new(uint64(936_096_000_000))},
		{"T4", new(uint32(5001)), new(uint32(256)), new(uint64(320_064_000_000))},
		{"clock unknown", nil, new(uint32(384)), nil},
		{"width unknown", new(uint32(9751)), nil, nil},
		{"clock zero", new(uint32(0)), new(uint32(384)), nil},
		{"width zero", new(uint32(9751)), new(uint32(0)), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := GPU{MemoryClock: tt.clock, MemoryBusWidth: tt.width}.PeakBandwidth()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The manifest of a run keeps an inventory: unknown is null there, never zero.
func TestJSON(t *testing.T) {
	inventory := Inventory{Driver: "550.54.15", CUDA: "12.4", GPUs: []GPU{
		{
			UUID: "GPU-1", Index: 0, Name: "NVIDIA H100 80GB HBM3",
			MemoryTotal: new(uint64(85520809984)), MemoryUsed: new(uint64(0)), MemoryFree: new(uint64(84903198720)), MemoryReserved: new(uint64(617611264)),
			ComputeCapability: "9.0", PowerLimit: new(uint32(700000)), MemoryClock: new(uint32(2619)), MemoryBusWidth: new(uint32(5120)), MIG: new(false),
			PCIe: &PCIe{BusID: "00000000:1B:00.0", Generation: new(uint32(5)), Lanes: new(uint32(16))}, NVLink: &NVLink{Version: "4.0", Links: 18},
			Warnings: []string{"power limit: not read"},
		},
		{Index: 1, Error: "GPU lost"},
	}}
	got, err := json.MarshalIndent(inventory, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "inventory.json")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var back Inventory
	if err := json.Unmarshal(want, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inventory, back); diff != "" {
		t.Errorf("read back (-want +got)\n%s", diff)
	}
}

// Builds without NVML are another set of files: they are compiled, and the one
// for this machine runs its own tests.
func TestBuildsWithoutNVML(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out compiling the package for other systems")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command on PATH")
	}
	command := func(env string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", env)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s CGO_ENABLED=0 go %s: %v\n%s", env, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	command("GOOS=darwin", "build", ".")
	command("GOOS=windows", "build", ".")
	if out := command("GOOS=linux", "test", "-count=1", "-v", "-run", "^TestNotBuilt$", "."); !strings.Contains(out, "--- PASS: TestNotBuilt") {
		t.Errorf("TestNotBuilt did not run without cgo:\n%s", out)
	}
}
