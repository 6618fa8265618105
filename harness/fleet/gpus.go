package fleet

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/dustin/go-humanize"

	"perg/gpu"
	"perg/harness/engine"
)

// GPUs are the UUIDs of devices; nil where they are no GPUs, or not known.
func (f *Fleet) GPUs(devices []string) []string {
	var uuids []string
	for _, d := range devices {
		if g, ok := f.byID[d]; ok {
			uuids = append(uuids, g.UUID)
		}
	}
	return uuids
}

// OnProcessor says whether none of the devices is a GPU of this machine.
func (f *Fleet) OnProcessor() bool { return len(f.byID) == 0 }

// Class names the kind of the devices: their GPUs' names; "" where they are no
// GPUs, or those of a server that the user named.
func (f *Fleet) Class(devices []string) string { return f.ClassOf(f.GPUs(devices)) }

// ClassOf is the class of some GPUs by their UUIDs; "" where one of them is not
// the fleet's.
func (f *Fleet) ClassOf(uuids []string) string {
	var names []string
	for _, uuid := range uuids {
		for _, g := range f.byID {
			if g.UUID == uuid {
				names = append(names, g.Name)
			}
		}
	}
	if len(names) < len(uuids) {
		return ""
	}
	return strings.Join(names, "+")
}

// Kind names what the speed of a model on some devices depends on: the class of
// their GPUs, given by UUID, else the processor, or the address of a server that
// the user named.
func (f *Fleet) Kind(uuids []string, host string) string {
	switch class := f.ClassOf(uuids); {
	case class != "":
		return class
	case f.Managed():
		return fmt.Sprintf("processor, %d cores", max(1, runtime.NumCPU()/len(f.Devices)))
	default:
		return host
	}
}

// Mixed says whether the fleet has GPUs of several kinds.
func (f *Fleet) Mixed() bool {
	names := make(map[string]bool)
	for _, g := range f.byID {
		names[g.Name] = true
	}
	return len(names) > 1
}

// Memory is what NVML sees in use on devices; nil where they are no GPUs, or it
// does not say.
func (f *Fleet) Memory(ctx context.Context, devices []string) []engine.Memory {
	uuids := f.GPUs(devices)
	if len(uuids) == 0 {
		return nil
	}
	usage, err := gpu.MemoryInUse(ctx, uuids)
	if err != nil {
		return nil // the sampler says so, once
	}
	var all []engine.Memory
	for _, uuid := range uuids {
		u, ok := usage[uuid]
		if !ok {
			return nil
		}
		m := engine.Memory{Used: u.Used}
		for _, p := range u.Processes {
			if f.Owns(p.PID) {
				continue
			}
			text := fmt.Sprintf("%s (process %d)", p.Name, p.PID)
			if p.Bytes != nil {
				text = fmt.Sprintf("%s (process %d, %s)", p.Name, p.PID, humanize.IBytes(*p.Bytes))
			}
			m.Others = append(m.Others, text)
		}
		all = append(all, m)
	}
	return all
}

// Owns says whether a process is one of the servers' own: a server that perg
// started or a child of one, or any process by the name of Ollama's where the
// servers are the user's.
func (f *Fleet) Owns(pid int) bool {
	if f.Managed() {
		return descends("/proc", pid, f.started())
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && (strings.HasPrefix(string(name), "ollama") || strings.HasPrefix(string(name), "llama-server"))
}
