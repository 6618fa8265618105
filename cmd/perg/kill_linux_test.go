package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"perg/data"
	"perg/harness/rundir"
)

// A moment is when perg is killed: at the nth event of a kind, at a time after
// the start, or when it writes tables; then after a while more.
type moment struct {
	event string
	n     int
	after time.Duration
}

// Moments that a witness does not see.
const (
	byClock  = "at any time"
	onTables = "writing tables"
)

// A killing kills perg -9 again and again, and lets it go on.
type killing struct {
	t       *testing.T
	b       bench
	w       *witness
	rng     *rand.Rand
	program string
	args    []string // of perg run, without --store and --out

	// What a run takes that is left alone: until its first load, to write its
	// tables, and in all.
	preparing, writing, lasting time.Duration

	turn  int            // of the kinds of moments
	kills map[string]int // by what they were to hit
	gone  sync.WaitGroup // what dead lives leave behind
}

// killedIn tells a life where its killing keeps its runs, and so the lives of one
// killing from those of another.
const killedIn = "KILLED_IN"

const tableNames = "generations,judgments,metrics"

// A run that starts servers of its own, two lanes and a resident judge, over
// variants with different KV caches. PERG_SOAK is the number of kills.
func TestKilledWithServersOfItsOwn(t *testing.T) {
	points := 3
	if text := os.Getenv("PERG_SOAK"); text != "" {
		var err error
		if points, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	b := ownServers(t)
	w := newWitness(t)
	t.Setenv("PATH", witnessedPath(t, w.url())+":"+os.Getenv("PATH"))
	k := newKilling(t, b, w, "steady", "swayed", "--judge", "judge", "--lanes", "2", "--kv-cache", "f16,q8_0", "--limit", "9", "--num-predict", "20")
	m := k.leftAlone()
	loaded, changed := make(map[string]string), false // KV caches by lane
	for _, l := range m.Loads {
		_, cache, _ := strings.Cut(l.Variant, "@kv-")
		was, ok := loaded[l.Lane]
		changed = changed || ok && cache != was
		loaded[l.Lane] = cache
	}
	placed := strings.Join(m.Placement, "\n")
	if _, beside := loaded["cpu0-beside"]; !beside || len(loaded) != 3 || !changed || !strings.Contains(placed, "resident") {
		t.Errorf("want two lanes that change the KV cache beside a resident judge; loaded were %v, and the plan was\n%s", loaded, placed)
	}
	k.kill(points)
}

// A run on a server of the user's own.
func TestKilledWithAServerThatStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	w := newWitness(t)
	k := newKilling(t, b, w, "swayed", "vague", "--judge", "judge", "--limit", "9", "--parallel", "4", "--num-predict", "20", "--host", w.before(b.host))
	k.leftAlone()
	k.kill(8)
}

func newKilling(t *testing.T, b bench, w *witness, args ...string) *killing {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	k := &killing{t: t, b: b, w: w, rng: rng, turn: rng.IntN(100), program: b.program(), args: args, kills: make(map[string]int)}
	t.Cleanup(k.gone.Wait)
	return k
}

func (k *killing) out(name string) string { return filepath.Join(k.b.dir, name) }

// life is perg's from its start to its end; how it ends is told by the state
// and the output.
func (k *killing) life(name string, m moment, watch func(*exec.Cmd)) (*os.ProcessState, string) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, k.program, append([]string{"run", "--store", k.out(name) + ".db", "--out", k.out(name)}, k.args...)...)
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGQUIT) } // with all stacks
	c.WaitDelay = 10 * time.Second
	started := make(chan struct{}) // until then there is nothing to kill
	life := k.w.begins(m, func() {
		<-started
		c.Process.Kill()
	})
	marks := []string{witnessLife + "=" + strconv.Itoa(life), killedIn + "=" + k.b.dir}
	c.Env = append(os.Environ(), marks...)
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	close(started)
	if watch != nil {
		go watch(c)
	}
	c.Wait()
	if ctx.Err() != nil {
		k.t.Fatalf("perg hangs:\n%s", output.String())
	}
	k.gone.Go(func() { k.leavesNothing(marks) })
	return c.ProcessState, output.String()
}

// leavesNothing waits for all processes of a life to end: servers and what they
// run models in end with the perg that started them.
func (k *killing) leavesNothing(marks []string) {
	var left []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if left = k.processes(marks); len(left) == 0 {
			return
		}
	}
	k.t.Errorf("10 s after perg's end there still are %q", left)
}

// processes are those whose environment has all marks.
func (k *killing) processes(marks []string) (found []string) {
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		k.t.Error(err)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		env := strings.Split(string(text), "\x00")
		if !slices.ContainsFunc(marks, func(m string) bool { return !slices.Contains(env, m) }) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			found = append(found, strings.ReplaceAll(strings.TrimRight(string(command), "\x00"), "\x00", " "))
		}
	}
	return found
}

// leftAlone is a run that nothing happens to, to compare with and to learn how
// long each part of it takes.
func (k *killing) leftAlone() rundir.Manifest {
	k.t.Helper()
	began := time.Now()
	var written time.Time
	seen := make(chan struct{})
	state, output := k.life("whole", moment{}, func(*exec.Cmd) {
		written = k.tablesAreWritten("whole", began)
		close(seen)
	})
	if state.ExitCode() != exitDone {
		k.t.Fatalf("%v\n%s", state, output)
	}
	<-seen
	m, err := rundir.ReadManifest(k.out("whole"))
	if err != nil {
		k.t.Fatal(err)
	}
	k.lasting, k.preparing, k.writing = time.Since(began), m.Loads[0].At.Sub(began), time.Since(written)
	for call, n := range k.w.made {
		if n > 1 {
			k.t.Errorf("left alone, perg makes a call %d times: %s", n, call)
		}
	}
	return m
}

// tablesAreWritten is the time when a run begins to write its tables, or of the
// end of the test.
func (k *killing) tablesAreWritten(name string, since time.Time) time.Time {
	for k.t.Context().Err() == nil {
		for _, table := range strings.Split(tableNames, ",") {
			newer := false
			filepath.WalkDir(filepath.Join(k.out(name), table), func(_ string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					info, err := d.Info()
					newer = newer || err == nil && info.ModTime().After(since)
				}
				return nil
			})
			if newer {
				return time.Now()
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Now()
}

// kill kills at so many points of one run, or of several one after the other.
func (k *killing) kill(points int) {
	began := time.Now()
	killed, made, again := 0, 0, 0
	for run := 1; killed < points; run++ {
		name := fmt.Sprint("killed", run)
		k.w.forget()
		const most = 20 // of a run: some hundred calls are made in all
		atWork := min(most, points-killed-1)
		for range atWork {
			if !k.dies(name, k.moment()) {
				break // it was done before
			}
			killed++
		}
		for range 2 {
			os.RemoveAll(filepath.Join(k.out(name), "metrics")) // so that there is something to write
			if killed < points && k.dies(name, moment{event: onTables, after: upTo(k.rng, k.writing)}) {
				killed++
			}
		}
		if state, output := k.life(name, moment{}, nil); state.ExitCode() != exitDone {
			k.t.Fatalf("the last life: %v\n%s", state, output)
		}
		k.inspects(name)
		sameResults(k.t, k.out("whole"), k.out(name))
		for _, n := range k.w.made {
			made, again = made+n, again+n-1
		}
		if k.t.Failed() {
			break
		}
	}
	k.gone.Wait()
	var hit []string
	for _, what := range slices.Sorted(maps.Keys(k.kills)) {
		hit = append(hit, fmt.Sprintf("%d %s", k.kills[what], what))
	}
	k.t.Logf("%d kills in %v (%s): %d calls, %d of them cut off by a kill and made again, %d made again though committed",
		killed, time.Since(began).Round(time.Second), strings.Join(hit, ", "), made, again, k.w.doubled)
}

// moment draws the next moment at which a run is killed, of each kind in turn.
func (k *killing) moment() moment {
	at := func(event string, most int, after time.Duration) moment {
		return moment{event, 1 + k.rng.IntN(most), after}
	}
	all := []moment{
		at(onLoad, 6, upTo(k.rng, 500*time.Millisecond)),
		at(onArrival, 30, upTo(k.rng, 100*time.Millisecond)), // a commit takes up to 50 ms
		at(onRating, 8, 0),
		at(onAnswer, 30, 0),
		{event: byClock, after: upTo(k.rng, k.lasting)},
		{event: byClock, after: upTo(k.rng, k.preparing)},
		at(onCount, 4, 0),
	}
	k.turn++
	return all[k.turn%len(all)]
}

func upTo(rng *rand.Rand, d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }

// dies is a life that ends at a moment; false where it ended well before.
func (k *killing) dies(name string, m moment) bool {
	began := time.Now()
	state, output := k.life(name, m, func(c *exec.Cmd) {
		switch m.event {
		case onTables:
			k.tablesAreWritten(name, began)
			fallthrough
		case byClock:
			time.Sleep(m.after)
			c.Process.Kill()
		}
	})
	if state.ExitCode() == exitDone {
		return false
	}
	if status := state.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		k.t.Fatalf("perg ended with %v before it was killed\n%s", state, output)
	}
	k.kills[m.event]++
	k.inspects(name)
	k.t.Logf("killed %s, number %d, %v later, after %v: %d calls made, %d replies in the store",
		m.event, m.n, m.after.Round(time.Millisecond), time.Since(began).Round(10*time.Millisecond), len(k.w.made), len(k.w.replies))
	return true
}

// inspects looks at what a dead perg left: store, tables and manifest are whole
// where they are there.
func (k *killing) inspects(name string) {
	k.t.Helper()
	k.w.inspects(k.out(name) + ".db")
	type row struct {
		Item    string `parquet:"item_id"`
		Setting string `parquet:"setting"`
		Variant string `parquet:"variant"`
		Control string `parquet:"control,optional"`
	}
	for _, table := range []string{"generations", "judgments"} {
		times := make(map[row]int)
		for r, err := range data.ReadTable[row](filepath.Join(k.out(name), table)) {
			if err != nil && !errors.Is(err, data.ErrNoTable) {
				k.t.Errorf("%s after a kill: %v", table, err)
			}
			if times[r]++; times[r] > 1 {
				k.t.Errorf("%s after a kill: %v is there twice", table, r)
			}
		}
	}
	for _, err := range data.ReadTable[data.Metric](filepath.Join(k.out(name), "metrics")) {
		if err != nil && !errors.Is(err, data.ErrNoTable) {
			k.t.Errorf("metrics after a kill: %v", err)
		}
	}
	if _, err := rundir.ReadManifest(k.out(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.t.Errorf("the manifest after a kill: %v", err)
	}
}
