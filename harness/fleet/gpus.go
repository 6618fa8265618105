package fleet

import (
	"cmp"
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
	f.members.Lock()
	defer f.members.Unlock()
	return f.gpusOf(devices)
}

// gpusOf is GPUs for one that holds f.members.
func (f *Fleet) gpusOf(devices []string) []string {
	var uuids []string
	for _, d := range devices {
		if g, ok := f.byID[d]; ok {
			uuids = append(uuids, g.UUID)
		}
	}
	return uuids
}

// GPU is a device that is one.
func (f *Fleet) GPU(device string) (gpu.GPU, bool) {
	f.members.Lock()
	defer f.members.Unlock()
	g, ok := f.byID[device]
	return g, ok
}

// OnProcessor says whether none of the devices is a GPU.
func (f *Fleet) OnProcessor() bool {
	f.members.Lock()
	defer f.members.Unlock()
	return len(f.byID) == 0
}

// Class names the kind of the devices: their GPUs' names; "" where they are no
// GPUs, or those of a server that the user named. Where other machines may come, a
// processor has a class, too, and so has the engine on it: numbers depend on them.
func (f *Fleet) Class(devices []string) string {
	where := f.options.Machine
	if m := f.seenMachine(devices[0]); m != nil {
		where = m.Name()
	}
	return f.ClassOf(f.GPUs(devices), where)
}

// ClassOf is the class of some GPUs by their UUIDs, or of the processor of a host
// where there are none; "" where one of them is not the fleet's. A machine that has
// left has the class that it had: what it answered is of that.
func (f *Fleet) ClassOf(uuids []string, host string) string {
	var names []string
	f.members.Lock()
	engine := f.engine
	for _, uuid := range uuids {
		for id, g := range f.byID {
			if g.UUID == uuid {
				names = append(names, g.Name)
				if host = f.options.Machine; strings.Contains(id, "/") {
					host, _, _ = strings.Cut(id, "/")
				}
			}
		}
	}
	f.members.Unlock()
	if len(names) < len(uuids) {
		return ""
	}
	class := strings.Join(names, "+")
	if !f.options.Awaits {
		return class
	}
	m := f.seenMachine(host)
	switch {
	case m != nil:
		engine = engineAt(m)
		class = cmp.Or(class, m.Processor())
	case host != f.options.Machine:
		return "" // it answered in another run, and is not here
	case class == "":
		class = fmt.Sprintf("%s, %d cores", ProcessorName(), runtime.NumCPU())
	}
	return fmt.Sprintf("%s, %s", class, engine)
}

// Kind names what the speed of a model on some devices depends on: the class of
// their GPUs, given by UUID, else the processor, or the address of a server that
// the user named.
func (f *Fleet) Kind(uuids []string, host string) string {
	var names []string
	f.members.Lock()
	for _, uuid := range uuids {
		for _, g := range f.byID {
			if g.UUID == uuid {
				names = append(names, g.Name)
			}
		}
	}
	f.members.Unlock()
	m := f.seenMachine(host)
	switch {
	case len(names) > 0 && len(names) == len(uuids):
		return strings.Join(names, "+")
	case m != nil:
		return m.Processor()
	case f.Managed():
		return fmt.Sprintf("processor, %d cores", max(1, runtime.NumCPU()/max(1, len(f.Devices))))
	default:
		return host
	}
}

// Mixed says whether the fleet has devices of several kinds, or may come to have.
func (f *Fleet) Mixed() bool {
	f.members.Lock()
	defer f.members.Unlock()
	names := make(map[string]bool)
	for _, g := range f.byID {
		names[g.Name] = true
	}
	return len(names) > 1 || f.options.Awaits
}

// Memory is what NVML sees in use on devices; nil where they are no GPUs, or it
// does not say.
func (f *Fleet) Memory(ctx context.Context, devices []string) []engine.Memory {
	if m := f.machineOf(devices[0]); m != nil {
		return m.Memory(ctx, devices)
	}
	uuids := f.GPUs(devices)
	if len(uuids) == 0 || f.elsewhere(devices[0]) {
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
