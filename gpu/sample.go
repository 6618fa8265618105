//go:build cgo && linux

package gpu

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Samples reads once what changes of the GPUs that can be read; Inventory says
// why others cannot. It knows of no process, so ProcessMemory is nil.
func (n *NVML) Samples() ([]Sample, error) {
	readings, err := ask(context.Background(), func() ([]reading, error) { return n.readings(nil, true) })
	if err != nil {
		return nil, err
	}
	var samples []Sample
	for _, r := range readings {
		if r.err == nil {
			samples = append(append(samples, r.sample), r.parts...)
		}
	}
	return samples, nil
}

// A slow part of a sample is what changes slowly or never, and is asked less
// often than the rest. The lists of processes cost the most.
type slow struct {
	uuid, name  string
	temperature *uint32 // degrees Celsius
	clock       *uint32 // MHz
	ownedMemory *uint64 // bytes
	answers     []answer
	parts       []part
}

// A part is an instance of a GPU that is split. NVML tells its memory: of its
// power, energy and utilization, which are the whole GPU's, nothing.
type part struct {
	number int
	device *device
	slow
}

func (p part) sample(of Sample) Sample {
	s := Sample{At: of.At, Index: of.Index, Instance: &p.number, UUID: p.uuid, Name: p.name, ProcessMemory: p.ownedMemory}
	if m := query(p.device, memoryValue, p.device.memory, "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo"); m != nil {
		s.MemoryUsed, s.MemoryTotal = &m.used, &m.total
	}
	return s
}

// readings reads all GPUs once, for who has the turn: all of each where whole is
// set, else with what is slow as it was read last. The error is one of the driver:
// no GPU can be read until it is opened again.
func (n *NVML) readings(owns func(pid int) bool, whole bool) ([]reading, error) {
	if n.closed {
		return nil, fmt.Errorf("sample the GPUs: %w", ErrClosed)
	}
	count, ret := n.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("count the GPUs: %w", fault(ret))
	}
	if count == 0 {
		return nil, ErrNoGPU
	}
	if whole || len(n.slow) != count { // one may stand in another's place
		clear(n.slow)
	}
	all := make([]reading, count)
	failed := 0
	for index := range count {
		all[index] = n.sample(index, owns)
		if err := all[index].err; err != nil && !errors.Is(err, ErrPermission) {
			failed++
		}
	}
	if failed == count {
		// A driver that was restarted knows none of its devices.
		return nil, fmt.Errorf("no GPU answers: %w", all[0].err)
	}
	return all, nil
}

func (n *NVML) sample(index int, owns func(pid int) bool) reading {
	r := reading{sample: Sample{At: time.Now(), Index: index}}
	asking(index)
	handle, ret := n.lib.DeviceGetHandleByIndex(index)
	if ret != nvml.SUCCESS {
		delete(n.slow, index)
		r.err = fault(ret)
		return r
	}
	d, s := &device{NVML: n, handle: handle}, &r.sample
	last, known := n.slow[index]
	if !known {
		last = d.slowly(owns)
	}
	s.UUID, s.Name, s.TemperatureC, s.SMClockMHz, s.ProcessMemory = last.uuid, last.name, last.temperature, last.clock, last.ownedMemory
	d.answers = nil
	if m := query(d, "memory", d.memory, "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo"); m != nil {
		s.MemoryUsed, s.MemoryTotal = &m.used, &m.total
	}
	if u := query(d, "utilization", handle.GetUtilizationRates, "nvmlDeviceGetUtilizationRates"); u != nil {
		s.GPUUtilization, s.MemoryUtilization = new(float64(u.Gpu)/100), new(float64(u.Memory)/100)
	}
	s.PowerMW = query(d, "power", handle.GetPowerUsage, "nvmlDeviceGetPowerUsage")
	s.EnergyMJ = query(d, "energy", handle.GetTotalEnergyConsumption, "nvmlDeviceGetTotalEnergyConsumption")
	for _, part := range last.parts {
		r.parts = append(r.parts, part.sample(*s))
	}
	if n.slow[index] = last; d.lost != nil {
		delete(n.slow, index)
	}
	r.answers, r.err = slices.Concat(last.answers, d.answers), d.lost
	return r
}

// slowly reads what is slow.
func (d *device) slowly(owns func(pid int) bool) slow {
	s := slow{
		uuid: known(query(d, "UUID", d.handle.GetUUID, "nvmlDeviceGetUUID")),
		name: known(query(d, "name", d.handle.GetName, "nvmlDeviceGetName")),
		temperature: query(d, "temperature", func() (uint32, nvml.Return) {
			return d.handle.GetTemperature(nvml.TEMPERATURE_GPU)
		}, "nvmlDeviceGetTemperature"),
		clock: query(d, "SM clock", func() (uint32, nvml.Return) {
			return d.handle.GetClockInfo(nvml.CLOCK_SM)
		}, "nvmlDeviceGetClockInfo"),
	}
	if owns != nil {
		s.ownedMemory = d.held(owns)
	}
	s.answers = d.answers
	if split := d.split(); split == nil || !*split {
		return s
	}
	for number, of := range d.parts() {
		one := part{number: number, device: of}
		one.uuid = known(query(of, "UUID", of.handle.GetUUID, "nvmlDeviceGetUUID"))
		one.name = known(query(of, "name", of.handle.GetName, "nvmlDeviceGetName"))
		if owns != nil {
			one.ownedMemory = of.held(owns)
		}
		s.parts = append(s.parts, one)
	}
	return s
}

// held is the memory of the owned processes, nil where it is not told or none of
// them is listed.
func (d *device) held(owns func(pid int) bool) (sum *uint64) {
	processes := d.computing()
	if processes == nil {
		return nil
	}
	for _, p := range *processes {
		switch {
		case !owns(int(p.Pid)):
		case p.UsedGpuMemory == math.MaxUint64: // NVML_VALUE_NOT_AVAILABLE
			return nil
		case sum == nil:
			sum = new(p.UsedGpuMemory)
		default:
			*sum += p.UsedGpuMemory
		}
	}
	return sum
}
