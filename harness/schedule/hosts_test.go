package schedule

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// spread puts the devices of an instance on some hosts, the first of which is
// this machine.
func spread(seed uint64, devices []Device) []Device {
	r := rand.New(rand.NewPCG(seed, 7))
	hosts := []string{"", "gpu02", "gpu03", "gpu10"}[:1+r.IntN(4)]
	for i := range devices {
		if d := &devices[i]; d.Memory > 0 {
			if d.Host = hosts[r.IntN(len(hosts))]; d.Host != "" {
				d.ID = d.Host + "/" + d.ID
			}
		}
	}
	return devices
}

func hostsOf(ids []string) (hosts []string) {
	for _, id := range ids {
		host, _, ok := strings.Cut(id, "/")
		if !ok || strings.HasPrefix(id, "http") {
			host = ""
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

func TestNoSetSpansHosts(t *testing.T) {
	wide, several, bounds := 0, 0, 0
	for seed := range uint64(instances) {
		devices, models, judge := instance(seed)
		devices = spread(seed, devices)
		jobs, score := jobsOf(models, judge)
		asked := func(j Job) Job {
			fit := j.Fit
			j.Fit = func(set []Device) Fit {
				for _, d := range set {
					if d.Host != set[0].Host {
						t.Fatalf("seed %d: %s is asked of a set on %s and %s", seed, j.ID, set[0].Host, d.Host)
					}
				}
				return fit(set)
			}
			return j
		}
		for i := range jobs {
			jobs[i] = asked(jobs[i])
		}
		everything := jobs
		if score != nil {
			*score = asked(*score)
			everything = append(slices.Clone(jobs), *score)
		}
		p := Place(devices, jobs, score)
		checkPlacement(t, seed, devices, everything, p)
		for _, l := range p.Lanes {
			if len(hostsOf(l.Devices)) > 1 {
				t.Errorf("seed %d: a lane on %v", seed, l.Devices)
			}
			if len(l.Devices) > 1 {
				wide++
			}
		}
		if p.Makespan < p.Bound {
			t.Errorf("seed %d: makespan %v is below the bound %v", seed, p.Makespan, p.Bound)
		} else if p.Makespan < 2*p.Bound {
			bounds++
		}
		if len(perHost(devices)) > 1 {
			several++
		}
	}
	if wide < 100 || several < instances/2 || bounds < instances/3 {
		t.Errorf("%d wide lanes, %d instances with several hosts, %d near their bounds: not tested", wide, several, bounds)
	}
}

// All of it on one host goes as it does on this machine, whatever its name.
func TestOneHostIsAsThisMachine(t *testing.T) {
	for seed := range uint64(instances / 4) {
		devices, models, judge := instance(seed)
		jobs, score := jobsOf(models, judge)
		here := Place(devices, jobs, score)
		for i := range devices {
			devices[i].Host = "gpu02"
		}
		if there := Place(devices, jobs, score); !reflect.DeepEqual(here, there) {
			t.Fatalf("seed %d: placed on one other host\n%v\nnot\n%v", seed, there.Lines(), here.Lines())
		}
	}
}

// Further hosts never make what the widest host can do take longer than there
// alone.
func TestFurtherHostsDoNotHurt(t *testing.T) {
	tried, faster := 0, 0
	for seed := range uint64(2 * instances) {
		devices, models, _ := instance(seed)
		devices = spread(seed, devices)
		host, most, hosts := "", 0, perHost(devices)
		for h, n := range hosts {
			if n > most || n == most && h < host {
				host, most = h, n
			}
		}
		own := slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return d.Host != host })
		jobs, _ := jobsOf(models, nil)
		jobs = slices.DeleteFunc(jobs, func(j Job) bool { return !Fits(own, j) })
		if len(hosts) < 2 || len(jobs) == 0 {
			continue
		}
		tried++
		const rounding = time.Microsecond
		alone, all := Place(own, jobs, nil).Makespan, Place(devices, jobs, nil).Makespan
		if all > alone+rounding {
			t.Errorf("seed %d: %v on all hosts, %v on the widest alone", seed, all, alone)
		}
		if all < alone {
			faster++
		}
	}
	if tried < instances/2 || faster < tried/2 {
		t.Errorf("%d instances, %d of them faster: not tested", tried, faster)
	}
}

func TestLaneNames(t *testing.T) {
	for want, lane := range map[string]struct {
		devices []string
		server  int
	}{
		"gpu0":             {[]string{"gpu0"}, 0},
		"gpu0-2":           {[]string{"gpu0"}, 1},
		"gpu0+gpu1":        {[]string{"gpu0", "gpu1"}, 0},
		"gpu02/gpu0-2":     {[]string{"gpu02/gpu0"}, 1},
		"gpu02/gpu0+gpu1":  {[]string{"gpu02/gpu0", "gpu02/gpu1"}, 0},
		"http://b:11434":   {[]string{"http://b:11434"}, 0},
		"a/gpu0+gpu1+gpu2": {[]string{"a/gpu0", "a/gpu1", "a/gpu2"}, 0},
	} {
		if got := LaneName(lane.devices, lane.server); got != want {
			t.Errorf("%v: %s, want %s", lane.devices, got, want)
		}
	}
}
