package schedule

import (
	"cmp"
	"slices"
	"strings"
)

// A policy remembers what jobs said of sets of devices, so that a simulation
// asks once.
type policy struct {
	devices []Device // by memory, unknown last
	widest  int      // the most of them that one host has
	fits    map[string]map[string]Fit
	homes   map[string]home
	judge   map[residence]uint64 // least memory of a resident judge
	beside  map[string]Fit
}

// A residence is a judge on a device with so much memory.
type residence struct {
	judge  string
	memory uint64
}

// A home is the smallest and tightest set for a job among all devices, one on
// which nothing of it spills if there is any. Where there is none, its fit says
// what ran out on the set that came closest.
type home struct {
	width  int // 0: fits nowhere
	spills bool
	fit    Fit
}

func newPolicy(devices []Device) *policy {
	p := &policy{
		devices: slices.Clone(devices), widest: widest(devices), fits: make(map[string]map[string]Fit),
		homes: make(map[string]home), judge: make(map[residence]uint64), beside: make(map[string]Fit),
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
	const digits = "0123456789"
	return cmp.Or(
		cmp.Compare(strings.TrimRight(a, digits), strings.TrimRight(b, digits)),
		cmp.Compare(len(a), len(b)),
		cmp.Compare(a, b),
	)
}

// ask is a job's fit on a set, with times that can be reckoned with, and all
// that the devices have where it spills.
func ask(j Job, set []Device) Fit {
	f := j.Fit(set)
	f.Time, f.Load = sound(f.Time), sound(f.Load)
	if f.Spill > 0 && f.Short == 0 {
		f.Bytes = make([]uint64, len(set))
		for i, d := range set {
			f.Bytes[i] = d.Memory
		}
	}
	return f
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
		f = ask(j, set)
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
	for _, spills := range []bool{false, true} {
		for width := 1; width <= p.widest && h.width == 0; width++ {
			f, ok, closest := p.choose(j, home{width: width, spills: spills}, p.devices, nil)
			switch {
			case ok:
				h = home{width, spills, f}
			case closest.Short > 0 && (h.fit.Short == 0 || closest.Short < h.fit.Short):
				h.fit = closest
			}
		}
	}
	p.homes[j.ID] = h
	return h
}

// choose finds the tightest set of as many devices of one host as a job has at
// home that it fits on as it does there, equal devices first. The devices are
// sorted. Where there is none, closest is the fit that lacks least.
func (p *policy) choose(j Job, h home, devices []Device, allow func(Fit) bool) (fit Fit, ok bool, closest Fit) {
	width := h.width
	if width == 0 {
		return fit, ok, closest
	}
	try := func(set []Device) bool {
		f := p.fit(j, set)
		if f.Short > 0 {
			if closest.Short == 0 || f.Short < closest.Short {
				closest = f
			}
			return false
		}
		if f.Spill > 0 && !h.spills || allow != nil && !allow(f) {
			return false
		}
		fit, ok = f, true
		return true
	}
	if width > 1 {
		// A server that was named is a lane of its own.
		devices = slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return d.Memory == 0 || d.Alone })
	}
	for _, equal := range []bool{true, false} {
		for i := range devices {
			set, ok := firstOf(devices[i:], width)
			if !ok {
				continue
			}
			first, last := set[0], set[width-1]
			same := first.Memory == last.Memory && first.Speed == last.Speed
			if same == equal && try(set) {
				return fit, true, closest
			}
		}
	}
	return fit, ok, closest
}

// firstOf are so many devices of the host of the first of some, in their order;
// ok is false where it has fewer.
func firstOf(devices []Device, width int) (set []Device, ok bool) {
	if len(devices) < width {
		return nil, false
	}
	other := func(d Device) bool { return d.Host != devices[0].Host }
	if !slices.ContainsFunc(devices[:width], other) {
		return devices[:width], true
	}
	all := slices.DeleteFunc(slices.Clone(devices), other)
	if len(all) < width {
		return nil, false
	}
	return all[:width], true
}

// widest is the number of devices of the host that has most.
func widest(devices []Device) (most int) {
	for _, n := range perHost(devices) {
		most = max(most, n)
	}
	return most
}

// perHost are the numbers of devices, by host.
func perHost(devices []Device) map[string]int {
	all := make(map[string]int)
	for _, d := range devices {
		all[d.Host]++
	}
	return all
}
