package schedule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// odd makes of a job what a run that goes on can make of it, and what no
// estimate should say: all of it done, loaded already, barred from devices,
// let onto the CPU, times that are negative or longer than a life.
func odd(r *rand.Rand, j Job, devices []Device) Job {
	figure := func(usual time.Duration) time.Duration {
		switch r.IntN(12) {
		case 0, 1:
			return 0
		case 2:
			return 1
		case 3:
			return -time.Hour
		case 4:
			return math.MinInt64
		case 5:
			return math.MaxInt64
		case 6:
			return time.Duration(float64(usual) * 1e-12)
		}
		return time.Duration(float64(usual) * r.Float64())
	}
	work, load := figure(time.Hour), figure(time.Minute)
	usual := r.IntN(3) == 0
	spills := r.IntN(3) == 0
	var barred []string
	if r.IntN(4) == 0 {
		barred = append(barred, devices[r.IntN(len(devices))].ID)
	}
	fit := j.Fit
	j.Fit = func(set []Device) Fit {
		f := fit(set)
		if !usual {
			f.Time, f.Load = work, load
		}
		if f.Short > 0 && f.Dimension == "GPU memory" && spills {
			f.Slots, f.Spill, f.Short, f.Dimension = 1, f.Short, 0, ""
			f.Bytes = make([]uint64, len(set)) // it says nothing, and takes all
		}
		if f.Short == 0 && slices.ContainsFunc(f.Devices, func(d string) bool { return slices.Contains(barred, d) }) {
			f.Short, f.Dimension = 1, "GPU memory"
		}
		return f
	}
	return j
}

// oddInstance is an instance of odd jobs, on devices whose names do not sort
// by their numbers.
func oddInstance(seed uint64) (r *rand.Rand, devices []Device, jobs []Job, judge *Job) {
	r = rand.New(rand.NewPCG(seed, 77))
	devices, models, score := instance(seed)
	if r.IntN(2) == 0 {
		names := []string{"g10", "g2", "g1x", "g1", "g", "g20y", "g3", "1"}
		renamed := make(map[string]string)
		for i, d := range devices {
			renamed[d.ID], devices[i].ID = names[i], names[i]
		}
		for i, m := range models {
			models[i].notInstalled = renamed[m.notInstalled]
		}
		if score != nil {
			score.notInstalled = renamed[score.notInstalled]
		}
	}
	jobs, judge = jobsOf(models, score)
	for i := range jobs {
		jobs[i] = odd(r, jobs[i], devices)
	}
	if judge != nil {
		*judge = odd(r, *judge, devices)
	}
	return r, devices, jobs, judge
}

// Whatever the figures, a placement ends, and its times can be read.
func FuzzPlace(f *testing.F) {
	for seed := range uint64(instances) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r, devices, jobs, judge := oddInstance(seed)
		everything := jobs
		switch {
		case judge == nil:
		case r.IntN(4) == 0: // further judges are placed as jobs
			jobs, judge = append(jobs, *judge), nil
			everything = jobs
		default:
			everything = append(slices.Clone(jobs), *judge)
		}
		if len(devices) > 1 && r.IntN(3) == 0 { // lost
			devices = devices[1:]
		}
		p := Place(devices, jobs, judge)
		checkPlacement(t, seed, devices, everything, p)
		if p.Makespan < 0 || p.Bound < 0 {
			t.Errorf("seed %d: makespan %v, bound %v", seed, p.Makespan, p.Bound)
		}
		if twice := p.Then(p); twice.Makespan < p.Makespan || twice.Bound < p.Bound {
			t.Errorf("seed %d: makespan %v, twice %v; bound %v, twice %v", seed, p.Makespan, twice.Makespan, p.Bound, twice.Bound)
		}
	})
}

// A thousand jobs that take for ever do not add up to a negative time.
func TestPlaceForEver(t *testing.T) {
	const years = 365 * 24 * time.Hour
	var jobs []Job
	for i := range 1000 {
		m := model{id: fmt.Sprint("m", i), weights: gib, slots: 1, work: 200 * years, load: math.MaxInt64}
		jobs = append(jobs, m.job())
	}
	devices := equal(1, 24*gib, 1)
	p := Place(devices, jobs, nil)
	twice := p.Then(p)
	checkPlacement(t, 0, devices, jobs, p)
	checkPlacement(t, 0, nil, jobs, twice)
	for name, d := range map[string]time.Duration{"makespan": p.Makespan, "bound": p.Bound, "twice the makespan": twice.Makespan, "twice the bound": twice.Bound} {
		if d < 200*years {
			t.Errorf("%s %v", name, d)
		}
	}
}

// What is left when all candidates are through is the judge's.
func TestPlaceWhatIsLeft(t *testing.T) {
	host := []Device{{ID: "http://h", Speed: 1}}
	job := func(id string, kind Kind, work time.Duration) Job {
		return model{id: id, kind: kind, slots: 1, work: work}.job()
	}
	judge := job("judge", Score, time.Hour)
	through := job("a", Generate, 0)
	slow := model{id: "a", slots: 1, load: time.Hour}.job()
	for name, p := range map[string]Placement{
		"all through":       Place(host, []Job{through}, &judge),
		"nothing generates": Place(host, nil, &judge),
		"a judge as a job":  Place(host, []Job{judge}, nil),
		"all of it through": Place([]Device{{ID: "http://h", Speed: 1}, {ID: "http://i", Speed: 1}}, []Job{slow}, &judge),
	} {
		if p.Makespan.Round(time.Second) != time.Hour {
			t.Errorf("%s: makespan %v, want 1h", name, p.Makespan)
		}
	}
}

// A judge that has been given the devices that its candidates need rates what
// there is, and the candidates follow.
func TestSimulationOfAJudgeThatWaits(t *testing.T) {
	host := []Device{{ID: "http://h", Speed: 1}}
	candidate := model{id: "a", slots: 1, work: time.Hour}.job()
	judge := model{id: "judge", kind: Score, slots: 1, work: time.Hour}.job()
	s := newSimulation(host, []Job{candidate}, &judge)
	s.lanes = []*simLane{{Assignment: Assignment{Start: Start{Job: "judge", Kind: Score, Fit: judge.Fit(host), Reason: "first"}}, task: s.tasks["judge"]}}
	for !s.step() {
	}
	s.run()
	p := s.placement()
	checkPlacement(t, 0, host, []Job{candidate, judge}, p)
	if p.Makespan.Round(time.Second) != 2*time.Hour {
		t.Errorf("makespan %v, want 2h: %q", p.Makespan, p.Lines())
	}
}
