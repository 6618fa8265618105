package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// joinGain is how many times its load a lane that joins must save.
const joinGain = 2

// A working is a job that lanes are at work on.
type working struct {
	job   Job
	lanes int
	left  time.Duration
}

// pays says whether one more lane saves clearly more than its load. Where
// nothing is left it saves nothing.
func (w working) pays(load time.Duration) bool {
	return w.left/time.Duration(w.lanes+1) > joinGain*load
}

func (t *turn) atWork() []working {
	var all []working
	for _, j := range t.Working {
		w := working{job: j}
		for _, r := range t.Running {
			if r.Job == j.ID {
				w.lanes++
				w.left = max(w.left, sound(r.Left))
			}
		}
		all = append(all, w)
	}
	// What was started this turn can be joined at once.
	for _, s := range t.starts {
		if i := slices.IndexFunc(all, func(w working) bool { return w.job.ID == s.Job }); i >= 0 {
			all[i].left -= all[i].left / time.Duration(all[i].lanes+1)
			all[i].lanes++
		} else if i := slices.IndexFunc(t.Waiting, func(j Job) bool { return j.ID == s.Job }); i >= 0 {
			all = append(all, working{t.Waiting[i], 1, s.Fit.whole()})
		}
	}
	slices.SortFunc(all, func(a, b working) int {
		return cmp.Or(cmp.Compare(a.job.Kind, b.job.Kind), cmp.Compare(b.left, a.left), cmp.Compare(a.job.ID, b.job.ID))
	})
	return all
}

// joining is how one more lane would join a job, on devices without a judge in
// residence, if that pays.
func (t *turn) joining(w working, blocked *reservation) (Fit, bool) {
	f, ok, _ := t.choose(w.job, t.home(w.job), t.empty(), func(f Fit) bool { return w.pays(f.Load) && blocked.allowed(f) })
	return f, ok
}

// join gives idle devices to the jobs with most time left. The judge is joined
// once nothing is generated any more.
func (t *turn) join(blocked *reservation) {
	generates := slices.ContainsFunc(t.Waiting, func(j Job) bool { return j.Kind == Generate && t.home(j).width > 0 })
	for len(t.free) > 0 {
		joined := false
		for _, w := range t.atWork() {
			generates = generates || w.job.Kind == Generate
			if w.job.Kind == Score && generates {
				continue
			}
			if f, ok := t.joining(w, blocked); ok {
				t.add(Start{Job: w.job.ID, Kind: w.job.Kind, Fit: f, Join: true,
					Reason: fmt.Sprintf("joins: nothing else can use %s, and %s has most time left", LaneName(f.Devices, 0), w.job.ID)})
				joined = true
				break
			}
		}
		if !joined {
			return
		}
	}
}
