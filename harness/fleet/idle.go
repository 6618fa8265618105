package fleet

import (
	"context"

	"perg/gpu"
)

// SeesGPUs says whether there are GPUs on this machine that servers of the fleet use.
func (f *Fleet) SeesGPUs() bool { return f.Local() && len(f.Inventory.GPUs) > 0 }

// Idle is what each GPU of this machine draws at rest, in watts by UUID: it takes seconds
// where they are at rest, half a minute where they have just worked, and no time where
// there are none. One that works meanwhile is not in it.
func (f *Fleet) Idle(ctx context.Context) map[string]float64 {
	if !f.SeesGPUs() {
		return nil
	}
	return new(gpu.Sampler).Idle(ctx)
}
