//go:build cgo && linux

package gpu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// usage is what is held on GPUs. Who no longer waits for it, as ctx says, is
// not served to the end: others wait for the turn.
func (n *NVML) usage(ctx context.Context, uuids []string) (map[string]Usage, error) {
	count, ret := n.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("count the GPUs: %w", fault(ret))
	}
	all := make(map[string]Usage)
	var faults []error
	for index := range count {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		asking(index)
		handle, ret := n.lib.DeviceGetHandleByIndex(index)
		if ret != nvml.SUCCESS {
			faults = append(faults, fmt.Errorf("GPU %d: %w", index, fault(ret)))
			continue
		}
		d := &device{NVML: n, handle: handle}
		uuid := known(query(d, "UUID", handle.GetUUID, "nvmlDeviceGetUUID"))
		if slices.Contains(uuids, uuid) {
			m := query(d, "memory", d.memory, "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMemoryInfo")
			processes := d.processes()
			if m != nil && d.lost == nil {
				all[uuid] = Usage{Used: m.used, Total: m.total, Processes: processes}
			}
		}
		if slices.ContainsFunc(uuids, func(uuid string) bool { return strings.HasPrefix(uuid, "MIG-") }) {
			for _, i := range d.instances(GPU{Index: index}) {
				if slices.Contains(uuids, i.UUID) && i.MemoryUsed != nil {
					all[i.UUID] = Usage{Used: *i.MemoryUsed, Total: *i.MemoryTotal}
				}
			}
		}
		for _, a := range d.answers {
			d.lost = cmp.Or(d.lost, a.err)
		}
		if d.lost != nil {
			faults = append(faults, fmt.Errorf("GPU %d: %w", index, d.lost))
		}
	}
	if len(all) == 0 && len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return all, nil
}

// computing are the processes with kernels, nil where they are not told.
func (d *device) computing() *[]nvml.ProcessInfo {
	return query(d, "processes", d.handle.GetComputeRunningProcesses,
		"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2", "nvmlDeviceGetComputeRunningProcesses")
}

// drawing are the processes of the desktop, nil where they are not told.
func (d *device) drawing() *[]nvml.ProcessInfo {
	return query(d, "desktop processes", d.handle.GetGraphicsRunningProcesses,
		"nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2", "nvmlDeviceGetGraphicsRunningProcesses")
}

// processes are all that hold memory. One that computes and draws is listed as
// both, each time with all that it holds.
func (d *device) processes() []Process {
	var all []Process
	for _, listed := range []*[]nvml.ProcessInfo{d.computing(), d.drawing()} {
		if listed == nil {
			continue
		}
		if all == nil {
			all = []Process{}
		}
		for _, p := range *listed {
			pid := int(p.Pid)
			if slices.ContainsFunc(all, func(other Process) bool { return other.PID == pid }) {
				continue
			}
			process := Process{PID: pid, Name: d.program(pid)}
			if p.UsedGpuMemory != math.MaxUint64 { // NVML_VALUE_NOT_AVAILABLE
				process.Bytes = new(p.UsedGpuMemory)
			}
			all = append(all, process)
		}
	}
	slices.SortFunc(all, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
	return all
}

// program is the name of a process's program: as NVML tells it, which knows
// processes by the same numbers, else as the system does.
func (n *NVML) program(pid int) string {
	if n.has("nvmlSystemGetProcessName") {
		if line, ret := n.lib.SystemGetProcessName(pid); ret == nvml.SUCCESS && line != "" {
			command, _, _ := strings.Cut(line, " -") // NVML may add the arguments
			return path.Base(strings.TrimSpace(command))
		}
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}
