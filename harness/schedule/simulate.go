package schedule

import (
	"math"
	"slices"
	"time"
)

// A simulation carries the policy out with estimated durations. A judge beside
// a candidate shares its device's time with it evenly, while it has something
// to score.
type simulation struct {
	policy *policy
	all    []Job
	tasks  map[string]*task
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
}

type simLane struct {
	Assignment
	task    *task
	loading time.Duration // left
}

func newSimulation(devices []Device, jobs []Job, judge *Job) *simulation {
	s := &simulation{policy: newPolicy(devices), tasks: make(map[string]*task)}
	s.all = slices.Clone(jobs)
	for _, j := range jobs {
		if h := s.policy.home(j); h.width > 0 {
			s.tasks[j.ID] = &task{job: j, left: 1}
			s.total += float64(h.fit.Time)
		}
	}
	if judge != nil {
		s.all = append(s.all, *judge)
		if s.policy.home(*judge).width > 0 {
			t := &task{job: *judge, left: 1}
			if s.total == 0 {
				t.room = 1
			}
			s.tasks[judge.ID] = t
		}
	}
	return s
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
		st.Running = append(st.Running, Running{l.Job, l.Fit.Devices, l.Fit.Bytes, left[l.task], l.Beside})
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
	slices.SortFunc(lanes, func(a, b *simLane) int { return int(a.loading - b.loading) })
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
	for _, o := range s.lanes {
		if o == l || !(o.Beside || l.Beside) || o.Fit.Devices[0] != l.Fit.Devices[0] {
			continue
		}
		if o.Kind == Generate || o.task.room > 0 {
			return rate / 2
		}
	}
	return rate
}

// step goes on to the next moment at which something changes. It says whether
// devices became free.
func (s *simulation) step() bool {
	const part = 1.0 / 32 // of a candidate's work, after which its answers are seen by the judge
	least := math.Inf(1)
	rates := make([]float64, len(s.lanes))
	sum := make(map[*task]float64)
	for i, l := range s.lanes {
		if l.loading > 0 {
			least = min(least, float64(l.loading))
			continue
		}
		if l.Kind == Generate || l.task.room > 0 {
			rates[i] = s.rate(l)
		}
		sum[l.task] += rates[i]
	}
	judge := s.judge()
	for t, rate := range sum {
		switch {
		case rate == 0:
		case t == judge:
			least = min(least, t.room/rate)
		case judge != nil:
			least = min(least, min(t.left, part)/rate)
		default:
			least = min(least, t.left/rate)
		}
	}
	dt := max(math.Ceil(least), 1)
	s.now += time.Duration(dt)
	for _, l := range s.lanes {
		l.loading = max(0, l.loading-time.Duration(dt))
	}
	const nothing = 1e-9
	for t, rate := range sum {
		did := min(rate*dt, t.left)
		if t.left -= did; t.left < nothing {
			did, t.left = did+t.left, 0
		}
		if t == judge {
			t.room = max(0, t.room-did)
			if t.room < nothing {
				t.room = 0
			}
		} else if judge != nil {
			judge.room += did * float64(s.policy.home(t.job).fit.Time) / s.total
		}
	}
	if judge != nil && judge.left > 0 && !s.generating() {
		judge.room = judge.left
	}
	return s.finish()
}

func (s *simulation) judge() *task {
	last := s.all[len(s.all)-1]
	if last.Kind != Score {
		return nil
	}
	return s.tasks[last.ID]
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
