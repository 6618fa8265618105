package schedule

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// oddState is a state in which a run may ask: lanes at work, some on devices
// that were taken out since, a judge in residence or on a lane of its own.
func oddState(seed uint64) (*rand.Rand, State) {
	r, devices, jobs, judge := oddInstance(seed)
	var s State
	left := func() time.Duration {
		return []time.Duration{0, 1, -time.Second, math.MaxInt64, time.Minute, time.Duration(r.IntN(300)) * time.Minute}[r.IntN(6)]
	}
	works := func(j Job) {
		if r.IntN(8) > 0 {
			s.Working = append(s.Working, j)
		}
		if r.IntN(8) == 0 { // that is the caller's mistake
			s.Waiting = append(s.Waiting, j)
		}
	}
	free := slices.Clone(devices)
	r.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	if judge != nil {
		switch d := free[0]; r.IntN(3) {
		case 0: // candidates may be beside it
			s.Running = append(s.Running, Running{Job: judge.ID, Devices: []string{d.ID}, Bytes: []uint64{r.Uint64N(d.Memory/2 + 1)}, Left: left(), Beside: true})
			works(*judge)
		case 1:
			s.Running = append(s.Running, Running{Job: judge.ID, Devices: []string{d.ID}, Left: left()})
			works(*judge)
			free = free[1:]
		default:
			s.Waiting = append(s.Waiting, *judge)
		}
	}
	for _, j := range jobs {
		width := 1 + r.IntN(3)
		if r.IntN(3) > 0 || len(free) < width {
			s.Waiting = append(s.Waiting, j)
			continue
		}
		on := Running{Job: j.ID, Left: left()}
		for _, d := range free[:width] {
			on.Devices = append(on.Devices, d.ID)
		}
		free = free[width:]
		s.Running = append(s.Running, on)
		works(j)
	}
	if judge != nil && r.IntN(4) == 0 {
		second := *judge
		second.ID = "a second judge"
		s.Waiting = append(s.Waiting, second)
	}
	for _, d := range devices {
		if r.IntN(5) > 0 {
			s.Devices = append(s.Devices, d)
		}
	}
	return r, s
}

func TestNextProperties(t *testing.T) {
	var joins, wide, beside, spills, missing int
	for seed := range uint64(3 * instances) {
		r, s := oddState(seed)
		starts := Next(s)

		memory := make(map[string]uint64)
		for _, d := range s.Devices {
			memory[d.ID] = d.Memory
		}
		busy := make(map[string]bool)    // by a lane that has its devices to itself
		taken := make(map[string]uint64) // bytes
		shared := make(map[string]bool)  // a resident judge is there
		atWork := make(map[string]bool)  // jobs
		left := make(map[string]time.Duration)
		for _, on := range s.Running {
			atWork[on.Job] = true
			for i, d := range on.Devices {
				if _, ok := memory[d]; !ok {
					missing++
				}
				if on.Beside {
					shared[d] = true
					taken[d] += on.Bytes[i]
				} else {
					busy[d] = true
				}
			}
		}
		for _, j := range s.Working {
			for _, on := range s.Running {
				if on.Job == j.ID {
					left[j.ID] = max(left[j.ID], on.Left)
				}
			}
		}
		started := make(map[string]bool)
		for _, start := range starts {
			switch {
			case !start.Join && (atWork[start.Job] || started[start.Job]):
				t.Errorf("seed %d: %s is started where it is at work", seed, start.Job)
			case start.Join && !started[start.Job] && left[start.Job] <= 0:
				t.Errorf("seed %d: %s is joined with %v left", seed, start.Job, left[start.Job])
			}
			started[start.Job] = true
		}
		for _, start := range starts {
			for i, d := range start.Fit.Devices {
				if _, ok := memory[d]; !ok {
					t.Errorf("seed %d: %s is started on %s, which is away", seed, start.Job, d)
				}
				if busy[d] && !start.Beside && !start.Share || shared[d] && (start.Beside || len(start.Fit.Devices) > 1) {
					t.Errorf("seed %d: %+v is started where %s is not free", seed, start, d)
				}
				if start.Beside {
					shared[d] = true
					beside++
				} else {
					busy[d] = true
				}
				taken[d] += start.Fit.Bytes[i]
				if memory[d] > 0 && taken[d] > memory[d] {
					t.Errorf("seed %d: %d of %d bytes of %s are taken", seed, taken[d], memory[d], d)
				}
			}
			if start.Join {
				joins++
			}
			if len(start.Fit.Devices) > 1 {
				wide++
			}
		}
		for _, start := range starts {
			if start.Fit.Spill > 0 {
				spills++
				d := start.Fit.Devices[0]
				if start.Beside || shared[d] || start.Fit.Bytes[0] != memory[d] {
					t.Errorf("seed %d: %+v spills, and does not have all of %s", seed, start, d)
				}
			}
		}
		idles(t, seed, s, started, busy, taken, shared)

		again := State{slices.Clone(s.Devices), slices.Clone(s.Running), slices.Clone(s.Working), slices.Clone(s.Waiting)}
		r.Shuffle(len(again.Devices), reflect.Swapper(again.Devices))
		r.Shuffle(len(again.Running), reflect.Swapper(again.Running))
		r.Shuffle(len(again.Working), reflect.Swapper(again.Working))
		r.Shuffle(len(again.Waiting), reflect.Swapper(again.Waiting))
		if other := Next(again); !reflect.DeepEqual(starts, other) {
			t.Errorf("seed %d: in another order\n%+v\nnot\n%+v", seed, other, starts)
		}
		if t.Failed() {
			return
		}
	}
	if joins == 0 || wide == 0 || beside == 0 || spills == 0 || missing == 0 {
		t.Errorf("%d joins, %d wide, %d beside, %d spill, %d on missing devices: not tested", joins, wide, beside, spills, missing)
	}
}

// idles fails the test where a device idles that a candidate fits which waits,
// also while a judge is at work, unless a wide job holds it.
func idles(t *testing.T, seed uint64, s State, started, busy map[string]bool, taken map[string]uint64, shared map[string]bool) {
	t.Helper()
	p := newPolicy(s.Devices)
	for _, j := range s.Waiting {
		if p.home(j).width > 1 && !started[j.ID] {
			return
		}
	}
	for _, j := range s.Waiting {
		if j.Kind == Score || started[j.ID] || slices.ContainsFunc(s.Running, func(on Running) bool { return on.Job == j.ID }) {
			continue
		}
		for _, d := range s.Devices {
			if busy[d.ID] {
				continue
			}
			at := d
			at.Memory -= min(taken[d.ID], d.Memory)
			if f := j.Fit([]Device{at}); f.Short == 0 && f.Spill == 0 && !(shared[d.ID] && at.Memory == 0) {
				t.Errorf("seed %d: %s idles while %s waits", seed, d.ID, j.ID)
			}
		}
	}
}

// A candidate at work on a device that was taken out fits nowhere any more. It
// is not joined, and nothing else waits for it.
func TestNextWithoutTheDeviceOfALane(t *testing.T) {
	large := model{id: "large", weights: 40 * gib, kv: gib, slots: 1, work: 3 * time.Hour, load: time.Second}
	judge := model{id: "judge", kind: Score, weights: 8 * gib, kv: gib, slots: 1, work: time.Hour, load: time.Second}
	starts := Next(State{
		Devices: equal(1, 24*gib, 1),
		Running: []Running{
			{Job: "large", Devices: []string{"away"}, Left: 2 * time.Hour},
			{Job: "other", Devices: []string{"gone"}, Beside: true},
		},
		Working: []Job{large.job()},
		Waiting: []Job{judge.job()},
	})
	if len(starts) != 1 || starts[0].Job != "judge" {
		t.Errorf("starts %+v, want the judge on gpu0", starts)
	}
}

// A free device joins no job that has nothing left.
func TestNextJoinsNothing(t *testing.T) {
	job := model{id: "a", weights: 8 * gib, slots: 1, work: time.Hour, load: -time.Hour}.job()
	for _, left := range []time.Duration{0, -1, math.MinInt64} {
		starts := Next(State{
			Devices: equal(2, 24*gib, 1),
			Running: []Running{{Job: "a", Devices: []string{"gpu0"}, Left: left}},
			Working: []Job{job},
		})
		if len(starts) > 0 {
			t.Errorf("%v left: starts %+v", left, starts)
		}
	}
}

// A judge that holds the only device of a candidate that waits rates little
// until that is through: more devices would do nothing for it.
func TestNextJoinsTheJudgeLast(t *testing.T) {
	judge := model{id: "judge", kind: Score, weights: 8 * gib, kv: gib, slots: 1, work: 9 * time.Hour, load: time.Second}.job()
	large := model{id: "large", weights: 40 * gib, kv: gib, slots: 1, work: time.Hour, load: time.Second, notInstalled: "small"}.job()
	state := State{
		Devices: []Device{{ID: "large", Memory: 48 * gib, Speed: 1}, {ID: "small", Memory: 24 * gib, Speed: 1}},
		Running: []Running{{Job: "judge", Devices: []string{"large"}, Left: 9 * time.Hour}},
		Working: []Job{judge},
		Waiting: []Job{large},
	}
	if starts := Next(state); len(starts) > 0 {
		t.Errorf("starts %+v while a candidate waits", starts)
	}
	state.Waiting = nil
	if starts := Next(state); len(starts) != 1 || !starts[0].Join {
		t.Errorf("starts %+v, want a second lane of the judge", starts)
	}
}

// The judge leaves a device to a candidate only if that will be joined.
func TestNextStartsTheJudgeWhereNothingJoins(t *testing.T) {
	slow := model{id: "slow", weights: 8 * gib, kv: gib, slots: 1, work: 9 * time.Hour, load: 5 * time.Hour}.job()
	judge := model{id: "judge", kind: Score, weights: 20 * gib, kv: gib, slots: 1, work: time.Hour, load: time.Second}.job()
	starts := Next(State{
		Devices: equal(2, 24*gib, 1),
		Running: []Running{{Job: "slow", Devices: []string{"gpu0"}, Left: 9 * time.Hour}},
		Working: []Job{slow},
		Waiting: []Job{judge},
	})
	if len(starts) != 1 || starts[0].Job != "judge" {
		t.Errorf("starts %+v, want the judge", starts)
	}
}
