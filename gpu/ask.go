package gpu

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// patience is the longest that NVML is waited for. Opening it on a machine
// with eight GPUs that sleep takes several seconds.
const patience = 30 * time.Second

var (
	// turn holds a token while NVML is called. One caller at a time: go-nvml
	// keeps the functions it resolved in package variables, and writes them
	// whenever a library is loaded.
	turn = make(chan struct{}, 1)
	// asked is one more than the index of the GPU that NVML is asked about; 0:
	// about none, or not asked.
	asked atomic.Int64
)

// nothing is the index of no GPU.
const nothing = -1

// asking notes which GPU the calls that follow are about.
func asking(index int) { asked.Store(int64(index) + 1) }

// silent is what NVML does not answer for, in words.
func silent() string {
	if i := asked.Load(); i > 0 {
		return fmt.Sprintf("GPU %d", i-1)
	}
	return "the GPU driver"
}

// ask calls NVML when the turn comes, and returns what came of it. A call of
// NVML cannot be interrupted: it is made by a goroutine, which ask leaves
// behind when ctx is done or [patience] is at its end. The error is ErrHangs
// then, or that of a ctx that was cancelled.
//
// What was left behind keeps the turn until NVML returns. So there is never
// more than one such goroutine: who asks in the meantime waits for the turn,
// and gives up without having started anything.
//
// Only call may touch the handle that it uses, as it may go on when ask has
// returned.
func ask[T any](ctx context.Context, call func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	free := turn
	for {
		select {
		case free <- struct{}{}:
			free = nil // the turn came
			go func() {
				value, err := call()
				asking(nothing)
				<-turn
				results <- result{value, err}
			}()
		case r := <-results:
			return r.value, r.err
		case <-ctx.Done():
			var none T
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return none, fmt.Errorf("%s: %w", silent(), ErrHangs)
			}
			return none, ctx.Err()
		}
	}
}
