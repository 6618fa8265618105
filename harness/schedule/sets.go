package schedule

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A policy remembers what jobs said of sets of devices, so that a simulation
// asks once.
type policy struct {
	devices []Device // by memory, unknown last
	fits    map[string]map[string]Fit
	homes   map[string]home
	judge   map[uint64]uint64 // least memory of a resident judge, by a device's memory
	beside  map[string]Fit
}

// A home is the smallest and tightest set for a job among all devices. Where
// there is none, its fit says what ran out on the set that came closest.
type home struct {
	width int // 0: fits nowhere
	fit   Fit
}

func newPolicy(devices []Device) *policy {
	p := &policy{
		devices: slices.Clone(devices), fits: make(map[string]map[string]Fit),
		homes: make(map[string]home), judge: make(map[uint64]uint64), beside: make(map[string]Fit),
	}
	slices.SortFunc(p.devices, byMemory)
	return p
}

func byMemory(a, b Device) int {
	return cmp.Or(
		cmp.Compare(a.Memory-1, b.Memory-1), // unknown, 0, is the largest
		cmp.Compare(b.Speed, a.Speed),
		natural(a.ID, b.ID),
	)
}

// natural puts gpu2 before gpu10.
func natural(a, b string) int {
	if strings.TrimRight(a, "0123456789") == strings.TrimRight(b, "0123456789") {
		if c := cmp.Compare(len(a), len(b)); c != 0 {
			return c
		}
	}
	return cmp.Compare(a, b)
}

func (p *policy) fit(j Job, set []Device) Fit {
	var key string
	if len(set) == 1 {
		key = set[0].ID
	} else {
		ids := make([]string, len(set))
		for i, d := range set {
			ids[i] = d.ID
		}
		key = strings.Join(ids, "\x00")
	}
	known := p.fits[j.ID]
	if known == nil {
		known = make(map[string]Fit)
		p.fits[j.ID] = known
	}
	f, ok := known[key]
	if !ok {
		f = j.Fit(set)
		known[key] = f
	}
	return f
}

// home finds the fewest devices that a job fits on.
func (p *policy) home(j Job) home {
	h, ok := p.homes[j.ID]
	if ok {
		return h
	}
	for width := 1; width <= len(p.devices) && h.width == 0; width++ {
		f, ok, closest := p.choose(j, width, p.devices, nil)
		switch {
		case ok:
			h = home{width, f}
		case closest.Short > 0 && (h.fit.Short == 0 || closest.Short < h.fit.Short):
			h.fit = closest
		}
	}
	p.homes[j.ID] = h
	return h
}

// choose finds the tightest set of so many devices that a job fits on, equal
// devices first. The devices are sorted. Where there is none, closest is the
// fit that lacks least.
func (p *policy) choose(j Job, width int, devices []Device, allow func(Fit) bool) (fit Fit, ok bool, closest Fit) {
	try := func(set []Device) bool {
		f := p.fit(j, set)
		if f.Short > 0 {
			if closest.Short == 0 || f.Short < closest.Short {
				closest = f
			}
			return false
		}
		if allow != nil && !allow(f) {
			return false
		}
		fit, ok = f, true
		return true
	}
	if width > 1 {
		// A server that was named is a lane of its own.
		devices = slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return d.Memory == 0 })
	}
	for _, equal := range []bool{true, false} {
		for i := 0; i+width <= len(devices); i++ {
			set := devices[i : i+width]
			first, last := set[0], set[width-1]
			same := first.Memory == last.Memory && first.Speed == last.Speed
			if same == equal && try(set) {
				return fit, ok, closest
			}
		}
	}
	return fit, ok, closest
}

func (f Fit) whole() time.Duration { return f.Load + f.Time }
