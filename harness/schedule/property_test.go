package schedule

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

const gib = 1 << 30

// A model is a job as a test describes it.
type model struct {
	id           string
	kind         Kind
	weights, kv  uint64        // bytes; kv is that of a slot
	work         time.Duration // with one slot on a device of speed 1
	slots        int           // at most
	load         time.Duration
	remedies     []string
	notInstalled string
	servers      int
	gain         float64
}

// job spreads a model evenly, as Ollama does its layers.
func (m model) job() Job {
	return Job{m.id, m.kind, func(set []Device) Fit {
		f := Fit{Load: m.load, NumCtx: 4096, Remedies: m.remedies, Servers: m.servers, Gain: m.gain}
		n := uint64(len(set))
		least, speed, known := ^uint64(0), 0.0, true
		for _, d := range set {
			f.Devices = append(f.Devices, d.ID)
			least = min(least, d.Memory)
			speed += d.Speed
			known = known && d.Memory > 0
			if d.ID == m.notInstalled {
				f.Short, f.Dimension = 1, "model"
				return f
			}
		}
		f.Slots = max(m.slots, 1)
		if known {
			have := least * n
			if need := m.weights + m.kv; need > have {
				f.Slots, f.Short, f.Dimension = 0, need-have, "GPU memory"
				return f
			}
			f.Slots = min(f.Slots, int((have-m.weights)/max(m.kv, 1)))
		}
		for range set {
			f.Bytes = append(f.Bytes, (m.weights+m.kv*uint64(f.Slots)+n-1)/n)
		}
		f.Time = time.Duration(float64(m.work) * float64(n) / speed / float64(f.Slots))
		return f
	}}
}

// instance draws devices, jobs and perhaps a judge.
func instance(seed uint64) (devices []Device, models []model, judge *model) {
	r := rand.New(rand.NewPCG(seed, 1))
	memory := []uint64{8, 12, 24, 48, 80}
	equal := r.IntN(2) == 0
	class := r.IntN(len(memory))
	hosts := r.IntN(8) == 0
	for i := range 1 + r.IntN(8) {
		if !equal {
			class = r.IntN(len(memory))
		}
		d := Device{ID: fmt.Sprintf("gpu%d", i), Memory: memory[class] * gib, Speed: 0.5 + float64(class)/4}
		if hosts {
			d = Device{ID: fmt.Sprintf("http://h%d", i), Speed: 1}
		}
		devices = append(devices, d)
	}
	draw := func(id string) model {
		size := 1 + r.Uint64N(20)
		if r.IntN(4) == 0 {
			size *= 5
		}
		m := model{
			id: id, weights: size * gib, kv: (1 + r.Uint64N(4)) * gib / 2, slots: 1 + r.IntN(8),
			work: time.Duration(1+r.IntN(300)) * time.Minute, load: time.Duration(3+size/2) * time.Second,
		}
		if r.IntN(5) == 0 {
			m.notInstalled = devices[r.IntN(len(devices))].ID
		}
		if r.IntN(2) == 0 {
			m.servers = r.IntN(5)
			m.gain = r.Float64() * 4
		}
		return m
	}
	for i := range r.IntN(30) {
		models = append(models, draw(fmt.Sprintf("m%d", i)))
	}
	if r.IntN(2) == 0 {
		j := draw("judge")
		j.kind = Score
		judge = &j
	}
	return devices, models, judge
}

func jobsOf(models []model, judge *model) ([]Job, *Job) {
	var jobs []Job
	for _, m := range models {
		jobs = append(jobs, m.job())
	}
	if judge == nil {
		return jobs, nil
	}
	j := judge.job()
	return jobs, &j
}

// checkPlacement checks what holds of every placement: each job is placed or
// refused, no device is used twice, and none holds more than it has.
func checkPlacement(t *testing.T, seed uint64, devices []Device, jobs []Job, p Placement) {
	t.Helper()
	seen := make(map[string]int)
	var all []Assignment
	for _, l := range p.Lanes {
		for _, a := range l.Work {
			if !slices.Equal(a.Fit.Devices, l.Devices) || a.Server != l.Server || a.Reason == "" || a.Fit.Short > 0 || a.Begin < 0 || a.End < a.Begin || a.End > p.Makespan {
				t.Errorf("seed %d: assignment %+v on %v, of %v", seed, a, l.Devices, p.Makespan)
			}
			seen[a.Job]++
			all = append(all, a)
		}
	}
	for _, r := range p.Refused {
		if r.Reason == "" || seen[r.Job] > 0 {
			t.Errorf("seed %d: refusal %+v, placed %d times", seed, r, seen[r.Job])
		}
		seen[r.Job]++
	}
	for _, j := range jobs {
		if seen[j.ID] == 0 {
			t.Errorf("seed %d: %s is neither placed nor refused", seed, j.ID)
		}
	}
	for _, d := range devices {
		for _, at := range all {
			var bytes uint64
			var together, exclusive, spilled []string
			for _, a := range all {
				i := slices.Index(a.Fit.Devices, d.ID)
				if i < 0 || a.Begin > at.Begin || a.End <= at.Begin {
					continue
				}
				together = append(together, a.Job)
				bytes += append(a.Fit.Bytes, make([]uint64, len(a.Fit.Devices))...)[i]
				if !a.Beside && !a.Share {
					exclusive = append(exclusive, a.Job)
				}
				if a.Fit.Spill > 0 {
					spilled = append(spilled, a.Job)
				}
			}
			if len(exclusive) > 1 || len(spilled) > 0 && len(together) > 1 {
				t.Errorf("seed %d: %s is used by %v at %v; %v spill", seed, d.ID, together, at.Begin, spilled)
			}
			if d.Memory > 0 && bytes > d.Memory {
				t.Errorf("seed %d: %d of %d bytes of %s are taken at %v", seed, bytes, d.Memory, d.ID, at.Begin)
			}
		}
	}
}

const instances = 2000

func TestPlacementProperties(t *testing.T) {
	for seed := range uint64(instances) {
		devices, models, judge := instance(seed)
		jobs, score := jobsOf(models, judge)
		p := Place(devices, jobs, score)
		if t.Failed() {
			return
		}

		everything := jobs
		if score != nil {
			everything = append(slices.Clone(jobs), *score)
		}
		checkPlacement(t, seed, devices, everything, p)

		if p.Makespan < p.Bound {
			t.Errorf("seed %d: makespan %v is below the bound %v", seed, p.Makespan, p.Bound)
		}

		r := rand.New(rand.NewPCG(seed, 2))
		r.Shuffle(len(devices), func(i, j int) { devices[i], devices[j] = devices[j], devices[i] })
		r.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
		if again := Place(devices, jobs, score); !reflect.DeepEqual(p, again) {
			t.Errorf("seed %d: in another order of devices and jobs the placement is another", seed)
		}
	}
}

// No device idles while a candidate waits that fits it alone, unless a wide
// job holds it.
func TestNoDeviceIdles(t *testing.T) {
	idle := 0
	for seed := range uint64(instances) {
		devices, models, judge := instance(seed)
		jobs, score := jobsOf(models, judge)
		sim := newSimulation(devices, jobs, score)
		for len(sim.tasks) > 0 {
			state := sim.state()
			starts := Next(state)
			if !reflect.DeepEqual(starts, sim.policy.next(state)) {
				t.Fatalf("seed %d: Next and the simulation differ", seed)
			}
			busy := make(map[string]bool)
			started := make(map[string]bool)
			for _, r := range state.Running {
				for _, d := range r.Devices {
					busy[d] = true
				}
			}
			for _, s := range starts {
				started[s.Job] = true
				for _, d := range s.Fit.Devices {
					busy[d] = true
				}
			}
			wide := slices.ContainsFunc(state.Waiting, func(j Job) bool { return sim.policy.home(j).width > 1 && !started[j.ID] })
			for _, d := range devices {
				for _, j := range state.Waiting {
					if !busy[d.ID] && !wide && !started[j.ID] && j.Kind == Generate && j.Fit([]Device{d}).Short == 0 {
						t.Fatalf("seed %d: %s idles while %s waits", seed, d.ID, j.ID)
					}
				}
				if !busy[d.ID] {
					idle++
				}
			}
			for _, s := range starts {
				sim.lanes = append(sim.lanes, &simLane{Assignment: Assignment{Start: s, Begin: sim.now}, task: sim.tasks[s.Job], loading: s.Fit.Load})
			}
			if len(sim.lanes) == 0 {
				t.Fatalf("seed %d: %d jobs wait for ever", seed, len(sim.tasks))
			}
			for !sim.step() {
			}
		}
	}
	if idle == 0 {
		t.Error("no instance had an idle device: the property was not tested")
	}
}
