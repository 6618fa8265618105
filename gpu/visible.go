package gpu

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Choice is which GPUs programs compute on, and what is to be said of that.
type Choice struct {
	GPUs  []GPU    // in CUDA's order; instances in the place of a GPU that is split
	Notes []string // why others are left out
	of    Inventory
}

// Choose gives the GPUs that CUDA would let a program see, by CUDA_VISIBLE_DEVICES
// of an environment that is read with lookup, such as os.LookupEnv: all that can
// be used where it is not set.
func (inv Inventory) Choose(lookup func(string) (string, bool)) Choice {
	variable, set := lookup(visibleDevices)
	order, _ := lookup("CUDA_DEVICE_ORDER")
	if !set {
		c := usable(inv.GPUs)
		c.of = inv
		return c
	}
	named, notes := inv.visible(variable)
	if order != "PCI_BUS_ID" && inv.mixed() && !strings.Contains(variable, "-") && len(named) > 0 {
		notes = append(notes, visibleDevices+"="+variable+" counts as NVML does, and CUDA may number GPUs of several kinds otherwise: name them by UUID, or set CUDA_DEVICE_ORDER=PCI_BUS_ID")
	}
	c := usable(named)
	c.of, c.Notes = inv, append(notes, c.Notes...)
	return c
}

const visibleDevices = "CUDA_VISIBLE_DEVICES"

// usable are the GPUs that a program can use, with the instances of those that
// are split.
func usable(gpus []GPU) (c Choice) {
	for _, g := range gpus {
		switch {
		case g.Error != "":
		case g.MIG == nil || !*g.MIG:
			c.GPUs = append(c.GPUs, g)
		default:
			left := len(g.Instances) == 0
			for _, i := range g.Instances {
				if i.MemoryFree == nil || i.UUID == "" {
					left = true
					continue
				}
				c.GPUs = append(c.GPUs, i)
			}
			if left {
				c.Notes = append(c.Notes, fmt.Sprintf("GPU %d (%s) is split into MIG instances, and NVML does not tell the memory of all of them: those are left out; "+
					"make instances (nvidia-smi mig -cgi), or turn MIG off (nvidia-smi -mig 0)", g.Index, g.Name))
			}
		}
	}
	return c
}

// visible are the GPUs, and instances, that a value of CUDA_VISIBLE_DEVICES
// names, by its rules (CUDA programming guide, "CUDA Environment Variables";
// what it leaves open is as PyTorch, which has to agree with it, reads it):
//
//   - it is a list of indexes, or of UUIDs of GPUs or of instances, whichever it
//     begins with; a UUID may be cut to what no other begins with;
//   - the first entry that names nothing ends it, and those before it count;
//   - it is in the order in which GPUs are numbered;
//   - one that is named twice makes all of it void;
//   - an index may be followed by anything ("1x" is 1).
func (inv Inventory) visible(variable string) (named []GPU, notes []string) {
	note := func(format string, args ...any) {
		notes = append(notes, visibleDevices+"="+variable+fmt.Sprintf(format, args...))
	}
	if text := strings.TrimSpace(variable); text == "" {
		note(" is empty: no GPU is used")
		return nil, notes
	}
	among := inv.GPUs
	prefix := ""
	for _, p := range []string{"GPU-", "MIG-"} {
		if strings.HasPrefix(strings.TrimSpace(variable), p) {
			prefix = p
		}
	}
	if prefix == "MIG-" {
		among = nil
		for _, g := range inv.GPUs {
			among = append(among, g.Instances...)
		}
	}
	for entry := range strings.SplitSeq(variable, ",") {
		entry = strings.TrimSpace(entry)
		i := -1
		if prefix == "" {
			n, ok := leadingNumber(entry)
			i = slices.IndexFunc(among, func(g GPU) bool { return ok && g.Index == n })
		} else {
			i = onlyBeginning(among, entry, prefix)
		}
		switch {
		case i < 0 && len(named) == 0:
			note(": %q names no GPU of this machine, so none is used; there %s", entry, list(among))
			return nil, notes
		case i < 0:
			note(": %q names no GPU of this machine, and ends the list there", entry)
			return named, notes
		case slices.ContainsFunc(named, func(g GPU) bool { return g.ID() == among[i].ID() }):
			note(": %q is named twice, so CUDA uses none", entry)
			return nil, notes
		}
		named = append(named, among[i])
	}
	if hidden := len(inv.GPUs) - len(named); hidden > 0 && prefix != "MIG-" {
		note(": %d of %d GPUs are used", len(named), len(inv.GPUs))
	}
	return named, notes
}

// leadingNumber is what strtoul makes of an entry; ok is false where it is
// negative or no number.
func leadingNumber(entry string) (n int, ok bool) {
	digits := strings.TrimPrefix(entry, "+")
	end := 0
	for end < len(digits) && '0' <= digits[end] && digits[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(digits[:end])
	return n, err == nil
}

// onlyBeginning is the index of the only GPU whose UUID begins with an entry,
// which has to begin with the prefix; -1 where there is none, or more than one.
func onlyBeginning(among []GPU, entry, prefix string) int {
	found := -1
	for i, g := range among {
		if !strings.HasPrefix(entry, prefix) || !strings.HasPrefix(g.UUID, entry) {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

// mixed says whether there are GPUs of several kinds.
func (inv Inventory) mixed() bool {
	return slices.ContainsFunc(inv.GPUs, func(g GPU) bool { return g.Name != inv.GPUs[0].Name })
}
