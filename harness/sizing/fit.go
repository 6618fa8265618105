package sizing

import (
	"time"

	"perg/harness/schedule"
	"perg/models"
)

const (
	// mostSlots bounds what is asked of a GPU's server: past it, decoding of
	// models of 7B and more is bound by compute. What a server really gains
	// is measured while it works.
	mostSlots = 16
	// ProcessorSlots on a CPU, where a few prompts at once saturate the cores.
	ProcessorSlots = 4
)

// A Placing is what decides where a model runs.
type Placing struct {
	Model    Model
	Work     Workload
	Slots    int                      // wanted; 0: as many as fit and help
	Spill    bool                     // part of the model may run on the CPU
	Has      func(device string) bool // whether the model is there; nil: everywhere
	Remedies bool                     // say what would fit where it does not
	// Pace is the one that is remembered of the model on a set of devices; nil
	// where none is, or where there is no such function.
	Pace func(set []schedule.Device) *Pace
}

// Fit says how a model would run on a set of devices.
func (p Placing) Fit(set []schedule.Device) schedule.Fit {
	m := p.Model
	if m.Shape.OneSlot() {
		p.Slots = 1
	}
	fit := schedule.Fit{NumCtx: m.NumCtx, Load: LoadTime(m.Shape)}
	var free []uint64
	speed := 0.0
	known := true
	for _, d := range set {
		fit.Devices = append(fit.Devices, d.ID)
		free = append(free, d.Memory)
		speed += d.Speed
		known = known && d.Memory > 0
		if p.Has != nil && !p.Has(d.ID) {
			fit.Short, fit.Dimension = 1, "model"
			return fit
		}
	}
	// Layers run one after the other: a model on several GPUs is no faster
	// than on one of their mean speed.
	speed /= float64(len(set))
	takes := func(slots int) time.Duration { return p.Work.duration(m, slots, speed, set[0].Processor) }
	var pace *Pace
	if p.Pace != nil {
		if pace = p.Pace(set); pace != nil {
			p.Work = pace.answering(p.Work)
		}
	}
	if !known {
		fit.Slots, fit.Bytes = p.Slots, make([]uint64, len(set))
		fit.Time = takes(fit.Slots)
		if pace != nil {
			fit.Gain, fit.Time = 1, pace.duration(p.Work)
		}
		return fit
	}
	most := p.most(set, pace)
	dimension, spread := "GPU memory", m.Shape.Spread
	if set[0].Processor {
		dimension, spread = "memory", m.onProcessor
	}
	bytes, short := spread(m.with(1), free)
	if short > 0 && p.Spill {
		fit.Slots, fit.Bytes, fit.Spill = 1, free, short
		fit.Time = p.Work.duration(m, 1, min(speed, ProcessorSpeed), true)
		return fit
	}
	if short > 0 {
		fit.Short, fit.Dimension = short, dimension
		if p.Remedies {
			fit.Remedies = m.Remedies(free)
		}
		return fit
	}
	fit.Slots, fit.Bytes = 1, bytes
	for slots := most; slots > 1; slots-- {
		if bytes, short := spread(m.with(slots), free); short == 0 {
			fit.Slots, fit.Bytes = slots, bytes
			break
		}
	}
	fit.Time = takes(fit.Slots)
	if pace != nil {
		fit = p.paced(fit, *pace, takes, func(servers int) bool {
			_, short := spread(m.with(fit.Slots), divided(free, servers))
			return short == 0 && !set[0].Processor
		})
	}
	gpus := 0
	for _, b := range fit.Bytes {
		if b > 0 && !set[0].Processor {
			gpus++
		}
	}
	fit.Reported = m.Shape.Reported(m.with(fit.Slots), gpus)
	return fit
}

// paced is a fit at a remembered pace, with as many of its servers as fit. Where
// memory is shorter than it was when that was measured, it takes longer.
func (p Placing) paced(fit schedule.Fit, pace Pace, takes func(slots int) time.Duration, fits func(servers int) bool) schedule.Fit {
	fit.Servers = max(pace.Servers, 1)
	for fit.Servers > 1 && !fits(fit.Servers) {
		fit.Servers--
	}
	fit.Gain = pace.gain(fit.Servers)
	longer := pace.gain(pace.Servers) / fit.Gain
	if fit.Slots < pace.InFlight {
		longer *= float64(fit.Time) / float64(max(1, takes(pace.InFlight)))
	}
	fit.Time = time.Duration(float64(pace.duration(p.Work)) * longer)
	return fit
}

// most is the number of slots that are of use: as many as are wanted, or as were
// found to bring something. Others would take memory for their cache.
func (p Placing) most(set []schedule.Device, pace *Pace) int {
	most := mostSlots
	switch {
	case p.Slots > 0:
		return p.Slots
	case set[0].Processor:
		most = ProcessorSlots
	}
	if pace != nil {
		most = min(most, pace.InFlight)
	}
	return most
}

// divided is the part of some memory that each of several servers has.
func divided(free []uint64, servers int) []uint64 {
	var parts []uint64
	for _, bytes := range free {
		parts = append(parts, bytes/uint64(servers))
	}
	return parts
}

// onProcessor is Shape.Spread without a GPU: nothing is spread.
func (m Model) onProcessor(u models.Setup, free []uint64) (bytes []uint64, short uint64) {
	need := m.Shape.OnCPU(u)
	if len(free) == 1 && need <= free[0] {
		return []uint64{need}, 0
	}
	return make([]uint64, len(free)), need - min(need-1, free[0])
}
