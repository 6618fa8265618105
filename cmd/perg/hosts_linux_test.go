package main

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"perg/models"
	"perg/models/gguftest"
	"perg/models/ollamatest"
)

// points is how many faults of a kind there are: three, or PERG_SOAK.
func points(t *testing.T) int {
	text := os.Getenv("PERG_SOAK")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A run on three machines equals the run on one, whatever goes wrong.
func TestHosts(t *testing.T) {
	p := newParty(t, 200*time.Millisecond, "steady", "swayed", "--judge", "judge", "--kv-cache", "f16,q8_0", "--limit", "8", "--parallel", "4")
	others := filepath.Join(p.dir, "others")
	t.Run("models", func(t *testing.T) { // the server stops with the subtest
		s := ollamatest.Start(t, models.ServerConfig{Models: others, Program: os.Getenv(notedReal)})
		ollamatest.Install(t, s.URL(), map[string]gguftest.Chain{"steady": gguftest.Steady("D"), "swayed": gguftest.Steady("C"), "judge": actors["strict"]})
	})
	for name, kinds := range map[string][]func(*hosted, *rand.Rand){
		"killed":      {agentDies, controllerDies, bothDie},
		"interrupted": {agentIsInterrupted, linkBlinks, weatherTurns},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := seeded(t)
			for left := points(t); left > 0; left -= 3 {
				r := p.begin(t)
				n := min(left, 3) * len(kinds) // points of this run, three of each kind
				for i := range n {
					if !r.reaches((i*r.planned + rng.IntN(r.planned)) / n) {
						break
					}
					kinds[i%len(kinds)](r, rng)
				}
				r.finishes()
			}
		})
	}
	// Each of these takes its time: they are as many as the test waits for.
	for name, suffer := range map[string]func(r *hosted, one, two *box, rng *rand.Rand){
		"a link is down and another carries one way": linksGoDown,
		"an agent and an Ollama stop":                agentAndServerStop,
		"the controller stops":                       controllerStops,
		"disks are full":                             nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := seeded(t)
			if suffer == nil {
				disksFill(p.host(t))
				return
			}
			for range max(1, points(t)/3) {
				r := p.begin(t)
				which := rng.Perm(len(r.boxes) - 1)
				r.reaches(rng.IntN(r.planned / 2))
				suffer(r, r.boxes[1+which[0]], r.boxes[1+which[1]], rng)
				r.finishes()
			}
		})
	}
	t.Run("other models under the same names", func(t *testing.T) {
		t.Parallel()
		r := p.host(t)
		other := r.boxes[3]
		other.env = []string{"OLLAMA_MODELS=" + others}
		r.lead()
		for _, b := range r.boxes[1:] {
			r.join(b)
		}
		r.finishes()
		if said := r.controller.String(); !strings.Contains(said, other.name+" has another steady:latest (") {
			t.Errorf("nothing is said of it:\n%s", said)
		}
		for _, n := range r.made() {
			if n.Machine == other.name {
				t.Errorf("a call was made of another model: %v", n)
			}
		}
	})
}

func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// agentDies, and is started again at once or a while later.
func agentDies(r *hosted, rng *rand.Rand) {
	b := r.boxes[1+rng.IntN(len(r.boxes)-1)]
	r.agents[b.name].kill()
	r.faults++
	time.Sleep(upTo(rng, 2*time.Second))
	r.join(b)
}

// agentIsInterrupted: it lets its calls finish, so that none is made again.
func agentIsInterrupted(r *hosted, rng *rand.Rand) {
	b := r.boxes[1+rng.IntN(len(r.boxes)-1)]
	l := r.agents[b.name]
	l.signal(syscall.SIGINT)
	r.until(b.name+" to end", 20*time.Second, l.over)
	if code := l.cmd.ProcessState.ExitCode(); code != exitInterrupted {
		r.t.Errorf("%s: exit status %d\n%s", b.name, code, l)
	}
	r.join(b)
}

// controllerDies, and is started again, at once or a while later, with the same
// command. What lies between it and the agents is lost the second time, and its store
// the third.
func controllerDies(r *hosted, rng *rand.Rand) {
	r.controller.kill()
	r.faults++
	r.deaths++
	switch r.deaths {
	case 2:
		r.remove(filepath.Join(r.out, "nats"))
	case 3:
		r.remove(r.stores[r.boxes[0].name] + "*")
	}
	time.Sleep(upTo(rng, 2*time.Second))
	r.lead()
}

func (r *hosted) remove(pattern string) {
	r.t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		r.t.Errorf("there is no %s to remove: %v", pattern, err)
	}
	for _, path := range found {
		if err := os.RemoveAll(path); err != nil {
			r.t.Error(err)
		}
	}
}

func bothDie(r *hosted, rng *rand.Rand) {
	b := r.boxes[1+rng.IntN(len(r.boxes)-1)]
	r.controller.kill()
	r.agents[b.name].kill()
	r.faults += 2
	time.Sleep(upTo(rng, 2*time.Second))
	if rng.IntN(2) == 0 {
		r.join(b)
		r.lead()
	} else {
		r.lead()
		r.join(b)
	}
}

// linkBlinks: an agent's link is down for two seconds, which nobody has to notice.
func linkBlinks(r *hosted, rng *rand.Rand) {
	b := r.boxes[1+rng.IntN(len(r.boxes)-1)]
	r.faults++
	b.link("down")
	time.Sleep(2 * time.Second)
	b.link("up")
}

// weatherTurns changes what the controller's cable does to frames: they take 200 ms
// more or less, or 5 % are lost, or it carries 1 Mbit a second.
func weatherTurns(r *hosted, _ *rand.Rand) {
	all := []weather{
		{delay: 200 * time.Millisecond, jitter: 50 * time.Millisecond},
		{loss: 0.05},
		{rate: 1e6 / 8},
	}
	w := all[r.turns%len(all)]
	r.turns++
	r.faults++
	r.boxes[0].sends.set(w)
	w.delay, w.jitter = 0, 0
	r.boxes[0].hears.set(w)
}

// aWhile is how long something lasts that has to be noticed; longer with PERG_SOAK.
func aWhile(soak time.Duration) time.Duration {
	if os.Getenv("PERG_SOAK") != "" {
		return soak
	}
	return 20 * time.Second
}

// lasts waits as long since a moment, or for the end of the run.
func (r *hosted) lasts(since time.Time, long time.Duration) {
	for !r.controller.over() && time.Since(since) < long {
		time.Sleep(10 * time.Millisecond)
	}
}

// linksGoDown: one agent is cut off, and of another nothing is heard, or it hears
// nothing.
func linksGoDown(r *hosted, one, two *box, rng *rand.Rand) {
	ways := []*cable{two.sends, two.hears}
	way := ways[rng.IntN(len(ways))]
	r.busy(one)
	since := time.Now()
	one.link("down")
	r.busy(two)
	sinceTwo := time.Now()
	way.set(weather{cut: true})
	r.faults += 2
	r.leaves(one, since)
	r.leaves(two, sinceTwo)
	r.lasts(since, aWhile(2*time.Minute))
	one.link("up")
	way.set(weather{})
}

// agentAndServerStop, as a machine does that swaps, and a GPU that hangs.
func agentAndServerStop(r *hosted, one, two *box, _ *rand.Rand) {
	servers := r.servers(two)
	if len(servers) == 0 {
		r.t.Errorf("%s has no server to stop", two.name)
	}
	r.busy(one)
	since := time.Now()
	r.agents[one.name].signal(syscall.SIGSTOP)
	for _, pid := range servers {
		unix.Kill(pid, unix.SIGSTOP)
	}
	r.faults += 2
	r.leaves(one, since)
	r.lasts(since, aWhile(time.Minute))
	r.agents[one.name].signal(syscall.SIGCONT)
	for _, pid := range servers {
		unix.Kill(pid, unix.SIGCONT)
	}
}

func controllerStops(r *hosted, _, _ *box, _ *rand.Rand) {
	r.controller.signal(syscall.SIGSTOP)
	r.faults += len(r.boxes) - 1 // all of them may be lost to it
	time.Sleep(aWhile(time.Minute))
	r.controller.signal(syscall.SIGCONT)
}

// disksFill: those under an agent's store and the controller's have room for a part
// of the replies. Both end, with words, and go on where there is more.
func disksFill(r *hosted) {
	lead, one := r.boxes[0], r.boxes[1]
	full := func(b *box, kilobytes int, start func() *life) {
		disk := smallDisk(r.t, kilobytes)
		r.stores[b.name] = filepath.Join(disk, "replies.db")
		l := start()
		for _, b := range r.boxes[1:] {
			if r.agents[b.name] == nil {
				r.join(b)
			}
		}
		r.until("the disk of "+b.name+" is full", time.Minute, l.over)
		if code := l.cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(l.String(), "full") {
			r.t.Errorf("%s: exit status %d\n%s", b.name, code, l)
		}
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT, "size=64m"); err != nil {
			r.t.Fatal(err)
		}
		r.faults++
	}
	full(lead, 160, r.lead)
	r.agents[one.name].kill()
	r.faults++
	for _, n := range r.made() {
		if n.Machine == one.name {
			r.lost++ // it gets another store
		}
	}
	r.lead()
	full(one, 100, func() *life { return r.join(one) })
	r.join(one)
	r.finishes()
}

// busy waits until a machine has calls in flight.
func (r *hosted) busy(b *box) {
	r.t.Helper()
	r.until(b.name+" at work", time.Minute, func() bool { return len(r.inFlight(b, time.Now())) > 0 })
}

// inFlight are the calls that a machine was at at a time.
func (r *hosted) inFlight(b *box, at time.Time) map[string]bool {
	calls := make(map[string]bool)
	for _, n := range r.calls.notes() {
		if n.Machine == b.name && n.At.Before(at) {
			calls[n.Call] = !n.Answered
		}
	}
	maps.DeleteFunc(calls, func(_ string, open bool) bool { return !open })
	return calls
}

// What is asked of a run that loses a machine: how soon that is off the schedule, and
// its work answered elsewhere.
const (
	offWithin       = 15 * time.Second
	elsewhereWithin = 45 * time.Second
)

// leaves waits until a machine is lost to the run since a moment, and what it was at
// is answered by others, or the run has ended: a reply may have been on its way.
func (r *hosted) leaves(b *box, since time.Time) {
	r.t.Helper()
	calls := r.inFlight(b, since)
	var off time.Time
	r.until(b.name+" off the schedule", time.Until(since.Add(offWithin)), func() bool {
		off = r.controller.said(b.name+" has left", since)
		return !off.IsZero()
	})
	last := since
	left := calls
	r.until("the work of "+b.name+" elsewhere", time.Until(since.Add(elsewhereWithin)), func() bool {
		left = maps.Clone(calls)
		for _, n := range r.calls.notes() {
			if n.Answered && n.Machine != b.name && n.At.After(since) && left[n.Call] {
				delete(left, n.Call)
				last = n.At
			}
		}
		return len(left) == 0 || r.controller.over()
	})
	r.t.Logf("%s: off the schedule after %.1f s; of %d calls that it was at %d answered elsewhere after %.1f s",
		b.name, off.Sub(since).Seconds(), len(calls), len(calls)-len(left), last.Sub(since).Seconds())
}

// servers are the processes of the Ollama of a machine.
func (r *hosted) servers(b *box) (pids []int) {
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		r.t.Error(err)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		env := strings.Split(string(text), "\x00")
		if !slices.Contains(env, notedAs+"="+b.name) || !slices.Contains(env, notedIn+"="+r.calls.path) {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if program, _, _ := strings.Cut(string(command), "\x00"); strings.HasSuffix(program, "ollama") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}
