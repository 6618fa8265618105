package schedule

import (
	"strings"
	"testing"
	"time"
)

// worth is a model that devices are worth several servers of.
func worth(id string, servers int, gain float64) model {
	return model{id: id, weights: 8 * gib, kv: gib, slots: 4, work: 8 * time.Hour, load: time.Minute, servers: servers, gain: gain}
}

// short is a model of which a second load saves less than it takes.
func short(id string) model {
	m := worth(id, 2, 1.5)
	m.work = 8 * time.Minute
	return m
}

// Servers of one job, and of several, share a device as far as they are worth it
// and its memory allows.
func TestPlaceServersThatShareADevice(t *testing.T) {
	for _, c := range []struct {
		what   string
		memory uint64
		models []model
		want   string
	}{
		{"two servers bring a half more", 80 * gib, []model{worth("a", 2, 1.5)}, `
gpu0: a from 0s to 1h21m0s: fits gpu0
gpu0-2: a from 0s to 1h21m0s: one server of a does not fill gpu0`},
		{"there is no room for all slots of a second", 22 * gib, []model{worth("a", 2, 1.5)}, `
gpu0: a from 0s to 2h1m0s: fits gpu0`},
		{"one fills it", 80 * gib, []model{worth("a", 1, 1)}, `
gpu0: a from 0s to 2h1m0s: fits gpu0`},
		{"two jobs wait", 80 * gib, []model{worth("a", 2, 1.5), worth("b", 2, 1.5)}, `
gpu0: a from 0s to 1h21m0s: fits gpu0
gpu0: b from 1h21m0s to 2h42m0s: fits gpu0
gpu0-2: a from 0s to 1h21m0s: one server of a does not fill gpu0
gpu0-2: b from 1h21m0s to 2h42m0s: one server of b does not fill gpu0`},
		{"two short ones: each is loaded once", 80 * gib, []model{short("a"), short("b")}, `
gpu0: a from 0s to 3m40s: fits gpu0
gpu0-2: b from 0s to 3m40s: beside a, as one server does not fill gpu0`},
		{"one of two fills it", 80 * gib, []model{worth("a", 2, 1.5), worth("b", 1, 1)}, `
gpu0: a from 0s to 1h21m0s: fits gpu0
gpu0: b from 1h21m0s to 3h22m0s: fits gpu0
gpu0-2: a from 0s to 1h21m0s: one server of a does not fill gpu0`},
	} {
		var jobs []Job
		for _, m := range c.models {
			jobs = append(jobs, m.job())
		}
		devices := equal(1, c.memory, 1)
		p := Place(devices, jobs, nil)
		if got := "\n" + strings.Join(p.Lines(), "\n"); got != c.want {
			t.Errorf("%s:%s\nwant:%s", c.what, got, c.want)
		}
		checkPlacement(t, 0, devices, jobs, p)
	}
}

// The next job is loaded beside one that ends before it would be, where there is
// room for all of it.
func TestNextLoadsAheadOfAnEnd(t *testing.T) {
	for _, c := range []struct {
		what    string
		left    time.Duration
		weights uint64
		want    bool
	}{
		{"it ends soon", 50 * time.Second, 8 * gib, true},
		{"it does not", 70 * time.Second, 8 * gib, false},
		{"there is no room", 50 * time.Second, 70 * gib, false},
	} {
		next := worth("b", 1, 1)
		next.weights = c.weights
		starts := Next(State{
			Devices: equal(1, 80*gib, 1),
			Running: []Running{{Job: "a", Devices: []string{"gpu0"}, Bytes: []uint64{12 * gib}, Left: c.left}},
			Working: []Job{worth("a", 1, 1).job()},
			Waiting: []Job{next.job()},
		})
		if got := len(starts) == 1 && starts[0].Share && starts[0].Server == 1; got != c.want {
			t.Errorf("%s: %+v", c.what, starts)
		}
	}
}
