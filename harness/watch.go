package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"perg/data"
	"perg/gpu"
	"perg/harness/engine"
)

// rotateEvery is how much of the samples a machine that dies may lose.
const rotateEvery = 10 * time.Minute

// A watch samples the GPUs of this machine while a run goes on, into its table
// gpu_samples.
type watch struct {
	table   *data.AppendWriter[data.GPUSample]
	warn    func(string)
	owner   func(uuid string) (engine.LaneStatus, bool) // the lane that a GPU is working for
	rotated time.Time

	mu     sync.Mutex
	latest []gpu.Sample
	failed bool
}

// begin starts sampling; the function it returns ends it and finishes the
// table.
func (w *watch) begin(ctx context.Context, dir string, s gpu.Sampler) (end func() error, err error) {
	if w.table, err = data.AppendTable[data.GPUSample](filepath.Join(dir, "gpu_samples")); err != nil {
		return nil, err
	}
	w.rotated = time.Now()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx, w.take)
	}()
	return func() error {
		cancel()
		<-done
		if w.failed {
			return nil // reported when it happened
		}
		return w.table.Close()
	}, nil
}

// take writes a round of samples. A table that cannot be written ends the
// watch, not the run.
func (w *watch) take(round []gpu.Sample) {
	w.mu.Lock()
	w.latest = append(w.latest[:0], round...)
	w.mu.Unlock()
	if w.failed {
		return
	}
	err := w.write(round)
	if err == nil && time.Since(w.rotated) >= rotateEvery {
		w.rotated = time.Now()
		err = w.table.Rotate()
	}
	if err != nil {
		w.failed = true
		w.table.Abort()
		w.warn(fmt.Sprintf("no more GPU samples are kept: %v", err))
	}
}

func (w *watch) write(round []gpu.Sample) error {
	for _, s := range round {
		row := data.GPUSample{
			At: s.At, GPUUUID: s.UUID, GPUIndex: int32(s.Index), Name: s.Name,
			MemoryUsed: signed(s.MemoryUsed), MemoryTotal: signed(s.MemoryTotal), ProcessMemory: signed(s.ProcessMemory),
			GPUUtilization: s.GPUUtilization, MemoryUtilization: s.MemoryUtilization,
			PowerMW: signed(s.PowerMW), TemperatureC: signed(s.TemperatureC), SMClockMHz: signed(s.SMClockMHz), EnergyMJ: signed(s.EnergyMJ),
		}
		if l, ok := w.owner(s.UUID); ok {
			row.Host, row.Lane, row.Variant = l.Host, l.Lane, l.Model
			if l.Stage == Generate && l.State == engine.Working {
				method, setting := cellOf(l)
				row.Method, row.Setting = string(method), string(setting)
			}
		}
		if err := w.table.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// samples are the last round.
func (w *watch) samples() []gpu.Sample {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]gpu.Sample(nil), w.latest...)
}

func signed[T uint32 | uint64](v *T) *int64 {
	if v == nil {
		return nil
	}
	return new(int64(*v))
}
