package task

import (
	"context"
	"iter"
	"runtime"
	"sync"
)

// All works a variant's generations out on all processors, and yields them as
// tables list them; its errors are those of Evaluate. A few hundred are in memory at a time.
func (e Evaluator) All(ctx context.Context, v *Variant, judges []*Variant) iter.Seq2[Evaluated, error] {
	const atOnce = 64
	type result struct {
		Evaluated
		err error
	}
	return func(yield func(Evaluated, error) bool) {
		a := e.Listed(v)
		workers := runtime.GOMAXPROCS(0)
		chunks, quit := make(chan chan []result, workers), make(chan struct{})
		var group sync.WaitGroup
		defer group.Wait()
		defer close(quit)
		group.Go(func() {
			defer close(chunks)
			for from := 0; from < a.Len(); from += atOnce {
				done := make(chan []result, 1)
				select {
				case chunks <- done:
				case <-quit:
					return
				}
				group.Go(func() {
					results := make([]result, min(atOnce, a.Len()-from))
					for i := range results {
						s, err := e.Evaluate(ctx, a.Generation(from+i), judges)
						results[i] = result{s, err}
					}
					done <- results
				})
			}
		})
		for done := range chunks {
			for _, r := range <-done {
				if !yield(r.Evaluated, r.err) {
					return
				}
			}
		}
	}
}
