//go:build cgo && linux

package gpu

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"perg/gpu/nvmltest"
)

const busy = twoGPUs + `
0 DeviceGetUtilizationRates = 87 41
0 DeviceGetPowerUsage = 612345
0 DeviceGetTemperature = 66
0 DeviceGetClockInfo = 1980
0 DeviceGetTotalEnergyConsumption = 123456789012
0 DeviceGetComputeRunningProcesses = 99 1000 4321 2000000 4321 500
1 DeviceGetComputeRunningProcesses = 99 1000
`

var (
	ofH100 = Sample{
		UUID: h100.UUID, Name: h100.Name, MemoryUsed: h100.MemoryUsed, MemoryTotal: h100.MemoryTotal, ProcessMemory: new(uint64(2000500)),
		GPUUtilization: new(0.87), MemoryUtilization: new(0.41), PowerMW: new(uint32(612345)), TemperatureC: new(uint32(66)),
		SMClockMHz: new(uint32(1980)), EnergyMJ: new(uint64(123456789012)),
	}
	// What it does not support is unknown, and so is the memory of owned
	// processes, of which it lists none.
	ofGTX1080 = Sample{UUID: gtx1080.UUID, Index: 1, Name: gtx1080.Name, MemoryUsed: gtx1080.MemoryUsed, MemoryTotal: gtx1080.MemoryTotal}
)

// like is a sample with something changed.
func like(s Sample, change func(*Sample)) Sample {
	change(&s)
	return s
}

// A sampler goes through what can happen to GPUs and their driver, says each
// thing once, and samples on.
func TestSampler(t *testing.T) {
	t.Parallel()
	library := build(t)
	const refused = "1 DeviceGetUUID ! 4\n1 DeviceGetHandleByIndex ! 4\n"
	const noModule = "no NVIDIA driver: its kernel module is not loaded; load it (modprobe nvidia), or start the container with GPU access"
	all := []Sample{ofH100, ofGTX1080}
	stages := []struct {
		script   string
		samples  []Sample
		warnings []string
	}{
		{busy, all, nil},
		{"0 DeviceGetPowerUsage ! 3\n0 DeviceGetTotalEnergyConsumption ! 4\n" + busy,
			[]Sample{like(ofH100, func(s *Sample) { s.PowerMW, s.EnergyMJ = nil, nil }), ofGTX1080},
			[]string{"GPU 0: power is unknown for now: not supported any more", "GPU 0: energy is unknown for now: " + rightText}},
		{busy, all, []string{"GPU 0: power is known again", "GPU 0: energy is known again"}},
		{"0 DeviceGetUtilizationRates ! 15\n" + busy, []Sample{ofGTX1080}, []string{"GPU 0 is not sampled for now: " + lostText}},
		{busy, all, []string{"GPU 0 is back"}},
		{refused + busy, []Sample{ofH100}, []string{"GPU 1 is not sampled for now: " + rightText}},
		{"- DeviceGetCount ! 9\n" + refused + busy, nil, []string{"no GPU samples for now: count the GPUs: " + noModule}},
		{"- DeviceGetCount = 0\n- Init ! 9\n" + busy, nil, nil},
		{patient + busy, all, []string{"the GPU driver answers again", "GPU 1 is back"}},
		{"0 DeviceGetPowerUsage ~ 50\n" + busy, all, nil},
	}
	var scripts []string
	for _, s := range stages {
		scripts = append(scripts, s.script)
	}
	text, err := json.Marshal(scripts)
	if err != nil {
		t.Fatal(err)
	}
	out := perform(t, "sample", library, "", "LD_LIBRARY_PATH="+filepath.Dir(library), "GPU_TEST_STAGES="+string(text))
	for i, s := range stages {
		if diff := cmp.Diff(s.samples, out[i].Samples, cmpopts.IgnoreFields(Sample{}, "At")); diff != "" {
			t.Errorf("stage %d, samples (-want +got):\n%s", i, diff)
		}
		// The script may change in the middle of a round: either may come first.
		if diff := cmp.Diff(s.warnings, out[i].Warnings, cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("stage %d, warnings (-want +got):\n%s", i, diff)
		}
	}
}

// Of an instance of a GPU that is split, NVML tells the memory; what it tells of the
// whole GPU alone is unknown, not the GPU's.
func TestSamplerOfInstances(t *testing.T) {
	t.Parallel()
	library := build(t)
	text, err := json.Marshal([]string{`
0 DeviceGetMigMode = 1 1
0 DeviceGetMaxMigDeviceCount = 3
0.0 DeviceGetUUID = MIG-0
0.0 DeviceGetName = NVIDIA H100 80GB HBM3 MIG 1g.10gb
0.0 DeviceGetMemoryInfo_v2 = 10000000000 0 9000000000 1000000000
0.0 DeviceGetComputeRunningProcesses = 4321 700
0.2 DeviceGetUUID = MIG-2
0.2 DeviceGetMemoryInfo_v2 ! 4
` + busy})
	if err != nil {
		t.Fatal(err)
	}
	out := perform(t, "sample", library, "", "LD_LIBRARY_PATH="+filepath.Dir(library), "GPU_TEST_STAGES="+string(text))
	want := []Sample{
		ofH100,
		{UUID: "MIG-0", Instance: new(0), Name: "NVIDIA H100 80GB HBM3 MIG 1g.10gb", MemoryUsed: new(uint64(1e9)), MemoryTotal: new(uint64(1e10)), ProcessMemory: new(uint64(700))},
		{UUID: "MIG-2", Instance: new(2)},
		ofGTX1080,
	}
	if diff := cmp.Diff(want, out[0].Samples, cmpopts.IgnoreFields(Sample{}, "At")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(out[0].Warnings) > 0 {
		t.Errorf("warnings %q", out[0].Warnings)
	}
}

// In a container NVML lists processes by other numbers, or none: what they
// hold is unknown, not zero. Nor is a process's memory zero where the driver
// does not tell it.
func TestProcessMemoryUnknown(t *testing.T) {
	t.Parallel()
	library := build(t)
	for _, processes := range []string{"", "99 1000", "4321 -", "4321 500 4321 -"} {
		script := "0 DeviceGetComputeRunningProcesses = " + processes + "\n1 DeviceGetComputeRunningProcesses ! 3\n" + busy
		text, err := json.Marshal([]string{script})
		if err != nil {
			t.Fatal(err)
		}
		out := perform(t, "sample", library, "", "LD_LIBRARY_PATH="+filepath.Dir(library), "GPU_TEST_STAGES="+string(text))
		want := []Sample{like(ofH100, func(s *Sample) { s.ProcessMemory = nil }), ofGTX1080}
		if diff := cmp.Diff(want, out[0].Samples, cmpopts.IgnoreFields(Sample{}, "At")); diff != "" {
			t.Errorf("processes %q (-want +got):\n%s", processes, diff)
		}
	}
}

// A library without the functions that samples come from ends the process that
// calls them.
func TestSamplerMissingFunctions(t *testing.T) {
	t.Parallel()
	library := build(t, "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo", "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetPowerUsage",
		"nvmlDeviceGetTemperature", "nvmlDeviceGetClockInfo", "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetComputeRunningProcesses_v3")
	text, err := json.Marshal([]string{busy})
	if err != nil {
		t.Fatal(err)
	}
	out := perform(t, "sample", library, "", "LD_LIBRARY_PATH="+filepath.Dir(library), "GPU_TEST_STAGES="+string(text))
	want := outcome{Samples: []Sample{{UUID: h100.UUID, Name: h100.Name}, {UUID: gtx1080.UUID, Name: gtx1080.Name, Index: 1}}}
	if diff := cmp.Diff(want, out[0], cmpopts.IgnoreFields(Sample{}, "At")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Of five rounds a second one asks for everything, the others for what changes
// between them; each sample has all values. A round of all of them is ten
// calls a GPU, and was 1.65 % of a core on a real card.
func TestSamplerAsksForLittle(t *testing.T) {
	library := build(t)
	var devices []nvmltest.GPU
	for range 2 {
		devices = append(devices, nvmltest.GPU{
			Name: "NVIDIA H100 80GB HBM3", MemoryTotal: 80 << 30, MemoryUsed: 40 << 30, UtilizationPercent: 90,
			PowerMW: 600_000, EnergyMJ: 1e9, Processes: map[int]uint64{4321: 39 << 30},
		})
	}
	const rounds = 50
	calls := filepath.Join(t.TempDir(), "calls")
	script := nvmltest.Machine(devices...) + "0 DeviceGetTemperature = 60\n1 DeviceGetTemperature = 61\n0 DeviceGetClockInfo = 1980\n1 DeviceGetClockInfo = 1981\n"
	out := perform(t, "rounds", library, script, "GPU_TEST_ROUNDS="+strconv.Itoa(rounds), "NVML_CALLS="+calls)
	if len(out[0].Samples) != len(devices) {
		t.Fatalf("sampled %v", out[0].Samples)
	}
	for i, s := range out[0].Samples { // of a round that asked for little
		if s.UUID == "" || s.Name != devices[i].Name || s.ProcessMemory == nil || *s.ProcessMemory != 39<<30 || *s.TemperatureC != uint32(60+i) ||
			*s.SMClockMHz != uint32(1980+i) || *s.MemoryUsed != 40<<30 || *s.GPUUtilization != 0.9 || *s.PowerMW != 600_000 || *s.EnergyMJ != 1e9 {
			t.Errorf("GPU %d: %+v", i, s)
		}
	}
	text, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	made := make(map[string]float64) // each round, of each GPU
	all := 0.0
	for line := range strings.Lines(string(text)) {
		who, function, _ := strings.Cut(strings.TrimSpace(line), " ")
		if who != "-" {
			made[function] += 1. / rounds / float64(len(devices))
			all += 1. / rounds / float64(len(devices))
		}
	}
	t.Logf("%.1f calls a round of each GPU: %v", all, made)
	for function, want := range map[string]float64{
		"DeviceGetMemoryInfo_v2": 1, "DeviceGetUtilizationRates": 1, "DeviceGetPowerUsage": 1, "DeviceGetTotalEnergyConsumption": 1,
		"DeviceGetUUID": 0.2, "DeviceGetName": 0.2, "DeviceGetTemperature": 0.2, "DeviceGetClockInfo": 0.2,
	} {
		if got := made[function]; got < want-0.01 || got > want+0.01 {
			t.Errorf("%s is called %.2f times a round, want %v", function, got, want)
		}
	}
	if got := made["DeviceGetComputeRunningProcesses"]; got < 0.1 || got > 0.45 {
		t.Errorf("processes are listed %.2f times a round", got)
	}
	for interval, want := range map[time.Duration]int{time.Millisecond: 5, defaultInterval: 5, 500 * time.Millisecond: 2, time.Second: 1, time.Minute: 1} {
		if got := slowEvery(interval); got != want {
			t.Errorf("sampled every %v, one of %d rounds is whole, want %d", interval, got, want)
		}
	}
}

// At five rounds a second, 2 ms a round are 1 % of a core. The script's own
// reading of its file at each call is part of what is measured.
func BenchmarkSample(b *testing.B) {
	library := build(b)
	var devices []nvmltest.GPU
	for range 8 {
		devices = append(devices, nvmltest.GPU{
			Name: "NVIDIA H100 80GB HBM3", MemoryTotal: 80 << 30, MemoryUsed: 40 << 30, UtilizationPercent: 90,
			PowerMW: 600_000, EnergyMJ: 1e9, Processes: map[int]uint64{4321: 39 << 30},
		})
	}
	out := perform(b, "rounds", library, nvmltest.Machine(devices...), "GPU_TEST_ROUNDS="+strconv.Itoa(b.N))
	if len(out[0].Samples) != len(devices) || out[0].Samples[7].EnergyMJ == nil {
		b.Fatalf("sampled %v", out[0].Samples)
	}
	b.ReportMetric(float64(out[0].Took.Nanoseconds())/float64(b.N), "ns/round")
	b.ReportMetric(0, "ns/op") // of starting a process, too
}

func TestSamplerWithoutAGPU(t *testing.T) {
	t.Parallel()
	library := build(t)
	for script, want := range map[string]string{
		"- Init ! 9\n":           "no GPU samples: open NVML: no NVIDIA driver: its kernel module is not loaded; load it (modprobe nvidia), or start the container with GPU access",
		"- DeviceGetCount = 0\n": "no GPU samples: no NVIDIA GPU",
	} {
		text, err := json.Marshal([]string{script})
		if err != nil {
			t.Fatal(err)
		}
		out := perform(t, "sample", library, "", "LD_LIBRARY_PATH="+filepath.Dir(library), "GPU_TEST_STAGES="+string(text))
		if diff := cmp.Diff([]string{want}, out[0].Warnings); diff != "" || out[0].Samples != nil {
			t.Errorf("%q: samples %v, warnings (-want +got):\n%s", script, out[0].Samples, diff)
		}
	}
}

func TestSelect(t *testing.T) {
	lost := GPU{Index: 2, UUID: "GPU-3", Error: "GPU lost"}
	inv := both(h100, gtx1080, lost)
	for _, c := range []struct {
		wanted []string
		want   []int
		err    string
	}{
		{[]string{"1"}, []int{1}, ""},
		{[]string{gtx1080.UUID, "0"}, []int{1, 0}, ""},
		{[]string{"GPU-zz"}, nil, `there is no GPU "GPU-zz"; there are 0 (` + h100.UUID + ", NVIDIA H100 80GB HBM3), 1 (" + gtx1080.UUID + ", NVIDIA GeForce GTX 1080), 2 (GPU-3, )"},
		{[]string{"0", h100.UUID}, nil, "GPU " + h100.UUID + " is named twice"},
		{[]string{"2"}, nil, "GPU 2 cannot be used: GPU lost"},
	} {
		got, err := inv.Choose(func(string) (string, bool) { return "", false }).Select(c.wanted)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%q: error %v", c.wanted, err)
			}
			continue
		}
		var indexes []int
		for _, g := range got {
			indexes = append(indexes, g.Index)
		}
		if err != nil || !cmp.Equal(indexes, c.want) {
			t.Errorf("%q: %v, error %v", c.wanted, indexes, err)
		}
	}
}
