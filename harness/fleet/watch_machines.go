package fleet

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"perg/data"
	"perg/gpu"
)

// A Sampling machine samples its own GPUs, so that no clock has to agree with
// another one, and gives away what it has.
type Sampling interface {
	GPUs() map[string]gpu.GPU // by device
	// Latest is what the GPUs were last seen doing.
	Latest() []gpu.Sample
	// Use tells the machine what its GPUs are used for, by UUID.
	Use(ctx context.Context, uses map[string]Work) error
	// Samples hands over what was sampled and not handed over before; now: to the
	// last one. What take does not take, it keeps.
	Samples(ctx context.Context, now bool, take func([]data.GPUSample) bool) error
}

const (
	useEvery    = time.Second      // machines are told what their GPUs do
	gatherEvery = 20 * time.Second // and asked for samples
	gatherLast  = 20 * time.Second // is waited for the last ones
)

// others follows the GPUs of other machines until ctx is done, and then gathers what
// is left of their samples.
func (w *Watch) others(ctx context.Context, f *Fleet) {
	every := time.NewTicker(useEvery)
	defer every.Stop()
	told := make(map[string]map[string]Work)
	gathered := time.Now()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), gatherLast)
			defer cancel()
			w.gather(last, f, true)
			return
		}
		for _, m := range f.Machines() {
			uses := make(map[string]Work)
			for _, g := range m.GPUs() {
				if work, ok := w.work(g.UUID); ok {
					uses[g.UUID] = work
				}
			}
			if len(m.GPUs()) > 0 && !maps.Equal(uses, told[m.Name()]) && m.Use(ctx, uses) == nil {
				told[m.Name()] = uses
			}
			w.hear(m.Name(), m.Latest())
		}
		if time.Since(gathered) >= gatherEvery {
			w.gather(ctx, f, false)
			gathered = time.Now()
		}
	}
}

func (w *Watch) gather(ctx context.Context, f *Fleet, now bool) {
	var all sync.WaitGroup
	for _, m := range f.Machines() {
		if len(m.GPUs()) == 0 {
			continue
		}
		all.Go(func() {
			if err := m.Samples(ctx, now, w.add); err != nil && now {
				w.warn(fmt.Sprintf("%s keeps GPU samples that could not be fetched: %v", m.Name(), err))
			}
		})
	}
	all.Wait()
}

// add takes in what another machine sampled; it is durable where it returns true.
func (w *Watch) add(rows []data.GPUSample) bool {
	return w.keep(func() error {
		for _, row := range rows {
			if err := w.table.Write(row); err != nil {
				return err
			}
		}
		return w.table.Rotate()
	})
}

// hear takes in what the GPUs of another machine were last seen doing.
func (w *Watch) hear(machine string, round []gpu.Sample) {
	if len(round) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.elsewhere == nil {
		w.elsewhere = make(map[string][]gpu.Sample)
	}
	w.elsewhere[machine] = round
	w.count(round)
}

// Rotate makes what was sampled so far a part of the table.
func (w *Watch) Rotate() { w.keep(w.table.Rotate) }
