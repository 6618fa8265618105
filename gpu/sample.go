//go:build cgo && linux

package gpu

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Samples reads once what changes of the GPUs that can be read; Inventory says
// why others cannot. It knows of no process, so ProcessMemory is nil.
func (n *NVML) Samples() ([]Sample, error) {
	readings, err := ask(context.Background(), func() ([]reading, error) { return n.readings(nil) })
	if err != nil {
		return nil, err
	}
	var samples []Sample
	for _, r := range readings {
		if r.err == nil {
			samples = append(samples, r.sample)
		}
	}
	return samples, nil
}

// readings reads all GPUs once, for who has the turn. The error is one of the
// driver: no GPU can be read until it is opened again.
func (n *NVML) readings(owns func(pid int) bool) ([]reading, error) {
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
		r.err = fault(ret)
		return r
	}
	d, s := &device{NVML: n, handle: handle}, &r.sample
	s.UUID = known(query(d, "UUID", handle.GetUUID, "nvmlDeviceGetUUID"))
	s.Name = known(query(d, "name", handle.GetName, "nvmlDeviceGetName"))
	if m := query(d, "memory", d.memory, "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo"); m != nil {
		s.MemoryUsed, s.MemoryTotal = &m.used, &m.total
	}
	if u := query(d, "utilization", handle.GetUtilizationRates, "nvmlDeviceGetUtilizationRates"); u != nil {
		s.GPUUtilization, s.MemoryUtilization = new(float64(u.Gpu)/100), new(float64(u.Memory)/100)
	}
	s.PowerMW = query(d, "power", handle.GetPowerUsage, "nvmlDeviceGetPowerUsage")
	s.TemperatureC = query(d, "temperature", func() (uint32, nvml.Return) {
		return handle.GetTemperature(nvml.TEMPERATURE_GPU)
	}, "nvmlDeviceGetTemperature")
	s.SMClockMHz = query(d, "SM clock", func() (uint32, nvml.Return) {
		return handle.GetClockInfo(nvml.CLOCK_SM)
	}, "nvmlDeviceGetClockInfo")
	s.EnergyMJ = query(d, "energy", handle.GetTotalEnergyConsumption, "nvmlDeviceGetTotalEnergyConsumption")
	if owns != nil {
		s.ProcessMemory = d.held(owns)
	}
	r.answers, r.err = d.answers, d.lost
	return r
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
