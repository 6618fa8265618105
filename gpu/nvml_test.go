//go:build cgo && linux

package gpu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A data centre GPU with everything, and a workstation's with much less.
const twoGPUs = `
- SystemGetDriverVersion = 550.54.15
- SystemGetCudaDriverVersion = 12040
- DeviceGetCount = 2

0 DeviceGetUUID = GPU-11111111-2222-3333-4444-555555555555
0 DeviceGetName = NVIDIA H100 80GB HBM3
0 DeviceGetMemoryInfo_v2 = 85520809984 617611264 84901101568 2097152
0 DeviceGetMemoryInfo = 85520809984 84901101568 619708416
0 DeviceGetCudaComputeCapability = 9 0
0 DeviceGetEnforcedPowerLimit = 700000
0 DeviceGetMaxClockInfo = 2619
0 DeviceGetMemoryBusWidth = 5120
0 DeviceGetMigMode = 0 1
0 DeviceGetPciInfo = 00000000:1B:00.0
0 DeviceGetMaxPcieLinkGeneration = 5
0 DeviceGetMaxPcieLinkWidth = 16
0 DeviceGetNvLinkState = uundu
0 DeviceGetNvLinkVersion = 6

1 DeviceGetUUID = GPU-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
1 DeviceGetName = NVIDIA GeForce GTX 1080
1 DeviceGetMemoryInfo_v2 ! 3
1 DeviceGetMemoryInfo = 8589934592 8000000000 589934592
1 DeviceGetCudaComputeCapability = 6 1
1 DeviceGetPciInfo = 00000000:65:00.0
`

var (
	h100 = GPU{
		UUID: "GPU-11111111-2222-3333-4444-555555555555", Index: 0, Name: "NVIDIA H100 80GB HBM3",
		MemoryTotal: new(uint64(85520809984)), MemoryReserved: new(uint64(617611264)),
		MemoryFree: new(uint64(84901101568)), MemoryUsed: new(uint64(2097152)),
		ComputeCapability: "9.0", PowerLimit: new(uint32(700000)),
		MemoryClock: new(uint32(2619)), MemoryBusWidth: new(uint32(5120)), MIG: new(false),
		PCIe:   &PCIe{BusID: "00000000:1B:00.0", Generation: new(uint32(5)), Lanes: new(uint32(16))},
		NVLink: &NVLink{Version: "4.0", Links: 3},
	}
	gtx1080 = GPU{
		UUID: "GPU-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", Index: 1, Name: "NVIDIA GeForce GTX 1080",
		MemoryTotal: new(uint64(8589934592)), MemoryFree: new(uint64(8000000000)), MemoryUsed: new(uint64(589934592)),
		ComputeCapability: "6.1",
		PCIe:              &PCIe{BusID: "00000000:65:00.0"},
	}
)

func both(gpus ...GPU) Inventory {
	return Inventory{Driver: "550.54.15", CUDA: "12.4", GPUs: gpus}
}

// but is a GPU with something changed.
func but(g GPU, change func(*GPU)) GPU {
	change(&g)
	return g
}

const (
	lostText  = "GPU lost: it fell off the bus; look for Xid in the kernel log and restart the machine"
	rightText = "no permission to use the GPU; check the rights on /dev/nvidia*"
)

func TestInventory(t *testing.T) {
	library := build(t)
	tests := []struct {
		name   string
		script string // read before twoGPUs' lines, which it overrides
		want   outcome
	}{
		{"two GPUs that support different things", "", outcome{Inventory: both(h100, gtx1080)}},
		{"no devices", "- DeviceGetCount = 0", outcome{
			Inventory: both([]GPU{}...),
			Error:     "no NVIDIA GPU: the driver is there and lists no device; in a container, start it with GPU access",
			Is:        []string{"no NVIDIA GPU"},
		}},
		{"nothing supported but to be there", "- DeviceGetCount = 3", outcome{
			Inventory: both(h100, gtx1080, GPU{Index: 2}),
		}},
		{"driver and CUDA versions refused", "- SystemGetDriverVersion ! 999\n- SystemGetCudaDriverVersion ! 999", outcome{
			Inventory: Inventory{GPUs: []GPU{h100, gtx1080}},
		}},
		{"MIG in use, memory only for root", "0 DeviceGetMigMode = 1 1\n0 DeviceGetMemoryInfo_v2 ! 4", outcome{
			Inventory: both(but(h100, func(g *GPU) {
				g.MIG = new(true)
				g.MemoryTotal, g.MemoryUsed, g.MemoryFree, g.MemoryReserved = nil, nil, nil, nil
				g.Warnings = []string{"memory: " + rightText}
			}), gtx1080),
		}},
		{"lost before it is opened", "1 DeviceGetHandleByIndex ! 15", outcome{
			Inventory: both(h100, GPU{Index: 1, Error: lostText}),
		}},
		{"lost while it is read", "1 DeviceGetMemoryInfo_v2 ! 15", outcome{
			Inventory: both(h100, GPU{Index: 1, UUID: gtx1080.UUID, Name: gtx1080.Name, Error: lostText}),
		}},
		{"lost at the last question", "0 DeviceGetNvLinkState = uul", outcome{
			Inventory: both(but(h100, func(g *GPU) { g.NVLink, g.Error = nil, lostText }), gtx1080),
		}},
		{"needs a reset", "0 DeviceGetHandleByIndex ! 16", outcome{
			Inventory: both(GPU{Index: 0, Error: "GPU lost: it needs a reset (nvidia-smi --gpu-reset)"}, gtx1080),
		}},
		{"one device not for this user", "0 DeviceGetHandleByIndex ! 4", outcome{
			Inventory: both(GPU{Index: 0, Error: rightText}, gtx1080),
		}},
		{"none usable", "0 DeviceGetHandleByIndex ! 15\n1 DeviceGetHandleByIndex ! 4", outcome{
			Inventory: both(GPU{Index: 0, Error: lostText}, GPU{Index: 1, Error: rightText}),
			Error:     "no usable GPU: GPU 0: " + lostText + "\nGPU 1: " + rightText,
			Is:        []string{"no permission to use the GPU", "GPU lost"},
		}},
		{"counting refused", "- DeviceGetCount ! 999", outcome{
			Inventory: Inventory{Driver: "550.54.15", CUDA: "12.4", GPUs: []GPU{}},
			Error:     "count the GPUs: NVML failed with code 999; nvidia-smi may say more",
		}},
		{"an unknown fault at one value", "0 DeviceGetMemoryBusWidth ! 999", outcome{
			Inventory: both(but(h100, func(g *GPU) {
				g.MemoryBusWidth = nil
				g.Warnings = []string{"memory bus width: NVML failed with code 999; nvidia-smi may say more"}
			}), gtx1080),
		}},
		{"one link's state refused", "0 DeviceGetNvLinkState = uup", outcome{
			Inventory: both(but(h100, func(g *GPU) { g.NVLink, g.Warnings = nil, []string{"NVLink: " + rightText} }), gtx1080),
		}},
		{"all links down", "0 DeviceGetNvLinkState = ddd", outcome{
			Inventory: both(but(h100, func(g *GPU) { g.NVLink = &NVLink{} }), gtx1080),
		}},
		{"an NVLink newer than we know", "0 DeviceGetNvLinkVersion = 99", outcome{
			Inventory: both(but(h100, func(g *GPU) { g.NVLink = &NVLink{Links: 3} }), gtx1080),
		}},
		{"a driver too old for the second memory call", "0 DeviceGetMemoryInfo_v2 ! 25", outcome{
			Inventory: both(but(h100, func(g *GPU) { g.MemoryReserved, g.MemoryUsed = nil, new(uint64(619708416)) }), gtx1080),
		}},
		{"closing fails", "- Shutdown ! 999", outcome{
			Inventory: both(h100, gtx1080),
			Error:     "close NVML: NVML failed with code 999; nvidia-smi may say more",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := perform(t, "read", library, tt.script+twoGPUs)
			if diff := cmp.Diff([]outcome{tt.want}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The fake ends the process at any call after an nvmlInit that failed.
func TestInitFails(t *testing.T) {
	library := build(t)
	tests := []struct {
		code string
		is   []string
		says string
	}{
		{"9", []string{"no NVIDIA driver"}, "modprobe nvidia"},
		{"12", []string{"no NVIDIA driver"}, "reinstall the driver"},
		{"18", []string{"NVIDIA driver and library versions differ"}, "restart the machine"},
		{"4", []string{"no permission to use the GPU"}, "/dev/nvidia*"},
		{"17", []string{"no permission to use the GPU"}, "container's device rules"},
		{"28", []string{"no NVIDIA GPU"}, "no NVIDIA GPU"},
		{"15", []string{"GPU lost"}, "fell off the bus"},
		{"8", nil, "power cables"},
		{"11", nil, "interrupt"},
		{"10", nil, "timed out"},
		{"14", nil, "infoROM"},
		{"999", nil, "code 999"},
		{"12345", nil, "code 12345"},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			got := perform(t, "again", library, "- Init ! "+tt.code+twoGPUs)
			if len(got) != 3 {
				t.Fatalf("%d outcomes, want 3", len(got))
			}
			for _, o := range got {
				if !strings.HasPrefix(o.Error, "open NVML: ") || !strings.Contains(o.Error, tt.says) {
					t.Errorf("error %q, want one that says %q", o.Error, tt.says)
				}
				if diff := cmp.Diff(tt.is, o.Is); diff != "" {
					t.Errorf("matches (-want +got)\n%s", diff)
				}
			}
		})
	}
}

// A library that lacks a function ends the process that calls it.
func TestMissingFunctions(t *testing.T) {
	tests := []struct {
		name    string
		without []string
		want    outcome
	}{
		{"optional ones", []string{
			"nvmlSystemGetDriverVersion", "nvmlSystemGetCudaDriverVersion", "nvmlDeviceGetUUID", "nvmlDeviceGetName",
			"nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo", "nvmlDeviceGetCudaComputeCapability",
			"nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetMaxClockInfo", "nvmlDeviceGetMemoryBusWidth", "nvmlDeviceGetMigMode",
			"nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo", "nvmlDeviceGetMaxPcieLinkGeneration", "nvmlDeviceGetMaxPcieLinkWidth",
			"nvmlDeviceGetNvLinkState", "nvmlDeviceGetNvLinkVersion",
		}, outcome{Inventory: Inventory{GPUs: []GPU{{Index: 0}, {Index: 1}}}}},
		{"NVLink version only", []string{"nvmlDeviceGetNvLinkVersion"}, outcome{
			Inventory: both(but(h100, func(g *GPU) { g.NVLink = &NVLink{Links: 3} }), gtx1080),
		}},
		{"all later versions", []string{
			"nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetPciInfo_v3",
		}, outcome{
			Inventory: both(but(h100, func(g *GPU) {
				g.MemoryReserved, g.MemoryUsed = nil, new(uint64(619708416))
				g.PCIe = &PCIe{BusID: "0000:1B:00.0", Generation: new(uint32(5)), Lanes: new(uint32(16))}
			}), but(gtx1080, func(g *GPU) { g.PCIe = &PCIe{BusID: "0000:65:00.0"} })),
		}},
		{"first memory call", []string{"nvmlDeviceGetMemoryInfo"}, outcome{
			Inventory: both(h100, but(gtx1080, func(g *GPU) { g.MemoryTotal, g.MemoryUsed, g.MemoryFree = nil, nil, nil })),
		}},
		{"nvmlInit", []string{"nvmlInit_v2", "nvmlInit"}, outcome{
			Error: "open NVML: no NVIDIA driver: LIBRARY has no nvmlInit_v2; reinstall the driver", Is: []string{"no NVIDIA driver"},
		}},
		{"nvmlShutdown", []string{"nvmlShutdown"}, outcome{
			Error: "open NVML: no NVIDIA driver: LIBRARY has no nvmlShutdown; reinstall the driver", Is: []string{"no NVIDIA driver"},
		}},
		{"nvmlDeviceGetCount", []string{"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"}, outcome{
			Error: "open NVML: no NVIDIA driver: LIBRARY has no nvmlDeviceGetCount_v2; reinstall the driver", Is: []string{"no NVIDIA driver"},
		}},
		{"nvmlDeviceGetHandleByIndex", []string{"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"}, outcome{
			Error: "open NVML: no NVIDIA driver: LIBRARY has no nvmlDeviceGetHandleByIndex_v2; reinstall the driver", Is: []string{"no NVIDIA driver"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			library := build(t, tt.without...)
			got := perform(t, "read", library, twoGPUs)
			got[0].Error = strings.ReplaceAll(got[0].Error, library, "LIBRARY")
			if diff := cmp.Diff([]outcome{tt.want}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestLibraryDoesNotLoad(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), libraryName)
	if err := os.WriteFile(garbage, []byte("not a shared library, and long enough to be read as one\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ library, says string }{
		"absent":    {filepath.Join(t.TempDir(), libraryName), "No such file or directory"},
		"garbage":   {garbage, "file"},
		"a library": {"libm.so.6", "libm.so.6 has no nvmlInit_v2"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, got := range perform(t, "again", tt.library, "") {
				if diff := cmp.Diff([]string{"no NVIDIA driver"}, got.Is); diff != "" {
					t.Errorf("matches (-want +got)\n%s", diff)
				}
				if !strings.HasPrefix(got.Error, "open NVML: no NVIDIA driver: ") || !strings.Contains(got.Error, tt.says) {
					t.Errorf("error %q, want one that says %q", got.Error, tt.says)
				}
			}
		})
	}
}

// Discover takes the library that the dynamic loader finds by its name.
func TestDiscover(t *testing.T) {
	path := "LD_LIBRARY_PATH=" + filepath.Dir(build(t))
	tests := []struct {
		name, script string
		want         outcome
	}{
		{"two GPUs", "", outcome{Inventory: both(h100, gtx1080)}},
		{"does not open", "- Init ! 18", outcome{
			Error: "open NVML: NVIDIA driver and library versions differ; " + placeOf("/").withMismatch(),
			Is:    []string{"NVIDIA driver and library versions differ"},
		}},
		{"does not close, and what was read stands", "- Shutdown ! 999", outcome{Inventory: both(h100, gtx1080)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := perform(t, "discover", "", tt.script+twoGPUs, path)
			if diff := cmp.Diff([]outcome{tt.want}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestHandles(t *testing.T) {
	library := build(t)
	want := outcome{Inventory: both(h100, gtx1080)}

	for act, times := range map[string]int{"again": 3, "together": 200} {
		t.Run(act, func(t *testing.T) {
			got := perform(t, act, library, twoGPUs)
			if len(got) != times {
				t.Fatalf("%d outcomes, want %d", len(got), times)
			}
			for _, o := range got {
				if diff := cmp.Diff(want, o); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}

	t.Run("a GPU goes and the handle is closed", func(t *testing.T) {
		got := perform(t, "watch", library, twoGPUs+"\nTHEN\n"+"0 DeviceGetUUID ! 15"+twoGPUs)
		after := outcome{Inventory: both(GPU{Index: 0, Error: lostText}, gtx1080)}
		closed := outcome{Error: "read the GPU inventory: NVML handle is closed", Is: []string{"NVML handle is closed"}}
		if diff := cmp.Diff([]outcome{want, after, closed}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
