package export

import (
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// A million generations of a thousand bytes each, with a rating each where
// there can be one: rows a second, and the most memory that the process had
// from the system.
func BenchmarkMillion(b *testing.B) {
	dir := b.TempDir()
	run := writeRun(b, dir, shape{
		variants: 9, items: 6945, repeats: 1, methods: []string{"zero-shot", "cot", "icl", "self-critic", "pref-aligner"},
		judges: []string{"judge:27b"}, textBytes: 1000,
	})
	debug.FreeOSMemory()
	for b.Loop() {
		peak, start := uint64(0), time.Now()
		done, err := Write(b.Context(), run, filepath.Join(b.TempDir(), "out"), func(int64) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.Sys-m.HeapReleased)
		})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(done.Rows)/time.Since(start).Seconds(), "rows/s")
		b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	}
}
