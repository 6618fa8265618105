//go:build cgo && linux

package gpu

import (
	"fmt"
	"iter"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// A device collects what happens while one GPU is read: its answers, and the
// first fault that ends the reading.
type device struct {
	*NVML
	handle  nvml.Device
	answers []answer
	lost    error
}

// read describes the GPU at an index. The error says why it cannot be used.
func (n *NVML) read(index int) (GPU, error) {
	g := GPU{Index: index}
	asking(index)
	handle, ret := n.lib.DeviceGetHandleByIndex(index)
	if ret != nvml.SUCCESS {
		return g, fault(ret)
	}
	d := &device{NVML: n, handle: handle}

	g.UUID = known(query(d, "UUID", handle.GetUUID, "nvmlDeviceGetUUID"))
	g.Name = known(query(d, "name", handle.GetName, "nvmlDeviceGetName"))
	g.setMemory(query(d, memoryValue, d.memory, "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo"))
	g.ComputeCapability = known(query(d, "compute capability", func() (string, nvml.Return) {
		major, minor, ret := handle.GetCudaComputeCapability()
		return fmt.Sprintf("%d.%d", major, minor), ret
	}, "nvmlDeviceGetCudaComputeCapability"))
	g.PowerLimit = query(d, "power limit", handle.GetEnforcedPowerLimit, "nvmlDeviceGetEnforcedPowerLimit")
	g.MemoryClock = query(d, "memory clock", func() (uint32, nvml.Return) {
		return handle.GetMaxClockInfo(nvml.CLOCK_MEM)
	}, "nvmlDeviceGetMaxClockInfo")
	g.MemoryBusWidth = query(d, "memory bus width", handle.GetMemoryBusWidth, "nvmlDeviceGetMemoryBusWidth")
	g.MIG = d.split()
	if g.MIG != nil && *g.MIG {
		g.Instances = d.instances(g)
	}
	g.PCIe = d.pcie()
	g.NVLink = query(d, "NVLink", d.nvlink, "nvmlDeviceGetNvLinkState")

	for _, a := range d.answers {
		if a.err != nil {
			g.Warnings = append(g.Warnings, fmt.Sprintf("%s: %v", a.value, a.err))
		}
	}
	return g, d.lost
}

// instances are the parts of a GPU that is split. One that cannot be read is
// listed with what is known.
func (d *device) instances(of GPU) (all []GPU) {
	for number, part := range d.parts() {
		g := GPU{Index: of.Index, Instance: &number, ComputeCapability: of.ComputeCapability}
		g.UUID = known(query(part, "UUID", part.handle.GetUUID, "nvmlDeviceGetUUID"))
		if g.Name = known(query(part, "name", part.handle.GetName, "nvmlDeviceGetName")); g.Name == "" {
			g.Name = of.Name + " MIG"
		}
		g.setMemory(query(part, memoryValue, part.memory, "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo"))
		all = append(all, g)
	}
	return all
}

// split says whether the GPU is split into instances; nil where it cannot be.
func (d *device) split() *bool {
	return query(d, "MIG mode", func() (bool, nvml.Return) {
		current, _, ret := d.handle.GetMigMode()
		return current == nvml.DEVICE_MIG_ENABLE, ret
	}, "nvmlDeviceGetMigMode")
}

// parts are the devices of the instances of a GPU that is split, by number.
func (d *device) parts() iter.Seq2[int, *device] {
	return func(yield func(int, *device) bool) {
		most := query(d, "MIG instances", d.handle.GetMaxMigDeviceCount, "nvmlDeviceGetMaxMigDeviceCount")
		if most == nil || !d.has("nvmlDeviceGetMigDeviceHandleByIndex") {
			return
		}
		for number := range *most {
			handle, ret := d.handle.GetMigDeviceHandleByIndex(number)
			if ret != nvml.SUCCESS {
				continue // there is none of that number
			}
			if !yield(number, &device{NVML: d.NVML, handle: handle}) {
				return
			}
		}
	}
}

// query makes one NVML call, if the library has the function and the device
// still answers. The result is nil for whatever is not known.
func query[T any](d *device, value string, call func() (T, nvml.Return), versions ...string) *T {
	if d.lost != nil {
		return nil
	}
	a := answer{value: value}
	defer func() { d.answers = append(d.answers, a) }()
	if !d.has(versions...) {
		return nil
	}
	v, ret := call()
	switch ret {
	case nvml.SUCCESS:
		a.known = true
		return &v
	case nvml.ERROR_NOT_SUPPORTED, nvml.ERROR_FUNCTION_NOT_FOUND:
	case nvml.ERROR_GPU_IS_LOST, nvml.ERROR_RESET_REQUIRED:
		d.lost = fault(ret)
	default:
		a.err = fault(ret)
	}
	return nil
}

func known(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (g *GPU) setMemory(m *memory) {
	if m != nil {
		g.MemoryTotal, g.MemoryUsed, g.MemoryFree, g.MemoryReserved = &m.total, &m.used, &m.free, m.reserved
	}
}

type memory struct {
	total, used, free uint64
	reserved          *uint64
}

// memory prefers the call that tells what processes hold from what the driver
// keeps for itself, and falls back where library or driver are too old for it.
// No memory at all is that of a GPU that has none of its own.
func (d *device) memory() (memory, nvml.Return) {
	m, ret := d.told()
	if ret == nvml.SUCCESS && m.total == 0 {
		ret = nvml.ERROR_NOT_SUPPORTED
	}
	return m, ret
}

func (d *device) told() (memory, nvml.Return) {
	if d.has("nvmlDeviceGetMemoryInfo_v2") {
		m, ret := d.handle.GetMemoryInfo_v2()
		tooOld := ret == nvml.ERROR_ARGUMENT_VERSION_MISMATCH || ret == nvml.ERROR_FUNCTION_NOT_FOUND || ret == nvml.ERROR_NOT_SUPPORTED
		if !tooOld || !d.has("nvmlDeviceGetMemoryInfo") {
			return memory{total: m.Total, used: m.Used, free: m.Free, reserved: &m.Reserved}, ret
		}
	}
	m, ret := d.handle.GetMemoryInfo()
	return memory{total: m.Total, used: m.Used, free: m.Free}, ret
}

func (d *device) pcie() *PCIe {
	info := query(d, "PCI address", d.handle.GetPciInfo, "nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo")
	p := PCIe{
		Generation: number(query(d, "PCIe generation", d.handle.GetMaxPcieLinkGeneration, "nvmlDeviceGetMaxPcieLinkGeneration")),
		Lanes:      number(query(d, "PCIe lanes", d.handle.GetMaxPcieLinkWidth, "nvmlDeviceGetMaxPcieLinkWidth")),
	}
	if info != nil {
		p.BusID = text(info.BusId[:])
		if p.BusID == "" { // the first version of the call fills only this one
			p.BusID = text(info.BusIdLegacy[:])
		}
	}
	if p == (PCIe{}) {
		return nil
	}
	return &p
}

func number(n *int) *uint32 {
	if n == nil {
		return nil
	}
	return new(uint32(*n))
}

// text reads a C string.
func text(chars []int8) string {
	var b []byte
	for _, c := range chars {
		if c == 0 {
			break
		}
		b = append(b, byte(c))
	}
	return string(b)
}

// nvlinkVersions are the names of nvmlNvlinkVersion_t, by value.
var nvlinkVersions = []string{"", "1.0", "2.0", "2.2", "3.0", "3.1", "4.0", "5.0", "6.0"}

// nvlink counts link by link: NVML has no count, and numbers without a link
// behind them are not supported or, past the last, an invalid argument. A link
// whose state is refused leaves the count unknown.
func (d *device) nvlink() (NVLink, nvml.Return) {
	var up NVLink
	outcome := nvml.ERROR_NOT_SUPPORTED // until one link answers
	for link := range nvml.NVLINK_MAX_LINKS {
		state, ret := d.handle.GetNvLinkState(link)
		if ret == nvml.ERROR_INVALID_ARGUMENT {
			break
		}
		if ret == nvml.ERROR_NOT_SUPPORTED {
			continue
		}
		if ret != nvml.SUCCESS {
			return NVLink{}, ret
		}
		outcome = nvml.SUCCESS
		if state != nvml.FEATURE_ENABLED {
			continue
		}
		up.Links++
		if up.Version == "" && d.has("nvmlDeviceGetNvLinkVersion") {
			v, ret := d.handle.GetNvLinkVersion(link)
			if ret == nvml.SUCCESS && int(v) < len(nvlinkVersions) {
				up.Version = nvlinkVersions[v]
			}
		}
	}
	return up, outcome
}
