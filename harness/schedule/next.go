package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

func (p *policy) next(s State) []Start {
	t := newTurn(p, s)
	var scores []Job
	var blocked *reservation
	for _, j := range p.order(t.Waiting) {
		if j.Kind == Score {
			scores = append(scores, j)
			continue
		}
		if len(t.free) == 0 {
			break
		}
		h := p.home(j)
		if t.start(j, h, blocked) || h.width == 1 || blocked != nil {
			continue
		}
		blocked = t.reserve(j, h)
	}
	for _, j := range scores {
		t.startJudge(j, blocked)
	}
	t.join(blocked)
	t.share(blocked)
	return t.starts
}

// order puts wide jobs first, then long ones. Jobs that fit nowhere are left
// out.
func (p *policy) order(jobs []Job) []Job {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j Job) bool { return p.home(j).width == 0 })
	slices.SortFunc(jobs, func(a, b Job) int {
		x, y := p.home(a), p.home(b)
		return cmp.Or(cmp.Compare(y.width, x.width), cmp.Compare(y.fit.whole(), x.fit.whole()), cmp.Compare(a.ID, b.ID))
	})
	return jobs
}

// A turn is one decision in the making.
type turn struct {
	*policy
	State
	free     []Device                 // sorted; no candidate is on them
	until    map[string]time.Duration // when a busy device is free
	resident map[string]uint64        // bytes of the judge, by device that it is on
	starts   []Start
}

// A reservation keeps devices for a wide job that waits.
type reservation struct {
	job     string
	devices []string
	at      time.Duration
}

// newTurn takes the state as it comes: a lane may run on a device that is not
// there any more, and a job that is at work does not wait.
func newTurn(p *policy, s State) *turn {
	t := &turn{policy: p, State: s, until: make(map[string]time.Duration), resident: make(map[string]uint64)}
	atWork := make(map[string]bool)
	for _, j := range s.Working {
		atWork[j.ID] = true
	}
	for _, r := range s.Running {
		atWork[r.Job] = true
		for i, d := range r.Devices {
			if !r.Beside {
				t.until[d] = max(t.until[d], sound(r.Left))
				continue
			}
			t.resident[d] += 0
			if i < len(r.Bytes) {
				t.resident[d] += r.Bytes[i]
			}
		}
	}
	t.Waiting = slices.DeleteFunc(slices.Clone(s.Waiting), func(j Job) bool { return atWork[j.ID] })
	slices.SortFunc(t.Waiting, func(a, b Job) int { return cmp.Compare(a.ID, b.ID) })
	for _, d := range p.devices {
		if _, busy := t.until[d.ID]; !busy {
			t.free = append(t.free, d)
		}
	}
	return t
}

// allowed says whether a start leaves a reservation alone.
func (b *reservation) allowed(f Fit) bool {
	return b == nil || f.whole() <= b.at || !slices.ContainsFunc(f.Devices, func(d string) bool { return slices.Contains(b.devices, d) })
}

// start starts a candidate on the tightest free set it fits on.
func (t *turn) start(j Job, h home, blocked *reservation) bool {
	for _, d := range t.free {
		if judge, held := t.resident[d.ID]; held && h.width == 1 {
			f := t.reduced(j, d, judge)
			if f.Short == 0 && blocked.allowed(f) {
				t.add(Start{Job: j.ID, Fit: f, Reason: "beside the judge on " + d.ID})
				return true
			}
		}
	}
	f, ok, _ := t.choose(j, h, t.empty(), blocked.allowed)
	if !ok {
		return false
	}
	reason := "fits " + f.Devices[0]
	switch {
	case t.device(f.Devices[0]).Memory == 0:
		reason = "on " + f.Devices[0] + ", whose memory is not known"
	case f.Spill > 0:
		reason += fmt.Sprintf(" in part: %.1f GiB of it on the CPU", float64(f.Spill)/(1<<30))
	case h.width > 1:
		reason = fmt.Sprintf("needs %d devices", h.width)
	case blocked != nil && slices.Contains(blocked.devices, f.Devices[0]):
		reason += ", and ends before " + blocked.job + " needs it"
	}
	if judge, bytes, ok := t.besideJudge(f); ok {
		d := t.device(f.Devices[0])
		t.add(Start{Job: j.ID, Fit: t.reduced(j, d, bytes), Reason: reason + " with the judge beside it"})
		t.starts = append(t.starts, Start{Job: judge.ID, Kind: Score, Fit: t.reduced(judge, d, d.Memory-bytes), Beside: true,
			Reason: "resident: every candidate fits beside it on " + d.ID + ", so it scores from the start"})
		return true
	}
	t.add(Start{Job: j.ID, Fit: f, Reason: reason})
	return true
}

// empty are the free devices without a judge in residence.
func (t *turn) empty() []Device {
	return slices.DeleteFunc(slices.Clone(t.free), func(d Device) bool {
		_, held := t.resident[d.ID]
		return held
	})
}

func (t *turn) add(s Start) {
	t.starts = append(t.starts, s)
	t.free = slices.DeleteFunc(t.free, func(d Device) bool { return slices.Contains(s.Fit.Devices, d.ID) })
	for _, d := range s.Fit.Devices {
		t.until[d] = max(t.until[d], s.Fit.whole())
	}
}

func (t *turn) device(id string) Device {
	return t.devices[slices.IndexFunc(t.devices, func(d Device) bool { return d.ID == id })]
}

// reserve finds the devices that a wide job gets first, as running jobs end.
func (t *turn) reserve(j Job, h home) *reservation {
	ends := []time.Duration{}
	for _, end := range t.until {
		ends = append(ends, end)
	}
	slices.Sort(ends)
	for _, at := range slices.Compact(ends) {
		var free []Device
		for _, d := range t.devices {
			if end, busy := t.until[d.ID]; !busy || end <= at {
				free = append(free, d)
			}
		}
		if f, ok, _ := t.choose(j, h, free, nil); ok {
			return &reservation{j.ID, f.Devices, at}
		}
	}
	return nil
}

// startJudge gives the judge the devices that no candidate can use, unless
// they do more for a candidate that runs.
func (t *turn) startJudge(j Job, blocked *reservation) {
	if slices.ContainsFunc(t.starts, func(s Start) bool { return s.Kind == Score }) {
		return
	}
	f, ok, _ := t.choose(j, t.home(j), t.empty(), blocked.allowed)
	if !ok || !t.spares(f.Devices) {
		return
	}
	var longest time.Duration
	generating := false
	for _, g := range t.atWork() {
		if g.job.Kind == Generate {
			generating = true
			if _, ok := t.joining(g, blocked); ok {
				longest = max(longest, g.left)
			}
		}
	}
	for _, s := range t.starts {
		generating = generating || s.Kind == Generate
	}
	if f.Time < longest/2 {
		return
	}
	where := LaneName(f.Devices, 0)
	reason := "after the candidates, on " + where + ": both do not fit at once"
	if generating {
		reason = "own lane: no candidate waits for " + where + ", so it scores while others generate"
	} else if len(t.devices) > 1 {
		reason = "last, on " + where + ": the devices were busier with the candidates"
	}
	t.add(Start{Job: j.ID, Kind: Score, Fit: f, Reason: reason})
}

// spares says whether all candidates that wait could run without these
// devices. A judge that waits for their answers must not be in their way.
func (t *turn) spares(devices []string) bool {
	others := slices.DeleteFunc(slices.Clone(t.devices), func(d Device) bool { return slices.Contains(devices, d.ID) })
	for _, j := range t.Waiting {
		if j.Kind == Score || t.home(j).width == 0 || slices.ContainsFunc(t.starts, func(s Start) bool { return s.Job == j.ID }) {
			continue
		}
		if _, ok, _ := t.choose(j, t.home(j), others, nil); !ok {
			return false
		}
	}
	return true
}
