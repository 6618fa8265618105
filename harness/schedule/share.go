package schedule

import (
	"fmt"
	"slices"
	"time"
)

// share starts further servers on single devices on which others are at work,
// each with all the slots that it would have alone, as far as memory allows:
// where the jobs there are worth several servers, and where all that is at work
// there ends before the next job would be loaded. Servers of one job come first,
// as long as they save more than their load: what the device does in that time
// can be told to be that job's. Of jobs too short for that two are at work.
func (t *turn) share(blocked *reservation) {
	all := t.occupied()
	for t.shareOneMore(all, blocked) {
	}
	if len(all) == 0 {
		return
	}
	for _, j := range t.order(t.Waiting) {
		if j.Kind != Generate || t.starting(j.ID) {
			continue
		}
		for i, o := range all {
			alone := t.fit(j, []Device{o.device})
			reason := fmt.Sprintf("%s ends on %s before this is loaded", o.jobs[0].ID, o.device.ID)
			if o.left > alone.Load {
				if len(o.jobs) >= min(o.servers, servers(alone)) {
					continue
				}
				reason = fmt.Sprintf("beside %s, as one server does not fill %s", o.jobs[0].ID, o.device.ID)
			}
			if f, ok := t.beside(j, o, alone); ok && blocked.allowed(f) {
				t.add(Start{Job: j.ID, Kind: j.Kind, Fit: f, Server: o.free, Share: true, Reason: reason})
				all[i] = t.on(o.device)
				break
			}
		}
	}
}

// occupied are the devices that can be shared.
func (t *turn) occupied() (all []occupancy) {
	for _, d := range t.devices {
		if o := t.on(d); len(o.jobs) > 0 {
			all = append(all, o)
		}
	}
	return all
}

// shareOneMore starts one more server of a job that is at work.
func (t *turn) shareOneMore(all []occupancy, blocked *reservation) bool {
	if !slices.ContainsFunc(all, func(o occupancy) bool { return len(o.jobs) < o.servers }) {
		return false
	}
	generates := slices.ContainsFunc(t.Waiting, func(j Job) bool { return j.Kind == Generate && t.home(j).width > 0 })
	for _, w := range t.atWork() {
		generates = generates || w.job.Kind == Generate
		if w.job.Kind == Score && generates {
			continue
		}
		for i, o := range all {
			if len(o.jobs) >= o.servers || !slices.ContainsFunc(o.jobs, func(j Job) bool { return j.ID == w.job.ID }) {
				continue
			}
			alone := t.fit(w.job, []Device{o.device})
			f, ok := t.beside(w.job, o, alone)
			if !ok || len(o.jobs) >= servers(alone) || !w.pays(f.Load) || !blocked.allowed(f) {
				continue
			}
			t.add(Start{Job: w.job.ID, Kind: w.job.Kind, Fit: f, Join: true, Server: o.free, Share: true,
				Reason: fmt.Sprintf("one server of %s does not fill %s", w.job.ID, o.device.ID)})
			all[i] = t.on(o.device)
			return true
		}
	}
	return false
}

// An occupancy is what is at work on a device that it does not share with other
// devices.
type occupancy struct {
	device  Device
	jobs    []Job // a lane each, residents left out; none: it cannot be shared
	taken   uint64
	left    time.Duration // until all of them end
	servers int           // that the least of them allows
	free    int           // the first number that none of their servers has
}

func servers(f Fit) int { return max(1, f.Servers) }

// on is what is at work on a device.
func (t *turn) on(d Device) occupancy {
	o := occupancy{device: d, servers: mostServers}
	none := occupancy{device: d}
	if d.Memory == 0 || d.Processor {
		return none
	}
	var numbers []int
	add := func(id string, among []Job, devices []string, bytes []uint64, left time.Duration, beside bool, number int) bool {
		i := slices.IndexFunc(among, func(j Job) bool { return j.ID == id })
		if len(devices) > 1 || len(bytes) != 1 || i < 0 {
			return false
		}
		o.taken += bytes[0]
		if beside {
			return true
		}
		f := t.fit(among[i], []Device{d})
		o.jobs, o.servers, o.left = append(o.jobs, among[i]), min(o.servers, servers(f)), max(o.left, left)
		numbers = append(numbers, number)
		return f.Spill == 0
	}
	for _, r := range t.Running {
		if slices.Contains(r.Devices, d.ID) && !add(r.Job, t.Working, r.Devices, r.Bytes, sound(r.Left), r.Beside, r.Server) {
			return none
		}
	}
	for _, s := range t.starts {
		among := t.Waiting
		if s.Join && !slices.ContainsFunc(among, func(j Job) bool { return j.ID == s.Job }) {
			among = t.Working
		}
		if slices.Contains(s.Fit.Devices, d.ID) && !add(s.Job, among, s.Fit.Devices, s.Fit.Bytes, forEver, s.Beside, s.Server) {
			return none
		}
	}
	for slices.Contains(numbers, o.free) {
		o.free++
	}
	return o
}

// mostServers bounds the servers on a device.
const mostServers = 8

// beside is how a job runs in what memory is left on a device, which fits it
// alone; ok is false where it does not, or not with the slots that it would have
// there alone.
func (t *turn) beside(j Job, o occupancy, alone Fit) (f Fit, ok bool) {
	if slices.ContainsFunc(o.jobs, func(other Job) bool { return other.Kind != j.Kind }) {
		return f, false
	}
	if !alone.holds() || t.home(j).width != 1 {
		return f, false
	}
	f = t.reduced(j, o.device, o.taken)
	return f, f.Short == 0 && f.Slots >= alone.Slots
}

// starting says whether a job is started in this turn.
func (t *turn) starting(job string) bool {
	return slices.ContainsFunc(t.starts, func(s Start) bool { return s.Job == job })
}
