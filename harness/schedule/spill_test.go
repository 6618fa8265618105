package schedule

import (
	"strings"
	"testing"
	"time"
)

// spilling is a job that may run on the CPU for what does not fit, in ten
// times the time.
func spilling(id string, kind Kind, weights uint64, hours int) Job {
	j := model{id: id, kind: kind, weights: weights * gib, kv: gib, slots: 1, work: time.Duration(hours) * time.Hour, load: 10 * time.Second}.job()
	fit := j.Fit
	j.Fit = func(set []Device) Fit {
		f := fit(set)
		if f.Short > 0 {
			f.Slots, f.Spill, f.Short, f.Dimension, f.Time = 1, f.Short, 0, "", 10*time.Duration(hours)*time.Hour
			for _, d := range set {
				f.Bytes = append(f.Bytes, d.Memory)
			}
		}
		return f
	}
	return j
}

// What spills takes all that is left to it, so it is alone on its devices.
func TestPlaceWhatSpills(t *testing.T) {
	small := spilling("a", Generate, 8, 1)
	large := spilling("b", Generate, 42, 1)
	little, lots := spilling("judge", Score, 6, 1), spilling("judge", Score, 42, 1)
	mixed := []Device{{ID: "small", Memory: 8 * gib, Speed: 1}, {ID: "large", Memory: 24 * gib, Speed: 1}}
	for _, c := range []struct {
		name    string
		devices []Device
		jobs    []Job
		judge   *Job
		want    string
	}{
		{"the judge", equal(1, 24*gib, 1), []Job{small}, &lots, `
gpu0: a from 0s to 1h0m10s: fits gpu0
gpu0: judge from 1h0m10s to 11h0m20s: after the candidates, on gpu0: both do not fit at once`},
		{"a candidate", equal(1, 24*gib, 1), []Job{small, large}, &little, `
gpu0: b from 0s to 10h0m10s: fits gpu0 in part: 19.5 GiB of it on the CPU
gpu0: a from 10h0m10s to 12h0m20s: fits gpu0 with the judge beside it
gpu0: judge from 10h0m10s to 12h0m20s: resident: every candidate fits beside it on gpu0, so it scores from the start`},
		{"not where it fits", mixed, []Job{small}, nil, `
large: a from 0s to 1h0m10s: fits large`},
		{"nor where it fits two", equal(2, 24*gib, 1), []Job{large}, nil, `
gpu0+gpu1: b from 0s to 1h0m10s: needs 2 devices`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Place(c.devices, c.jobs, c.judge)
			if got := strings.Join(p.Lines(), "\n"); got != strings.TrimPrefix(c.want, "\n") {
				t.Errorf("got\n%s\nwant%s", got, c.want)
			}
			for _, l := range p.Lanes {
				for _, w := range l.Work {
					if w.Fit.Spill > 0 && w.Fit.Bytes[0] != c.devices[0].Memory {
						t.Errorf("%s takes %d bytes of %d", w.Job, w.Fit.Bytes[0], c.devices[0].Memory)
					}
				}
			}
		})
	}
}

// A candidate that would spill beside the judge in residence waits for it.
func TestNextSpillsNotBesideTheJudge(t *testing.T) {
	judge := spilling("judge", Score, 6, 1)
	state := State{
		Devices: equal(1, 24*gib, 1),
		Running: []Running{{Job: "judge", Devices: []string{"gpu0"}, Bytes: []uint64{7 * gib}, Left: time.Hour, Beside: true}},
		Working: []Job{judge},
		Waiting: []Job{spilling("b", Generate, 20, 1)},
	}
	if starts := Next(state); len(starts) > 0 {
		t.Errorf("starts %+v", starts)
	}
	state.Waiting = append(state.Waiting, spilling("a", Generate, 8, 1))
	if starts := Next(state); len(starts) != 1 || starts[0].Job != "a" || starts[0].Fit.Spill > 0 {
		t.Errorf("starts %+v, want a beside the judge", starts)
	}
}
