//go:build cgo && linux

package gpu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"perg/gpu/nvmltest"
)

// Each test of NVML runs in a process of its own, this test binary again:
// a process binds NVML's functions once, whatever it loads later, and a
// mistake with NVML ends a process instead of failing a test.

func TestMain(m *testing.M) {
	if act := os.Getenv("GPU_TEST_ACT"); act != "" {
		out := acts[act](os.Getenv("GPU_TEST_LIBRARY"))
		if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
			panic(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// An outcome is what a process saw, as it travels to the test.
type outcome struct {
	Inventory Inventory
	Error     string   // empty for none
	Is        []string // the sentinels that the error matches

	Samples  []Sample // of the last round
	Warnings []string // since the outcome before

	Took  time.Duration // for all rounds, or until what was asked for came back
	Usage map[string]Usage
	Idle  map[string]float64
}

func observe(inventory Inventory, err error) outcome {
	o := outcome{Inventory: inventory}
	if err == nil {
		return o
	}
	o.Error = err.Error()
	for _, s := range []error{ErrNotBuilt, ErrNoDriver, ErrDriverMismatch, ErrNoGPU, ErrPermission, ErrGPULost, ErrHangs, ErrClosed} {
		if errors.Is(err, s) {
			o.Is = append(o.Is, s.Error())
		}
	}
	return o
}

var acts = map[string]func(library string) []outcome{
	"sample": sampled,
	// what GPUs draw at rest
	"idle": func(string) []outcome {
		s := Sampler{Interval: 10 * time.Millisecond}
		began := time.Now()
		watts := s.idle(context.Background(), idling{steady: 100 * time.Millisecond, most: time.Second})
		return []outcome{{Idle: watts, Took: time.Since(began)}}
	},
	// the cost of many rounds
	"rounds": func(library string) []outcome { return []outcome{rounds(library)} },
	// one reading of a library
	"read": func(library string) []outcome { return []outcome{once(library)} },
	// one reading of whatever the dynamic loader finds
	"discover": func(string) []outcome { return []outcome{observe(Discover())} },
	// one after another, as a program that looks again
	"again": func(library string) []outcome { return []outcome{once(library), once(library), once(library)} },
	// several handles in use at once, for long enough to meet
	"together": func(library string) []outcome {
		out := make([]outcome, 8*25)
		var all sync.WaitGroup
		for some := range slices.Chunk(out, 25) {
			all.Go(func() {
				for i := range some {
					some[i] = once(library)
				}
			})
		}
		all.Wait()
		return out
	},
	// one handle, before and after the script is replaced by "next", and
	// after the handle was closed twice
	"watch": func(library string) []outcome {
		n, err := open(library)
		if err != nil {
			return []outcome{observe(Inventory{}, err)}
		}
		before := observe(n.Inventory())
		script := os.Getenv("NVML_SCRIPT")
		if err := os.Rename(script+".next", script); err != nil {
			panic(err)
		}
		after := observe(n.Inventory())
		if err := errors.Join(n.Close(), n.Close()); err != nil {
			panic(err)
		}
		return []outcome{before, after, observe(n.Inventory())}
	},
}

// patient begins a stage that lasts until a sampler that was let down twice
// tries again.
const patient = "# patient\n"

// sampled runs a sampler through the stages of a script, and observes the end
// of each.
func sampled(string) []outcome {
	var stages []string
	if err := json.Unmarshal([]byte(os.Getenv("GPU_TEST_STAGES")), &stages); err != nil {
		panic(err)
	}
	script := nvmltest.Script(os.Getenv("NVML_SCRIPT"))
	write := func(text string) {
		if err := script.Set(text); err != nil {
			panic(err)
		}
	}
	write(stages[0])
	var mu sync.Mutex
	var now outcome
	s := Sampler{
		Interval: 10 * time.Millisecond,
		Owns:     func(pid int) bool { return pid == 4321 },
		Warn: func(text string) {
			mu.Lock()
			defer mu.Unlock()
			now.Warnings = append(now.Warnings, text)
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx, func(round []Sample) {
			mu.Lock()
			defer mu.Unlock()
			now.Samples = slices.Clone(round)
		})
	}()
	var out []outcome
	for i := range stages {
		if i > 0 {
			mu.Lock()
			now = outcome{}
			mu.Unlock()
			write(stages[i])
			if strings.HasPrefix(stages[i], patient) {
				time.Sleep(4 * time.Second)
			}
		}
		// Long enough for the first retries. What was sampled in the first half
		// may be from the stage before.
		time.Sleep(1100 * time.Millisecond)
		mu.Lock()
		now.Samples = nil
		mu.Unlock()
		time.Sleep(1100 * time.Millisecond)
		mu.Lock()
		out = append(out, now)
		mu.Unlock()
	}
	cancel()
	<-ended
	return out
}

// rounds makes as many rounds as a benchmark asks for.
func rounds(library string) outcome {
	n, err := open(library)
	if err != nil {
		panic(err)
	}
	count, err := strconv.Atoi(os.Getenv("GPU_TEST_ROUNDS"))
	if err != nil {
		panic(err)
	}
	s := source{owns: func(pid int) bool { return pid == 4321 }, handle: n, every: slowEvery(defaultInterval)}
	seen := newObserver(func(text string) { panic(text) })
	var last []Sample
	begin := time.Now()
	for range count {
		r, err := s.read(context.Background(), false)
		if err != nil {
			panic(err)
		}
		last, _ = seen.round(r.readings)
	}
	return outcome{Took: time.Since(begin), Samples: last}
}

func once(library string) outcome {
	n, err := open(library)
	if err != nil {
		return observe(Inventory{}, err)
	}
	inventory, err := n.Inventory()
	return observe(inventory, errors.Join(err, n.Close()))
}

// perform runs an act against a library and a script in a new process.
func perform(t testing.TB, act, library, script string, env ...string) []outcome {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script")
	now, next, _ := strings.Cut(script, "\nTHEN\n")
	for name, lines := range map[string]string{file: now, file + ".next": next} {
		if err := os.WriteFile(name, []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "GPU_TEST_ACT="+act, "GPU_TEST_LIBRARY="+library, "NVML_SCRIPT="+file,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each process lasts a second
	cmd.Env = append(cmd.Env, env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("the process died: %v\n%.2000s", err, stderr.String())
	}
	var out []outcome
	if err := json.Unmarshal(stdout, &out); err != nil {
		t.Fatalf("the process printed %q: %v", stdout, err)
	}
	return out
}

// build compiles the scripted NVML, less some functions.
func build(t testing.TB, without ...string) (library string) {
	t.Helper()
	return filepath.Join(nvmltest.Build(t, without...), libraryName)
}
