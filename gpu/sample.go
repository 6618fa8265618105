//go:build cgo && linux

package gpu

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Sample reads what changes of all GPUs, once. faults holds, by index, why a
// GPU was left out. The error is one of the driver: no GPU can be read until
// it is opened again.
func (n *NVML) Sample(owns func(pid int) bool) (round []Sample, faults map[int]error, err error) {
	calls.Lock()
	defer calls.Unlock()
	if n.closed {
		return nil, nil, fmt.Errorf("sample the GPUs: %w", ErrClosed)
	}
	count, ret := n.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, nil, fmt.Errorf("count the GPUs: %w", fault(ret))
	}
	if count == 0 {
		return nil, nil, ErrNoGPU
	}
	faults = make(map[int]error)
	for index := range count {
		s, err := n.sample(index, owns)
		if err != nil {
			faults[index] = err
			continue
		}
		round = append(round, s)
	}
	if len(round) == 0 && !errors.Is(faults[0], ErrPermission) {
		// A driver that was restarted knows none of the old handles.
		return nil, faults, fmt.Errorf("no GPU answers: %w", faults[0])
	}
	return round, faults, nil
}

func (n *NVML) sample(index int, owns func(pid int) bool) (Sample, error) {
	handle, ret := n.lib.DeviceGetHandleByIndex(index)
	if ret != nvml.SUCCESS {
		return Sample{}, fault(ret)
	}
	d := &device{NVML: n, handle: handle}
	s := Sample{At: time.Now(), Index: index}
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
	return s, d.lost
}

// held is the memory of the processes that are owned.
func (d *device) held(owns func(pid int) bool) *uint64 {
	processes := query(d, "processes", d.handle.GetComputeRunningProcesses,
		"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetComputeRunningProcesses")
	if processes == nil {
		return nil
	}
	var sum uint64
	recognised := len(*processes) == 0
	for _, p := range *processes {
		if p.UsedGpuMemory == math.MaxUint64 { // NVML_VALUE_NOT_AVAILABLE
			return nil
		}
		if owns(int(p.Pid)) {
			sum += p.UsedGpuMemory
			recognised = true
		}
	}
	if !recognised {
		return nil
	}
	return &sum
}

// Memory is the memory in use on GPUs, in bytes by UUID. One that cannot be
// read is left out.
func (n *NVML) Memory(uuids []string) (map[string]uint64, error) {
	round, _, err := n.Sample(nil)
	if err != nil {
		return nil, err
	}
	used := make(map[string]uint64)
	for _, s := range round {
		for _, u := range uuids {
			if s.UUID == u && s.MemoryUsed != nil {
				used[u] = *s.MemoryUsed
			}
		}
	}
	return used, nil
}
