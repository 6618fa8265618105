// Package loads is what is kept of a model's loads: in the manifest of their run,
// and in the store, where later plans begin with the pace that was found.
package loads

import (
	"perg/harness/engine"
	"perg/harness/rundir"
)

// Of is a load as manifests have it.
func Of(l engine.Load) rundir.Load {
	load := rundir.Load{
		At: l.At, Lane: l.Lane, Host: l.Host, Variant: l.Model, GPUs: l.GPUs, Slots: known(l.Slots),
		Version: l.Version, NumCtx: l.NumCtx, Size: l.Size, VRAM: l.VRAM, Estimate: known(l.Planned), Took: rundir.Duration(l.Took), InFlight: known(l.InFlight),
	}
	if p := l.Pace; p != nil {
		load.Servers, load.Gain = known(p.Servers), known(p.Gain)
		load.Pace = &rundir.Pace{Prompt: p.Prompt, New: p.New, Calls: p.Calls}
	}
	return load
}

// known is nil for the zero that stands for a number that is not.
func known[T int | int64 | float64](n T) *T {
	if n == 0 {
		return nil
	}
	return &n
}
