package schedule

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A simulation carries the policy out with estimated durations. A judge beside
// a candidate shares its device's time with it evenly, while it has something
// to score. It comes to an end whatever the estimates are: no time is negative
// or without end, and a judge that waits for what cannot come scores what there
// is.
type simulation struct {
	policy *policy
	all    []Job
	tasks  map[string]*task
	judges []*task
	lanes  []*simLane
	now    time.Duration
	done   []Assignment
	total  float64 // time of all generate jobs, at home
}

// A task is a job's progress.
type task struct {
	job  Job
	left float64 // share of the work
	room float64 // of the judge: the share that waits to be scored
	busy bool    // of the judge: scores, until room is empty
}

type simLane struct {
	Assignment
	task    *task
	loading time.Duration // left
}

func newSimulation(devices []Device, jobs []Job, judge *Job) *simulation {
	s := &simulation{policy: newPolicy(devices), tasks: make(map[string]*task)}
	s.all = slices.Clone(jobs)
	slices.SortFunc(s.all, func(a, b Job) int { return cmp.Compare(a.ID, b.ID) })
	if judge != nil {
		s.all = append(s.all, *judge)
	}
	for _, j := range s.all {
		h := s.policy.home(j)
		if h.width == 0 {
			continue
		}
		t := &task{job: j, left: 1}
		s.tasks[j.ID] = t
		if j.Kind == Score {
			s.judges = append(s.judges, t)
		} else {
			s.total += float64(h.fit.Time)
		}
	}
	if s.total == 0 { // all was generated before
		s.scoreAll()
	}
	return s
}

// scoreAll lets the judges score all that is left to them.
func (s *simulation) scoreAll() {
	for _, t := range s.judges {
		t.room, t.busy = t.left, t.left > 0
	}
}

func (s *simulation) run() {
	for len(s.tasks) > 0 {
		for _, start := range s.policy.next(s.state()) {
			s.lanes = append(s.lanes, &simLane{
				Assignment: Assignment{Start: start, Begin: s.now}, task: s.tasks[start.Job], loading: start.Fit.Load,
			})
		}
		if len(s.lanes) == 0 {
			return // cannot be: every task fits somewhere
		}
		for !s.step() {
		}
	}
}

func (s *simulation) state() State {
	st := State{Devices: s.policy.devices}
	working := make(map[string]bool)
	left := make(map[*task]time.Duration)
	for _, l := range s.lanes {
		if _, ok := left[l.task]; !ok {
			left[l.task] = s.timeLeft(l.task)
			st.Working = append(st.Working, l.task.job)
		}
		working[l.Job] = true
		st.Running = append(st.Running, Running{l.Job, l.Fit.Devices, l.Fit.Bytes, left[l.task], l.Beside, l.Server})
	}
	for _, j := range s.all {
		if s.tasks[j.ID] != nil && !working[j.ID] {
			st.Waiting = append(st.Waiting, j)
		}
	}
	return st
}

// timeLeft is when a task ends with the lanes it has.
func (s *simulation) timeLeft(t *task) time.Duration {
	var lanes []*simLane
	for _, l := range s.lanes {
		if l.task == t {
			lanes = append(lanes, l)
		}
	}
	slices.SortStableFunc(lanes, func(a, b *simLane) int { return cmp.Compare(a.loading, b.loading) })
	at, rate, left := 0.0, 0.0, t.left
	for _, l := range lanes {
		load := float64(l.loading)
		if rate > 0 && left/rate <= load-at {
			break
		}
		left -= rate * (load - at)
		at = load
		rate += s.rate(l)
	}
	return time.Duration(math.Ceil(at + left/rate))
}

// rate is the share of its job that a lane does in a nanosecond.
func (s *simulation) rate(l *simLane) float64 {
	rate := 1 / max(float64(l.Fit.Time), 1)
	servers, shared := 1, false
	for _, o := range s.lanes {
		switch {
		case o == l || o.Fit.Devices[0] != l.Fit.Devices[0]:
		case o.Beside || l.Beside:
			shared = shared || o.Kind == Generate || o.task.busy
		case o.loading == 0:
			servers++
		}
	}
	if shared {
		rate /= 2
	}
	if l.Beside {
		return rate
	}
	return rate * l.Fit.Together(servers) / float64(servers)
}

// step goes on to the next moment at which something changes. It says whether
// devices became free.
func (s *simulation) step() bool {
	const part = 1.0 / 32 // of its work: candidates and judge go on in such steps
	least := math.Inf(1)
	sum := make(map[*task]float64)
	var working []*task // of sum, in a fixed order: sums of floats depend on it
	for _, l := range s.lanes {
		if l.loading > 0 {
			least = min(least, float64(l.loading))
			continue
		}
		rate := 0.0
		if l.Kind == Generate || l.task.busy {
			rate = s.rate(l)
		}
		if _, ok := sum[l.task]; !ok {
			working = append(working, l.task)
		}
		sum[l.task] += rate
	}
	judged := slices.ContainsFunc(s.judges, func(t *task) bool { return t.left > 0 })
	for _, t := range working {
		rate := sum[t]
		switch {
		case rate == 0:
		case t.job.Kind == Score:
			least = min(least, t.room/rate)
		case judged:
			least = min(least, min(t.left, part)/rate)
		default:
			least = min(least, t.left/rate)
		}
	}
	if math.IsInf(least, 1) {
		// All lanes are judges', and what they wait for waits for their devices.
		s.scoreAll()
		return false
	}
	dt := time.Duration(max(math.Ceil(least), 1))
	s.now = plus(s.now, dt)
	for _, l := range s.lanes {
		l.loading = max(0, l.loading-dt)
	}
	const nothing = 1e-9
	for _, t := range working {
		did := min(sum[t]*float64(dt), t.left)
		if t.left -= did; t.left < nothing {
			did, t.left = did+t.left, 0
		}
		if t.job.Kind == Score {
			t.room = max(0, t.room-did)
			if t.room < nothing {
				t.room, t.busy = 0, false
			}
			continue
		}
		for _, judge := range s.judges {
			if s.total > 0 { // else it has been given all
				judge.room += did * float64(s.policy.home(t.job).fit.Time) / s.total
			}
		}
	}
	generating := s.generating()
	for _, judge := range s.judges {
		if judge.left == 0 {
			continue
		}
		if !generating {
			judge.room = judge.left
		}
		judge.busy = judge.busy || judge.room >= min(part, judge.left)
	}
	return s.finish()
}

func (s *simulation) generating() bool {
	for _, t := range s.tasks {
		if t.job.Kind == Generate && t.left > 0 {
			return true
		}
	}
	return false
}

func (s *simulation) finish() (freed bool) {
	s.lanes = slices.DeleteFunc(s.lanes, func(l *simLane) bool {
		if l.task.left > 0 {
			return false
		}
		l.End = s.now
		s.done = append(s.done, l.Assignment)
		delete(s.tasks, l.Job)
		freed = true
		return true
	})
	return freed
}
