package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"perg/data"
)

const (
	hostSlots = 4 // of a server on a processor
	listenAt  = 7375
)

// A party has all that runs on several machines share: the models, the programs, and
// the run on one machine that each of them has to equal.
type party struct {
	bench
	program string
	task    []string // perg run, without where it writes
	whole   string
	planned int // calls of the whole
}

// newParty makes the run on one machine. A call of others takes so long at least.
func newParty(t *testing.T, takes time.Duration, task ...string) *party {
	t.Helper()
	needsNamespaces(t)
	p := &party{bench: ownServers(t)}
	t.Setenv("PATH", notedPath(t, takes)+":"+os.Getenv("PATH"))
	p.program = p.bench.program()
	p.task = slices.Concat([]string{"run"}, task, []string{"--num-predict", "20", "--null", "0"})
	p.whole = filepath.Join(p.dir, "whole")
	c := exec.CommandContext(t.Context(), p.program, slices.Concat(p.task, []string{"--out", p.whole, "--store", p.whole + ".db"})...)
	c.Env = append(os.Environ(), notedIn+"="+p.whole+".calls", notedTakes+"=0s")
	if output, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	calls := notebook{t: t, path: p.whole + ".calls"}
	p.planned = len(calls.notes()) / 2
	return p
}

// A life is that of a perg on a machine, with what it says and when.
type life struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
	at   []time.Time // of each line
}

func (l *life) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range bytes.Count(p, []byte("\n")) {
		l.at = append(l.at, time.Now())
	}
	return l.text.Write(p)
}

func (l *life) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// said is when a line with these words was said first since a moment; zero: it was
// not.
func (l *life) said(words string, since time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, line := range strings.Split(l.text.String(), "\n") {
		if i < len(l.at) && l.at[i].After(since) && strings.Contains(line, words) {
			return l.at[i]
		}
	}
	return time.Time{}
}

func (l *life) signal(s syscall.Signal) { l.cmd.Process.Signal(s) }

func (l *life) kill() {
	l.signal(syscall.SIGKILL)
	<-l.ended
}

// over says whether it has ended.
func (l *life) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

// A hosted is a run on the machines of a lab of its own: a controller, and agents
// that come to it.
type hosted struct {
	*party
	*lab
	t      *testing.T
	out    string
	listen []string // what the controller has in its command beside the task
	stores map[string]string
	calls  notebook

	controller *life
	agents     map[string]*life
	earlier    []*life
	faults     int
	lost       int // replies, with the store of an agent
	deaths     int // of the controller alone
	turns      int // of the weather
	began      time.Time
}

// host makes the machines of a run.
func (p *party) host(t *testing.T) *hosted {
	t.Helper()
	r := &hosted{party: p, t: t, lab: newLab(t, "lead", "one", "two", "three"), agents: make(map[string]*life), stores: make(map[string]string), began: time.Now()}
	dir := t.TempDir()
	r.out = filepath.Join(dir, "run")
	r.calls = notebook{t: t, path: r.out + ".calls"}
	for _, b := range r.boxes {
		b.home = filepath.Join(dir, b.name)
		if err := os.Mkdir(b.home, 0o755); err != nil {
			t.Fatal(err)
		}
		r.stores[b.name] = filepath.Join(b.home, "replies.db")
	}
	r.listen = []string{"--listen", fmt.Sprintf("%s:%d", r.boxes[0].ip, listenAt), "--no-local", "--await", fmt.Sprint(len(r.boxes) - 1)}
	return r
}

// begin starts the controller and all agents.
func (p *party) begin(t *testing.T) *hosted {
	t.Helper()
	r := p.host(t)
	r.lead()
	for _, b := range r.boxes[1:] {
		r.join(b)
	}
	return r
}

// start has perg live on a machine, no longer than the test.
func (r *hosted) start(on *box, args ...string) *life {
	r.t.Helper()
	l := &life{cmd: on.command(r.program, args...), ended: make(chan struct{})}
	l.cmd.Env = append(os.Environ(), "HOME="+on.home, notedAs+"="+on.name, notedIn+"="+r.calls.path)
	l.cmd.Env = append(l.cmd.Env, on.env...)
	l.cmd.Stdout, l.cmd.Stderr = l, l
	l.cmd.WaitDelay = 5 * time.Second
	if err := l.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		l.cmd.Wait()
		close(l.ended)
	}()
	r.t.Cleanup(l.kill)
	return l
}

// lead starts the controller, the first time and again.
func (r *hosted) lead() *life {
	r.t.Helper()
	if r.controller != nil {
		r.earlier = append(r.earlier, r.controller)
	}
	lead := r.boxes[0]
	r.controller = r.start(lead, slices.Concat(r.task, []string{"--out", r.out, "--store", r.stores[lead.name]}, r.listen)...)
	r.until("the token", 30*time.Second, func() bool { return r.token() != "" })
	return r.controller
}

// token is what lets agents in, as the run keeps it.
func (r *hosted) token() string {
	text, _ := os.ReadFile(filepath.Join(r.out, "join"))
	_, token, _ := asJoined(string(text))
	return token
}

// join starts the agent of a machine, the first time and again.
func (r *hosted) join(b *box) *life {
	r.t.Helper()
	if was := r.agents[b.name]; was != nil {
		r.earlier = append(r.earlier, was)
	}
	r.agents[b.name] = r.start(b, "agent", fmt.Sprintf("%s:%d", r.boxes[0].ip, listenAt), "--token", r.token(), "--name", b.name, "--store", r.stores[b.name])
	return r.agents[b.name]
}

// made are the calls so far.
func (r *hosted) made() (all []note) {
	for _, n := range r.calls.notes() {
		if !n.Answered {
			all = append(all, n)
		}
	}
	return all
}

// until waits for something.
func (r *hosted) until(what string, within time.Duration, is func() bool) (took time.Duration) {
	r.t.Helper()
	began := time.Now()
	for !is() {
		if time.Since(began) > within {
			r.controller.signal(syscall.SIGQUIT) // with all stacks
			time.Sleep(time.Second)
			r.t.Fatalf("not within %v: %s\n%s", within, what, r.story())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// reaches waits until so many calls were made; false where the run has ended before.
func (r *hosted) reaches(calls int) bool {
	r.t.Helper()
	r.until(fmt.Sprintf("%d calls", calls), 2*time.Minute, func() bool { return len(r.made()) >= calls || r.controller.over() })
	return !r.controller.over()
}

// story is what everybody said.
func (r *hosted) story() string {
	var all strings.Builder
	for _, l := range r.earlier {
		fmt.Fprintf(&all, "--- earlier, %v:\n%s", l.cmd.Args[4:6], l)
	}
	fmt.Fprintf(&all, "--- the controller:\n%s", r.controller)
	for _, b := range r.boxes[1:] {
		if l := r.agents[b.name]; l != nil {
			fmt.Fprintf(&all, "--- %s:\n%s", b.name, l)
		}
	}
	return all.String()
}

// finishes waits for the end of the run and of its agents, and holds it against the
// one on one machine.
func (r *hosted) finishes() {
	r.t.Helper()
	select {
	case <-r.controller.ended:
	case <-time.After(3 * time.Minute):
		r.controller.signal(syscall.SIGQUIT)
		<-r.controller.ended
		r.t.Fatalf("the run hangs\n%s", r.story())
	}
	if code := r.controller.cmd.ProcessState.ExitCode(); code != exitDone {
		r.t.Fatalf("exit status %d\n%s", code, r.story())
	}
	for name, l := range r.agents {
		waits := func() bool { return strings.HasSuffix(l.String(), "until it is back\n") }
		if waits() {
			continue // it was cut off as the run ended, and waits for ever
		}
		select {
		case <-l.ended:
			if code := l.cmd.ProcessState.ExitCode(); code != exitDone && code != -1 { // -1: it was killed
				r.t.Errorf("%s: exit status %d\n%s", name, code, l)
			}
		case <-time.After(10 * time.Second):
			if waits() {
				continue // it was stopped as the run ended, and found that only now
			}
			r.t.Errorf("%s does not notice that the run has ended\n%s", name, l)
		}
	}
	r.equals()
	made, most := r.made(), r.planned+r.lost+r.faults*hostSlots*2
	shares := make(map[string]int)
	for _, n := range made {
		shares[n.Machine]++
	}
	r.t.Logf("%d calls of %d planned, %d faults, in %v; by machine %v", len(made), r.planned, r.faults, time.Since(r.began).Round(time.Second), shares)
	if len(made) > most {
		r.t.Errorf("%d calls were made, of %d planned; with %d faults there may be %d", len(made), r.planned, r.faults, most)
	}
	if r.t.Failed() {
		r.t.Log(r.story())
	}
}

// equals holds the tables against those of the run on one machine, in the order of
// their keys, but for figures of time and place. The store has each key once.
func (r *hosted) equals() {
	r.t.Helper()
	sameTables(r.t, r.whole, r.out)
	for _, g := range table[data.Generation](r.t, r.out, "generations") {
		if !slices.ContainsFunc(r.boxes[1:], func(b *box) bool { return b.name == g.Host }) {
			r.t.Errorf("a row is of host %q", g.Host)
			break
		}
	}
	if mine, all := r.keys(r.stores[r.boxes[0].name]), r.keys(r.whole+".db"); mine != all {
		r.t.Errorf("the store has %s, that of one machine %s", mine, all)
	}
}

// keys says how many replies a store has, and to how many keys.
func (r *hosted) keys(store string) string {
	r.t.Helper()
	db, err := sql.Open("sqlite", "file:"+store+"?mode=ro")
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	var rows, keys int
	if err := db.QueryRow("SELECT count(*), count(DISTINCT key) FROM reply").Scan(&rows, &keys); err != nil {
		r.t.Fatal(err)
	}
	return fmt.Sprintf("%d replies to %d keys", rows, keys)
}
