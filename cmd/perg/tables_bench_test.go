package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync"
	"syscall"
	"testing"
	"time"

	"perg/data"
	"perg/harness/prompt"
)

// Limits of the table generations.
const (
	parquetRows = 50_000  // rows a second, at least, as they come
	parquetSize = 1.0 / 6 // of the same rows as JSON lines, at most
	parquetHeap = 60      // MB of the writer, at most
)

func millionOf(testing.TB) millionRun {
	if testing.Short() {
		return millionRun{4, []prompt.Method{prompt.ZeroShot}}
	}
	return millionRun{35, []prompt.Method{prompt.ZeroShot}}
}

// The table generations of a run of a million generations with real texts,
// against the same rows as JSON lines. What makes the rows up is in the time.
func BenchmarkParquet(b *testing.B) {
	m := newMillion(b)
	run := millionOf(b)
	var text int64
	m.rows(b, run, func(g data.Generation) error {
		line, err := json.Marshal(g)
		text += int64(len(line)) + 1
		return err
	})
	var none time.Duration
	started := time.Now()
	m.rows(b, run, func(data.Generation) error { return nil })
	none = time.Since(started)
	dir := filepath.Join(b.TempDir(), "generations")
	var size int64
	var took, cpu time.Duration
	var heap float64
	for b.Loop() {
		runtime.GC()
		peak := watchHeap()
		used := cpuTime(b)
		started := time.Now()
		w, err := data.CreateTable[data.Generation](dir)
		if err != nil {
			b.Fatal(err)
		}
		m.rows(b, run, w.Write)
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		took, cpu, heap = time.Since(started), cpuTime(b)-used, peak()
		size = sizeOf(b, dir)
	}
	n := float64(run.generations())
	b.ReportMetric(n, "generations")
	b.ReportMetric(n/took.Seconds(), "rows/s")
	b.ReportMetric(parquetRows, "rows/s-limit")
	b.ReportMetric(cpu.Seconds(), "cpu-s")
	b.ReportMetric(none.Seconds(), "rows-alone-s")
	b.ReportMetric(float64(size)/float64(text), "of-json")
	b.ReportMetric(parquetSize, "of-json-limit")
	b.ReportMetric(float64(size)/n, "B/row")
	b.ReportMetric(heap, "MB")
	b.ReportMetric(parquetHeap, "MB-limit")
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

// watchHeap looks at the heap until the function it returns is called, which
// says how many MB were added at most.
func watchHeap() (peak func() float64) {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
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
