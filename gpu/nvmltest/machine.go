package nvmltest

import (
	"fmt"
	"strings"
)

// A GPU is a device to script. A value that is zero is not supported, but the
// UUID, which is made from the index where it is empty, and the memory in use.
type GPU struct {
	UUID, Name              string
	MemoryTotal, MemoryUsed uint64 // bytes
	MemoryClockMHz          uint32 // with the bus width, the bandwidth
	MemoryBusWidth          uint32 // bits
	UtilizationPercent      uint32
	PowerMW                 uint32
	EnergyMJ                uint64
	Processes               map[int]uint64 // bytes by process
}

// Machine is the script of a machine with GPUs.
func Machine(gpus ...GPU) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- SystemGetDriverVersion = 550.54.15\n- SystemGetCudaDriverVersion = 12040\n- DeviceGetCount = %d\n", len(gpus))
	for i, g := range gpus {
		say := func(known bool, function string, answer ...any) {
			if known {
				fmt.Fprintf(&b, "%d %s = %s", i, function, fmt.Sprintln(answer...))
			}
		}
		if g.UUID == "" {
			g.UUID = fmt.Sprintf("GPU-%08d-0000-0000-0000-000000000000", i)
		}
		say(true, "DeviceGetUUID", g.UUID)
		say(g.Name != "", "DeviceGetName", g.Name)
		say(g.MemoryTotal > 0, "DeviceGetMemoryInfo_v2", g.MemoryTotal, 0, g.MemoryTotal-g.MemoryUsed, g.MemoryUsed)
		say(g.MemoryClockMHz > 0, "DeviceGetMaxClockInfo", g.MemoryClockMHz)
		say(g.MemoryBusWidth > 0, "DeviceGetMemoryBusWidth", g.MemoryBusWidth)
		say(g.UtilizationPercent > 0, "DeviceGetUtilizationRates", g.UtilizationPercent, g.UtilizationPercent/2)
		say(g.PowerMW > 0, "DeviceGetPowerUsage", g.PowerMW)
		say(g.EnergyMJ > 0, "DeviceGetTotalEnergyConsumption", g.EnergyMJ)
		if g.Processes != nil {
			var pairs []any
			for pid, bytes := range g.Processes {
				pairs = append(pairs, pid, bytes)
			}
			say(true, "DeviceGetComputeRunningProcesses", pairs...)
		}
	}
	return b.String()
}
