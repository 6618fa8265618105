//go:build cgo && linux

package gpu

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perg/gpu/nvmltest"
)

// A hang is put before a script: the call returns after a while, or too late
// for any test.
func hang(call string, ms int) string { return fmt.Sprintf("%s ~ %d\n", call, ms) }

const never = 25_000 // ms

func init() {
	for name, act := range map[string]func(set func(string)) []outcome{
		"end":     endOfARun,
		"late":    lateAnswer,
		"bounded": boundedReads,
		"usage":   func(func(string)) []outcome { return []outcome{inUse(time.Minute)} },
		"search":  boundedDiscover,
	} {
		acts["hang: "+name] = func(string) []outcome {
			script := nvmltest.Script(os.Getenv("NVML_SCRIPT"))
			text, err := os.ReadFile(string(script))
			if err != nil {
				panic(err)
			}
			return act(func(first string) {
				if err := script.Set(first + string(text)); err != nil {
					panic(err)
				}
			})
		}
	}
}

// A recorder keeps what a sampler tells, and when it gave the last round.
type recorder struct {
	mu       sync.Mutex
	warnings []string
	rounds   int
}

func (r *recorder) sampler() *Sampler {
	return &Sampler{Interval: 10 * time.Millisecond, Warn: func(text string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.warnings = append(r.warnings, text)
	}}
}

func (r *recorder) take([]Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rounds++
}

func (r *recorder) seen() (rounds int, warnings []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rounds, append([]string(nil), r.warnings...)
}

// until waits for something to become true.
func until(what string, is func() bool) {
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			panic("never: " + what)
		}
	}
}

// endOfARun ends a sampler while a call hangs, which returns some seconds later.
func endOfARun(set func(string)) []outcome {
	var r recorder
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { r.sampler().Run(ctx, r.take); close(ended) }()
	until("a round", func() bool { rounds, _ := r.seen(); return rounds > 2 })
	const hangs = 3 * time.Second
	set(hang(os.Getenv("GPU_TEST_HANGS"), int(hangs/time.Millisecond)))
	returns := time.Now().Add(hangs + 600*time.Millisecond)
	time.Sleep(600 * time.Millisecond) // it hangs now
	begin := time.Now()
	cancel()
	<-ended
	took := time.Since(begin)
	before, _ := r.seen()
	set("")
	time.Sleep(time.Until(returns))
	after, warnings := r.seen()
	if before != after {
		warnings = append(warnings, fmt.Sprintf("%d rounds after the end", after-before))
	}
	return []outcome{{Took: took, Warnings: warnings}}
}

// A sampler ends soon, whatever NVML does, and takes nothing afterwards.
func TestSamplerEndsWhileACallHangs(t *testing.T) {
	t.Parallel()
	library := build(t)
	path := "LD_LIBRARY_PATH=" + filepath.Dir(library)
	for hangs, who := range map[string]string{
		"0 DeviceGetPowerUsage": "GPU 0",
		"1 DeviceGetUUID":       "GPU 1",
		"- DeviceGetCount":      "the GPU driver",
	} {
		got := perform(t, "hang: end", library, busy, path, "GPU_TEST_HANGS="+hangs)[0]
		if got.Took > time.Second {
			t.Errorf("%s hangs: the sampler ended after %v", hangs, got.Took)
		}
		want := []string{"the sampling of GPUs ends without NVML's last answer: " + who + " does not give one"}
		if diff := cmp.Diff(want, got.Warnings); diff != "" {
			t.Errorf("%s hangs, warnings (-want +got):\n%s", hangs, diff)
		}
	}
	// A sampler that is well says nothing when it ends.
	if got := perform(t, "hang: end", library, busy, path, "GPU_TEST_HANGS=9 DeviceGetUUID")[0]; got.Warnings != nil {
		t.Errorf("nothing hangs: warnings %q", got.Warnings)
	}
}

// lateAnswer lets a call of a running sampler hang for longer than silence.
func lateAnswer(set func(string)) []outcome {
	var r recorder
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { r.sampler().Run(ctx, r.take); close(ended) }()
	until("a round", func() bool { rounds, _ := r.seen(); return rounds > 2 })
	set(hang("1 DeviceGetUUID", 11_000))
	time.Sleep(600 * time.Millisecond) // it hangs now
	set("")
	hung, _ := r.seen()
	until("a warning", func() bool { _, warnings := r.seen(); return len(warnings) > 0 })
	if now, _ := r.seen(); now != hung {
		panic("a round was given while a call hung")
	}
	until("an answer", func() bool { _, warnings := r.seen(); return len(warnings) > 1 })
	now, _ := r.seen()
	until("more rounds", func() bool { rounds, _ := r.seen(); return rounds > now+10 })
	cancel()
	<-ended
	_, warnings := r.seen()
	return []outcome{{Warnings: warnings}}
}

// A call that hangs for a while is told of once, and sampling goes on when it
// has returned.
func TestSamplerGoesOnAfterAHang(t *testing.T) {
	t.Parallel()
	library := build(t)
	got := perform(t, "hang: late", library, busy, "LD_LIBRARY_PATH="+filepath.Dir(library))[0]
	want := []string{"no GPU samples for now: GPU 1 has not answered for 5s", "GPU 1 answers again"}
	if diff := cmp.Diff(want, got.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// inUse reads the memory in use within a time.
func inUse(within time.Duration) outcome {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	usage, err := MemoryInUse(ctx, []string{h100.UUID, gtx1080.UUID})
	o := observe(Inventory{}, err)
	o.Usage, o.Took = usage, time.Since(begin)
	return o
}

// boundedReads reads with deadlines of their own, many at once, while a call
// hangs; then after it has returned. The last outcome counts goroutines.
func boundedReads(set func(string)) []outcome {
	set(hang("0 DeviceGetMemoryInfo_v2", 6000))
	before := runtime.NumGoroutine()
	out := []outcome{inUse(time.Second)}
	set("")
	many := make([]outcome, 50)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() { many[i] = inUse(2 * time.Second) })
	}
	all.Wait()
	time.Sleep(200 * time.Millisecond) // those who are done have ended, too
	left := runtime.NumGoroutine() - before
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := MemoryInUse(cancelled, nil)
	out = append(out, many...)
	out = append(out, inUse(20*time.Second), observe(Inventory{}, err))
	return append(out, outcome{Error: fmt.Sprint(left, " goroutines left")})
}

// A read ends at its own deadline while another's call hangs, starts nothing
// that stays, and is answered again when the call has returned.
func TestMemoryInUseWhileACallHangs(t *testing.T) {
	t.Parallel()
	library := build(t)
	got := perform(t, "hang: bounded", library, busy, "LD_LIBRARY_PATH="+filepath.Dir(library))
	for i, o := range got[:51] {
		limit := 2 * time.Second
		if i == 0 {
			limit = time.Second
		}
		if o.Error != "GPU 0: NVML does not answer" || len(o.Is) != 1 || o.Took < limit || o.Took > limit+2*time.Second {
			t.Errorf("read %d: error %q after %v, want that NVML does not answer after %v", i, o.Error, o.Took, limit)
		}
	}
	got = got[51:]
	if got[0].Error != "" || len(got[0].Usage) != 2 {
		t.Errorf("when the call has returned: %+v", got[0])
	}
	if got[1].Error != context.Canceled.Error() {
		t.Errorf("cancelled: %q", got[1].Error)
	}
	if got[2].Error != "1 goroutines left" {
		t.Errorf("%s, want the one that hangs", got[2].Error)
	}
}

func TestMemoryInUse(t *testing.T) {
	t.Parallel()
	library := build(t)
	path := "LD_LIBRARY_PATH=" + filepath.Dir(library)
	const nobody = 9999999 // more than Linux gives
	const names = `
- SystemGetProcessName/4321 = /usr/local/bin/ollama
- SystemGetProcessName/99 = /opt/a browser/firefox -contentproc --type=gpu
- SystemGetProcessName/9999999 ! 6
`
	full := map[string]Usage{
		h100.UUID: {Used: *h100.MemoryUsed, Total: *h100.MemoryTotal, Processes: []Process{
			{99, "firefox", new(uint64(1000))}, {4321, "ollama", new(uint64(2000000))}, {nobody, "", nil},
		}},
		gtx1080.UUID: {Used: *gtx1080.MemoryUsed, Total: *gtx1080.MemoryTotal},
	}
	const listed = "0 DeviceGetComputeRunningProcesses = 4321 2000000 99 1000\n0 DeviceGetGraphicsRunningProcesses = 99 1000 9999999 -\n"
	only := func(uuid string) map[string]Usage { return map[string]Usage{uuid: full[uuid]} }
	name := filepath.Base(os.Args[0])
	name = name[:min(len(name), 15)] // as the kernel keeps it
	for _, c := range []struct {
		name, script string
		want         outcome
	}{
		{"who computes and who draws", listed, outcome{Usage: full}},
		{"a name that the system knows", fmt.Sprintf("0 DeviceGetComputeRunningProcesses = %d 5\n", os.Getpid()), outcome{Usage: map[string]Usage{
			h100.UUID:    {Used: *h100.MemoryUsed, Total: *h100.MemoryTotal, Processes: []Process{{os.Getpid(), name, new(uint64(5))}}},
			gtx1080.UUID: full[gtx1080.UUID],
		}}},
		{"one is lost", "1 DeviceGetMemoryInfo ! 15\n" + listed, outcome{Usage: only(h100.UUID)}},
		{"one keeps its memory to itself", "0 DeviceGetMemoryInfo_v2 ! 4\n" + listed, outcome{Usage: only(gtx1080.UUID)}},
		{"both are lost", "0 DeviceGetUUID ! 15\n1 DeviceGetHandleByIndex ! 15\n", outcome{
			Error: "GPU 0: " + lostText + "\nGPU 1: " + lostText, Is: []string{"GPU lost"},
		}},
		{"each has a reason", "0 DeviceGetMemoryInfo_v2 ! 4\n1 DeviceGetHandleByIndex ! 15\n", outcome{
			Error: "GPU 0: " + rightText + "\nGPU 1: " + lostText, Is: []string{"no permission to use the GPU", "GPU lost"},
		}},
		{"no driver", "- Init ! 18\n", outcome{
			Error: "open NVML: NVIDIA driver and library versions differ; " + placeOf("/").withMismatch(), Is: []string{"NVIDIA driver and library versions differ"},
		}},
	} {
		got := perform(t, "hang: usage", library, c.script+names+twoGPUs, path)[0]
		got.Took = 0
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// boundedDiscover looks for GPUs while NVML hangs.
func boundedDiscover(set func(string)) []outcome {
	set(hang(os.Getenv("GPU_TEST_HANGS"), never))
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	begin := time.Now()
	o := observe(withLibrary(ctx, library.inventory))
	o.Took = time.Since(begin)
	return []outcome{o}
}

func TestDiscoverWhileACallHangs(t *testing.T) {
	t.Parallel()
	library := build(t)
	for hangs, who := range map[string]string{"- Init": "the GPU driver", "1 DeviceGetPciInfo": "GPU 1", "- Shutdown": "the GPU driver"} {
		got := perform(t, "hang: search", library, twoGPUs, "LD_LIBRARY_PATH="+filepath.Dir(library), "GPU_TEST_HANGS="+hangs)[0]
		if !strings.HasPrefix(got.Error, who) || len(got.Is) != 1 || got.Is[0] != ErrHangs.Error() || got.Took > 3*time.Second {
			text, _ := json.Marshal(got)
			t.Errorf("%s hangs: %s", hangs, text)
		}
	}
}
