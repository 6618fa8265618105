//go:build cgo && linux

package gpu

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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
	// What it does not support is unknown, and so is the memory of processes
	// none of which is recognised.
	ofGTX1080 = Sample{UUID: gtx1080.UUID, Index: 1, Name: gtx1080.Name, MemoryUsed: gtx1080.MemoryUsed, MemoryTotal: gtx1080.MemoryTotal}
)

// A sampler goes through what can happen to GPUs and their driver, says each
// thing once, and samples on.
func TestSampler(t *testing.T) {
	library := build(t)
	const refused = "1 DeviceGetUUID ! 4\n1 DeviceGetHandleByIndex ! 4\n"
	stages := []struct {
		script   string
		samples  []Sample
		warnings []string
	}{
		{busy, []Sample{ofH100, ofGTX1080}, nil},
		{"0 DeviceGetPowerUsage ! 3\n0 DeviceGetTotalEnergyConsumption ! 3\n" + busy, []Sample{func() Sample {
			s := ofH100
			s.PowerMW, s.EnergyMJ = nil, nil
			return s
		}(), ofGTX1080}, nil},
		{"0 DeviceGetUtilizationRates ! 15\n" + busy, []Sample{ofGTX1080}, []string{"GPU 0 is not sampled for now: " + lostText}},
		{busy, []Sample{ofH100, ofGTX1080}, []string{"GPU 0 is back"}},
		{refused + busy, []Sample{ofH100}, []string{"GPU 1 is not sampled for now: " + rightText}},
		{"- DeviceGetCount ! 9\n" + refused + busy, nil, []string{"no GPU samples for now: count the GPUs: no NVIDIA driver: its kernel module is not loaded; load it (modprobe nvidia), or start the container with GPU access"}},
		{busy, []Sample{ofH100, ofGTX1080}, []string{"the GPU driver answers again", "GPU 1 is back"}},
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
		if diff := cmp.Diff(s.warnings, out[i].Warnings); diff != "" {
			t.Errorf("stage %d, warnings (-want +got):\n%s", i, diff)
		}
	}
}

func TestSamplerWithoutAGPU(t *testing.T) {
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
		got, err := inv.Select(c.wanted)
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
