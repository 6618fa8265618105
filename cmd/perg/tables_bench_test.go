package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"perg/data"
	"perg/harness/prompt"
)

// Limits of a run of a million generations.
const (
	parquetRows  = 50_000  // rows a second, at least, with what makes them up
	parquetSize  = 1.0 / 6 // of the same rows as JSON lines, at most
	parquetHeap  = 60      // MB of the writer, at most
	reportTime   = 5.0     // seconds, at most
	reportMemory = 300.0   // MB resident, at most
)

func zeroShot() millionRun {
	if testing.Short() {
		return millionRun{4, []prompt.Method{prompt.ZeroShot}}
	}
	return millionRun{35, []prompt.Method{prompt.ZeroShot}}
}

func fourMethods() millionRun {
	r := millionRun{9, []prompt.Method{prompt.ZeroShot, prompt.CoT, prompt.ICL, prompt.PrefAligner}}
	if testing.Short() {
		r.variants = 1
	}
	return r
}

// The table generations of a run with real texts, against the same rows as
// JSON lines. The time holds what makes the rows up; rows-alone-s is that.
func BenchmarkParquet(b *testing.B) {
	m, run := newMillion(b), zeroShot()
	var text int64
	m.rows(b, run, func(g data.Generation) error {
		line, err := json.Marshal(g)
		text += int64(len(line)) + 1
		return err
	})
	started := time.Now()
	m.rows(b, run, func(data.Generation) error { return nil })
	alone := time.Since(started)
	dir := filepath.Join(b.TempDir(), "generations")
	var took, cpu time.Duration
	var heap float64
	for b.Loop() {
		peak, used, started := watchHeap(), cpuTime(b), time.Now()
		w, err := data.CreateTable[data.Generation](dir)
		if err != nil {
			b.Fatal(err)
		}
		m.rows(b, run, w.Write)
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		took, cpu, heap = time.Since(started), cpuTime(b)-used, peak()
	}
	n, size := float64(run.generations()), float64(sizeOf(b, dir))
	b.ReportMetric(n, "generations")
	b.ReportMetric(n/took.Seconds(), "rows/s")
	b.ReportMetric(parquetRows, "rows/s-limit")
	b.ReportMetric(cpu.Seconds(), "cpu-s")
	b.ReportMetric(alone.Seconds(), "rows-alone-s")
	b.ReportMetric(size/float64(text), "of-json")
	b.ReportMetric(parquetSize, "of-json-limit")
	b.ReportMetric(size/n, "B/row")
	b.ReportMetric(heap, "MB")
	b.ReportMetric(parquetHeap, "MB-limit")
}

// perg report with two breakdowns, as a process of its own.
func BenchmarkReport(b *testing.B) {
	m := newMillion(b)
	for name, run := range map[string]millionRun{"zero-shot": zeroShot(), "methods": fourMethods()} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			m.write(b, dir, run)
			var took, cpu time.Duration
			var resident float64
			for b.Loop() {
				took, cpu, resident = process(b, "perg", "report", dir, "--by", "source,preference_type")
			}
			b.ReportMetric(float64(run.generations()), "generations")
			b.ReportMetric(took.Seconds(), "s")
			b.ReportMetric(reportTime, "s-limit")
			b.ReportMetric(cpu.Seconds(), "cpu-s")
			b.ReportMetric(resident, "MB")
			b.ReportMetric(reportMemory, "MB-limit")
		})
	}
}

// process runs a command and says how long it took and how many MB of it were
// resident at most. The kernel's own maximum would not do: it counts what the
// process had before it became the command, which is this one's.
func process(tb testing.TB, name string, args ...string) (took, cpu time.Duration, resident float64) {
	tb.Helper()
	cmd := exec.Command(name, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	started := time.Now()
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				resident = max(resident, highWater(cmd.Process.Pid))
			}
		}
	})
	err := cmd.Wait()
	took = time.Since(started)
	close(stop)
	watching.Wait()
	if err != nil {
		tb.Fatal(err, errs.String())
	}
	return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), resident
}

// highWater is the most that a process had resident, in MB; 0 where it cannot
// be seen.
func highWater(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kib float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kib); err == nil {
			return kib * 1024 / 1e6
		}
	}
	return 0
}

func sizeOf(tb testing.TB, dir string) (size int64) {
	tb.Helper()
	parts, err := data.TableParts(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range parts {
		info, err := os.Stat(p)
		if err != nil {
			tb.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

// watchHeap looks at what is live on the heap until the function it returns is
// called, which says how many MB were added at most.
func watchHeap() (peak func() float64) {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtime.GC()
	metrics.Read(sample)
	before, most := sample[0].Value.Uint64(), uint64(0)
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				metrics.Read(sample)
				most = max(most, sample[0].Value.Uint64())
			}
		}
	})
	return func() float64 {
		close(stop)
		watching.Wait()
		return float64(most-min(before, most)) / 1e6
	}
}

// cpuTime is what the process has used of all cores.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
