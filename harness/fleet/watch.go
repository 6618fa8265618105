package fleet

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"perg/data"
	"perg/gpu"
)

// RotateEvery is how much of the samples a machine that dies may lose.
const RotateEvery = 10 * time.Minute

// Work is what a GPU is used for; Method and Setting are "" where no generation
// is under way.
type Work struct{ Host, Lane, Variant, Method, Setting, Control string }

// Cell takes the cell from the names of a generation: its method, its setting and,
// where it is one, its control.
func (w *Work) Cell(names []string) {
	for i, to := range []*string{&w.Method, &w.Setting, &w.Control} {
		if i < len(names) {
			*to = names[i]
		}
	}
}

// A Watch samples the GPUs of this machine while a run goes on, into its table
// gpu_samples.
type Watch struct {
	table   *data.AppendWriter[data.GPUSample]
	warn    func(string)
	work    func(uuid string) (Work, bool) // what a GPU is used for
	every   time.Duration                  // a part of the table is made whole
	rotated time.Time

	writing sync.Mutex // the table, and failed

	mu        sync.Mutex
	latest    []gpu.Sample
	elsewhere map[string][]gpu.Sample // the same of other machines, by name
	energy    map[string]*counted     // by GPU, as its counter says
	failed    bool
}

// Watch begins to sample the GPUs into the directory of a run; end ends it and
// finishes the table. Where the servers are not on this machine there is nothing
// to watch, and the Watch is nil. A table that cannot be begun is an error that
// costs the samples, not the run.
func (f *Fleet) Watch(ctx context.Context, dir string, interval, rotate time.Duration, work func(uuid string) (Work, bool), warn func(string)) (w *Watch, end func() error, err error) {
	if !f.Local() {
		return nil, func() error { return nil }, nil
	}
	w = &Watch{warn: warn, work: work, every: rotate, rotated: time.Now(), energy: make(map[string]*counted)}
	if w.table, err = data.AppendTable[data.GPUSample](filepath.Join(dir, "gpu_samples")); err != nil {
		return nil, nil, err
	}
	sampler := gpu.Sampler{Interval: interval, Owns: f.Owns, Warn: warn}
	if len(f.Inventory.GPUs) == 0 {
		// Why, 'perg doctor' says at length.
		sampler.Warn = func(string) { warn("no GPU samples: there is no NVIDIA GPU here, or no driver (perg doctor says why)") }
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if f.options.Elsewhere { // the GPUs of this machine are not the run's
			<-ctx.Done()
			return
		}
		sampler.Run(ctx, w.take)
	}()
	var others sync.WaitGroup
	if f.options.Awaits {
		others.Go(func() { w.others(ctx, f) })
	}
	return w, func() error {
		cancel()
		<-done
		others.Wait()
		if w.failed {
			return nil // reported when it happened
		}
		return w.table.Close()
	}, nil
}

// A counted is what a counter rose by, in millijoules; one that begins anew, as
// that of a driver loaded again, goes on from there.
type counted struct{ last, sum uint64 }

// Energy is what the GPUs took since the watch began, in joules; nil where a GPU
// does not say.
func (w *Watch) Energy() *float64 {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.energy) == 0 {
		return nil
	}
	var sum uint64
	for _, c := range w.energy {
		if c == nil {
			return nil
		}
		sum += c.sum
	}
	return new(float64(sum) / 1000)
}

// count takes in what the counters of a round say. It is called with w.mu held.
func (w *Watch) count(round []gpu.Sample) {
	for _, s := range round {
		c, known := w.energy[s.UUID]
		switch {
		case s.EnergyMJ == nil:
			w.energy[s.UUID] = nil
		case !known:
			w.energy[s.UUID] = &counted{last: *s.EnergyMJ}
		case c != nil:
			if *s.EnergyMJ > c.last {
				c.sum += *s.EnergyMJ - c.last
			}
			c.last = *s.EnergyMJ
		}
	}
}

// take writes a round of samples.
func (w *Watch) take(round []gpu.Sample) {
	w.mu.Lock()
	w.latest = append(w.latest[:0], round...)
	w.count(round)
	w.mu.Unlock()
	w.keep(func() error {
		err := w.write(round)
		if err == nil && time.Since(w.rotated) >= w.every {
			w.rotated = time.Now()
			err = w.table.Rotate()
		}
		return err
	})
}

// keep writes to the table. One that cannot be written ends the watch, not the run.
func (w *Watch) keep(write func() error) bool {
	w.writing.Lock()
	defer w.writing.Unlock()
	if w.failed {
		return false
	}
	err := write()
	if err != nil {
		w.failed = true
		w.table.Abort()
		w.warn(fmt.Sprintf("no more GPU samples are kept: %v", err))
	}
	return err == nil
}

func (w *Watch) write(round []gpu.Sample) error {
	for _, s := range round {
		row := data.GPUSample{
			At: s.At, GPUUUID: s.UUID, GPUIndex: int32(s.Index), Name: s.Name,
			MemoryUsed: signed(s.MemoryUsed), MemoryTotal: signed(s.MemoryTotal), ProcessMemory: signed(s.ProcessMemory),
			GPUUtilization: s.GPUUtilization, MemoryUtilization: s.MemoryUtilization,
			PowerMW: signed(s.PowerMW), TemperatureC: signed(s.TemperatureC), SMClockMHz: signed(s.SMClockMHz), EnergyMJ: signed(s.EnergyMJ),
		}
		if at, ok := w.work(s.UUID); ok {
			row.Host, row.Lane, row.Variant, row.Method, row.Setting, row.Control = at.Host, at.Lane, at.Variant, at.Method, at.Setting, at.Control
		}
		if err := w.table.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// Samples are the last round, with those of other machines; none where w is nil.
func (w *Watch) Samples() []gpu.Sample {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.Clone(w.latest)
	for _, machine := range slices.Sorted(maps.Keys(w.elsewhere)) {
		all = append(all, w.elsewhere[machine]...)
	}
	return all
}

func signed[T uint32 | uint64](v *T) *int64 {
	if v == nil {
		return nil
	}
	return new(int64(*v))
}
