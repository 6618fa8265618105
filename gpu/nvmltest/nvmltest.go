// Package nvmltest gives tests an NVML of their own: a shared library that is
// loaded as the driver's is, on machines without a GPU, and answers from a
// script.
//
//	dir := nvmltest.Build(t)
//	script := nvmltest.NewScript(t, nvmltest.Machine(nvmltest.GPU{Name: "H100", MemoryTotal: 80 << 30}))
//	cmd.Env = append(os.Environ(), script.Env(dir)...)
//	...
//	script.Set("0 DeviceGetHandleByIndex ! 15\n" + ...) // GPU 0 is lost from now on
//
// The library belongs in a process that the test starts: a process binds
// NVML's functions once, whatever it loads later, and the dynamic loader reads
// LD_LIBRARY_PATH when a process begins.
//
// # Scripts
//
// A script has a line for each answer, and is read at every call:
//
//	WHO FUNCTION = ANSWER    a value, or several between blanks
//	WHO FUNCTION ! CODE      a failure, as a number of nvmlReturn_t
//	WHO FUNCTION ~ MS        the call takes so long; a later line answers it
//
// WHO is a GPU's index, INDEX.NUMBER for an instance of it (MIG), or "-" for what belongs to none. FUNCTION is the name
// without "nvml" and without its version, except that MemoryInfo_v2 and
// MemoryInfo answer differently. The first line that fits counts, so a line
// put before others overrides them. A function without a line is not
// supported, except that Init, Shutdown and DeviceGetHandleByIndex succeed.
//
//   - SystemGetDriverVersion = 550.54.15
//   - SystemGetCudaDriverVersion = 12040
//   - DeviceGetCount = 1
//     0 DeviceGetUUID = GPU-11111111-2222-3333-4444-555555555555
//     0 DeviceGetName = NVIDIA H100 80GB HBM3
//     0 DeviceGetMemoryInfo_v2 = 85520809984 617611264 84901101568 2097152   (total, reserved, free, used)
//     0 DeviceGetMemoryInfo = 85520809984 84901101568 619708416              (total, free, used)
//     0 DeviceGetCudaComputeCapability = 9 0
//     0 DeviceGetEnforcedPowerLimit = 700000                                 (mW)
//     0 DeviceGetMaxClockInfo = 2619                                         (memory, MHz)
//     0 DeviceGetMemoryBusWidth = 5120                                       (bits)
//     0 DeviceGetMigMode = 0 1                                               (current, pending)
//     0 DeviceGetMaxMigDeviceCount = 7                                       (those are there that have a UUID)
//     0.1 DeviceGetUUID = MIG-11111111-2222-3333-4444-555555555555
//     0 DeviceGetPciInfo = 00000000:1B:00.0
//     0 DeviceGetMaxPcieLinkGeneration = 5
//     0 DeviceGetMaxPcieLinkWidth = 16
//     0 DeviceGetNvLinkState = uund                                          (a letter a link: up, down, not supported, lost, permission)
//     0 DeviceGetNvLinkVersion = 6
//     0 DeviceGetUtilizationRates = 87 41                                    (percent: GPU, memory)
//     0 DeviceGetPowerUsage = 612345                                         (mW)
//     0 DeviceGetTemperature = 66
//     0 DeviceGetClockInfo = 1980                                            (SM, MHz)
//     0 DeviceGetTotalEnergyConsumption = 123456789012                       (mJ)
//     0 DeviceGetComputeRunningProcesses = 4321 2000000 99 -                 (pid and bytes, - for not available)
//     0 DeviceGetGraphicsRunningProcesses = 99 1000                          (the same, of the desktop)
//   - SystemGetProcessName/4321 = /usr/local/bin/ollama runner             (of process 4321)
//
// Codes that matter: 3 not supported, 4 no permission, 9 driver not loaded,
// 15 GPU is lost, 16 reset required, 18 library and driver differ, 999 unknown.
package nvmltest

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Library is the name that programs load NVML by.
const Library = "libnvidia-ml.so.1"

//go:embed testdata/nvml.c
var source []byte

// Build compiles the library, less some functions, and gives the folder it is
// in. Where there is no C compiler the test is skipped, or fails if
// PERG_REQUIRE_OLLAMA is 1.
func Build(tb testing.TB, without ...string) (dir string) {
	tb.Helper()
	missing := tb.Skip
	if os.Getenv("PERG_REQUIRE_OLLAMA") == "1" {
		missing = tb.Fatal
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		missing("needs gcc on PATH, to build a shared library")
	}
	// go-nvml brings the header that its own bindings are made from.
	header, err := exec.CommandContext(tb.Context(), "go", "list", "-f", "{{.Dir}}", "github.com/NVIDIA/go-nvml/pkg/nvml").Output()
	if err != nil {
		missing(fmt.Sprintf("no go command to find nvml.h with: %v", err))
	}
	dir = tb.TempDir()
	file := filepath.Join(dir, "nvml.c")
	if err := os.WriteFile(file, source, 0o644); err != nil {
		tb.Fatal(err)
	}
	args := []string{"-shared", "-fPIC", "-O1", "-I", strings.TrimSpace(string(header)), "-o", filepath.Join(dir, Library)}
	for i, function := range without {
		args = append(args, fmt.Sprintf("-D%s=absent%d", function, i))
	}
	if out, err := exec.CommandContext(tb.Context(), gcc, append(args, file)...).CombinedOutput(); err != nil {
		tb.Fatalf("gcc: %v\n%s", err, out)
	}
	return dir
}

// A Script is the file that a library reads.
type Script string

// NewScript makes a script that lasts as long as the test.
func NewScript(tb testing.TB, text string) Script {
	tb.Helper()
	s := Script(filepath.Join(tb.TempDir(), "script"))
	if err := s.Set(text); err != nil {
		tb.Fatal(err)
	}
	return s
}

// Set replaces the script as a whole: no call sees half of it.
func (s Script) Set(text string) error {
	next := string(s) + ".next"
	if err := os.WriteFile(next, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(next, string(s))
}

// Env is what a process needs to load the library in a folder and read the
// script.
func (s Script) Env(dir string) []string {
	return []string{"LD_LIBRARY_PATH=" + dir, "NVML_SCRIPT=" + string(s)}
}
