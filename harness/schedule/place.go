package schedule

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Placement is what [Next] would do if every estimate were right.
type Placement struct {
	Lanes    []Lane
	Refused  []Refusal
	Makespan time.Duration
	// Bound is a time that no placement of these jobs can beat.
	Bound time.Duration
}

// A Lane is a set of devices and what runs on it, in order.
type Lane struct {
	Devices []string
	Server  int // which one on its device
	Work    []Assignment
}

// LaneName names the lane of a server on some devices: gpu0, gpu0-2, gpu0+gpu1,
// gpu02/gpu0+gpu1 where they are another host's.
func LaneName(devices []string, server int) string {
	name := strings.Join(devices, "+")
	if host, _, ok := strings.Cut(devices[0], "/"); ok && len(devices) > 1 {
		name = strings.ReplaceAll(name, "+"+host+"/", "+")
	}
	if server > 0 {
		name += fmt.Sprintf("-%d", server+1)
	}
	return name
}

// An Assignment is a start with its estimated times.
type Assignment struct {
	Start
	Begin, End time.Duration // since the start of the run; with the load
}

// A Refusal is a job that fits nowhere, and the fit that came closest.
type Refusal struct {
	Job    string
	Kind   Kind
	Fit    Fit
	Reason string
}

// Place simulates [Next] with estimated durations. judge may be nil.
func Place(devices []Device, jobs []Job, judge *Job) Placement {
	sim := newSimulation(devices, jobs, judge)
	sim.run()
	return sim.placement()
}

// Then is the placement followed by another, which begins when it has ended.
func (p Placement) Then(next Placement) Placement {
	lanes := slices.Clone(p.Lanes)
	for _, l := range next.Lanes {
		i := slices.IndexFunc(lanes, func(other Lane) bool { return slices.Equal(other.Devices, l.Devices) && other.Server == l.Server })
		if i < 0 {
			i = len(lanes)
			lanes = append(lanes, Lane{Devices: l.Devices, Server: l.Server})
		}
		lanes[i].Work = slices.Clone(lanes[i].Work)
		for _, a := range l.Work {
			a.Begin, a.End = plus(a.Begin, p.Makespan), plus(a.End, p.Makespan)
			lanes[i].Work = append(lanes[i].Work, a)
		}
	}
	return Placement{lanes, append(slices.Clone(p.Refused), next.Refused...), plus(p.Makespan, next.Makespan), plus(p.Bound, next.Bound)}
}

// Lines says the placement in words, a line a start or refusal.
func (p Placement) Lines() []string {
	var lines []string
	for _, l := range p.Lanes {
		for _, a := range l.Work {
			lines = append(lines, fmt.Sprintf("%s: %s from %v to %v: %s", LaneName(l.Devices, l.Server), a.Job, a.Begin.Round(time.Second), a.End.Round(time.Second), a.Reason))
		}
	}
	for _, r := range p.Refused {
		lines = append(lines, fmt.Sprintf("refused: %s: %s", r.Job, r.Reason))
	}
	return lines
}

func (s *simulation) placement() Placement {
	p := Placement{Makespan: s.now}
	byName := make(map[string]int)
	for _, a := range s.done {
		name := LaneName(a.Fit.Devices, a.Server)
		i, ok := byName[name]
		if !ok {
			i = len(p.Lanes)
			byName[name] = i
			p.Lanes = append(p.Lanes, Lane{Devices: a.Fit.Devices, Server: a.Server})
		}
		p.Lanes[i].Work = append(p.Lanes[i].Work, a)
	}
	slices.SortFunc(p.Lanes, func(a, b Lane) int {
		return cmp.Or(slices.CompareFunc(a.Devices, b.Devices, natural), cmp.Compare(a.Server, b.Server))
	})
	for _, l := range p.Lanes {
		slices.SortStableFunc(l.Work, func(a, b Assignment) int {
			return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.Kind, b.Kind))
		})
	}
	for _, j := range s.all {
		if h := s.policy.home(j); h.width == 0 {
			p.Refused = append(p.Refused, Refusal{j.ID, j.Kind, h.fit, h.fit.refusal()})
		}
	}
	slices.SortFunc(p.Refused, func(a, b Refusal) int { return cmp.Compare(a.Job, b.Job) })
	p.Bound = s.bound()
	return p
}

func (f Fit) refusal() string {
	if f.Short == 0 {
		return "there are no devices"
	}
	reason := "not enough " + f.Dimension
	switch f.Dimension {
	case "GPU memory":
		reason += fmt.Sprintf(" on %s: %.1f GiB short", LaneName(f.Devices, 0), float64(f.Short)/(1<<30))
	case "model":
		reason = "the model is installed on none of the servers"
	}
	if len(f.Remedies) > 0 {
		reason += "; would fit: " + strings.Join(f.Remedies, ", ")
	}
	return reason
}

// bound is the larger of two times. The devices together cannot do all work
// faster than if each job, with one load, had its most efficient set at all
// times and no device ever idled. And no job ends before its load and its work
// shared by all the lanes there is room for; jobs that take more than half of
// the devices of the one host that has enough of them have to follow each other.
func (s *simulation) bound() time.Duration {
	n, hosts := len(s.policy.devices), perHost(s.policy.devices)
	judged := len(s.judges) > 0
	var area, longest, alone float64
	for _, j := range s.all {
		h := s.policy.home(j)
		if h.width == 0 {
			continue
		}
		best, load, fastest := -1.0, -1.0, -1.0
		for _, f := range s.policy.fits[j.ID] {
			if f.Short > 0 {
				continue
			}
			least := func(to *float64, v float64) {
				if *to < 0 || v < *to {
					*to = v
				}
			}
			// Of two lanes on a device one works while the other loads.
			busy := float64(f.Time) / f.Together(f.Servers)
			if !judged && len(f.Devices) > 1 {
				busy += float64(f.Load)
			}
			least(&best, float64(len(f.Devices))*busy)
			least(&load, float64(f.Load))
			least(&fastest, float64(f.Time)/f.Together(f.Servers))
		}
		area += best
		lanes := 0 // of the job, at most at once
		for _, devices := range hosts {
			lanes += devices / h.width
		}
		longest = max(longest, load+fastest/float64(lanes))
		if lanes == 1 {
			alone += fastest
			if !judged && h.width > 1 {
				alone += load
			}
		}
	}
	if n == 0 {
		return 0
	}
	if bound := max(area/float64(n), longest, alone); bound < math.MaxInt64 {
		return time.Duration(bound)
	}
	return math.MaxInt64
}
