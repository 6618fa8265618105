package schedule

import (
	"fmt"
	"slices"
)

// residentSlots are enough for a candidate beside the judge, and for the
// judge: past a few, more slots gain less than a second load costs.
const residentSlots = 4

// reduced is a job's fit on a device of which so many bytes are taken. What
// would spill there does not fit.
func (p *policy) reduced(j Job, d Device, taken uint64) Fit {
	key := fmt.Sprint(j.ID, "\x00", d.ID, "\x00", taken)
	f, ok := p.beside[key]
	if !ok {
		if taken >= d.Memory {
			return Fit{Short: taken - d.Memory + 1, Dimension: "GPU memory"}
		}
		d.Memory -= taken
		f = ask(j, []Device{d})
		if f.Spill > 0 && f.Short == 0 {
			f.Short, f.Dimension = f.Spill, "GPU memory"
		}
		p.beside[key] = f
	}
	return f
}

// besideJudge says whether the judge, which must be waiting, can be resident
// on the device of a fit: every waiting candidate must have its slots beside
// it there, so that the judge is loaded once. bytes are the judge's.
func (t *turn) besideJudge(f Fit) (judge Job, bytes uint64, ok bool) {
	i := slices.IndexFunc(t.Waiting, func(j Job) bool { return j.Kind == Score })
	if i < 0 || len(f.Devices) != 1 || slices.ContainsFunc(t.starts, func(s Start) bool { return s.Kind == Score }) {
		return Job{}, 0, false
	}
	judge = t.Waiting[i]
	d := t.device(f.Devices[0])
	if d.Memory == 0 || !t.fit(judge, []Device{d}).holds() {
		return Job{}, 0, false
	}
	bytes = t.leastJudge(judge, d)
	for _, j := range t.Waiting {
		if j.Kind == Score || t.home(j).width == 0 {
			continue
		}
		alone, with := t.fit(j, []Device{d}), t.reduced(j, d, bytes)
		if !alone.holds() || with.Short > 0 || with.Slots < min(residentSlots, alone.Slots) {
			return Job{}, 0, false
		}
	}
	return judge, bytes, true
}

// holds says whether the devices hold all of the job.
func (f Fit) holds() bool { return f.Short == 0 && f.Spill == 0 }

// leastJudge is the least memory in which the judge has enough slots.
func (p *policy) leastJudge(judge Job, d Device) uint64 {
	at := residence{judge.ID, d.Memory}
	if bytes, ok := p.judge[at]; ok {
		return bytes
	}
	want := min(residentSlots, p.fit(judge, []Device{d}).Slots)
	const step = 16 << 20
	low, high := uint64(0), d.Memory // does not fit, fits
	for high-low > step {
		mid := low + (high-low)/2
		less := d
		less.Memory = mid
		if f := ask(judge, []Device{less}); f.holds() && f.Slots >= want {
			high = mid
		} else {
			low = mid
		}
	}
	p.judge[at] = high
	return high
}
