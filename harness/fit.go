package harness

import (
	"fmt"
	"slices"
	"strings"

	"perg/harness/schedule"
	"perg/models"
)

const (
	// mostSlots bounds what is asked of a GPU's server: past it, decoding of
	// models of 7B and more is bound by compute. What a server really gains
	// is measured while it works.
	mostSlots = 16
	// processor begins the names of devices that are parts of a CPU.
	processor = "cpu"
	// processorSlots on a CPU, where a few prompts at once saturate the cores.
	processorSlots = 4
)

// A placing is what decides where a model runs.
type placing struct {
	variant *Variant
	work    workload
	slots   int                      // wanted; 0: as many as fit and help
	spill   bool                     // part of the model may run on the CPU
	hosts   func(device string) bool // whether the model is there; nil: everywhere
	remedy  func(free []uint64) []string
}

// fit says how a model would run on a set of devices.
func (pl placing) fit(set []schedule.Device) schedule.Fit {
	v := pl.variant
	fit := schedule.Fit{NumCtx: v.NumCtx, Load: loadTime(v.Shape)}
	var free []uint64
	speed := 0.0
	known := true
	for _, d := range set {
		fit.Devices = append(fit.Devices, d.ID)
		free = append(free, d.Memory)
		speed += d.Speed
		known = known && d.Memory > 0
		if pl.hosts != nil && !pl.hosts(d.ID) {
			fit.Short, fit.Dimension = 1, "model"
			return fit
		}
	}
	// Layers run one after the other: a model on several GPUs is no faster
	// than on one of their mean speed.
	speed /= float64(len(set))
	if !known {
		fit.Slots, fit.Bytes = pl.slots, make([]uint64, len(set))
		fit.Time = pl.work.duration(v.Shape, v.NumCtx, fit.Slots, v.cache(), speed)
		return fit
	}
	most := pl.slots
	if most == 0 {
		most = mostSlots
	}
	dimension, spread := "GPU memory", v.Shape.Spread
	if strings.HasPrefix(set[0].ID, processor) {
		dimension, spread = "memory", v.onProcessor
	}
	bytes, short := spread(v.NumCtx, 1, v.cache(), free)
	if short > 0 && pl.spill {
		fit.Slots, fit.Bytes, fit.Spill = 1, free, short
		fit.Time = pl.work.duration(v.Shape, v.NumCtx, 1, v.cache(), min(speed, processorSpeed))
		return fit
	}
	if short > 0 {
		fit.Short, fit.Dimension = short, dimension
		if pl.remedy != nil {
			fit.Remedies = pl.remedy(free)
		}
		return fit
	}
	fit.Slots, fit.Bytes = 1, bytes
	for slots := most; slots > 1; slots-- {
		if bytes, short := spread(v.NumCtx, slots, v.cache(), free); short == 0 {
			fit.Slots, fit.Bytes = slots, bytes
			break
		}
	}
	fit.Time = pl.work.duration(v.Shape, v.NumCtx, fit.Slots, v.cache(), speed)
	return fit
}

// onProcessor is Shape.Spread without a GPU: nothing is spread.
func (v *Variant) onProcessor(numCtx, slots int, cache models.KVType, free []uint64) (bytes []uint64, short uint64) {
	need := v.Shape.OnCPU(numCtx, slots, cache)
	if len(free) == 1 && need <= free[0] {
		return []uint64{need}, 0
	}
	return make([]uint64, len(free)), need - min(need-1, free[0])
}

// cache is the type of the variant's KV cache, f16 where it is not known:
// Ollama's own default.
func (v *Variant) cache() models.KVType {
	if v.KVCache == "" {
		return models.KVF16
	}
	return v.KVCache
}

// remedies are the changes that would let a model fit in so much free memory:
// a smaller quantization, a smaller context, a smaller KV cache.
func (v *Variant) remedies(free []uint64) []string {
	fits := func(s models.Shape, numCtx int, cache models.KVType) bool {
		_, short := s.Spread(numCtx, 1, cache, free)
		return short == 0
	}
	var all []string
	if i := slices.IndexFunc(models.Quantizations(), func(level string) bool {
		s, err := v.Shape.At(level)
		return err == nil && s.WeightBytes() < v.Shape.WeightBytes() && fits(s, v.NumCtx, v.cache())
	}); i >= 0 {
		all = append(all, models.Quantizations()[i])
	}
	for i := len(buckets) - 1; i >= 0; i-- {
		if buckets[i] < v.NumCtx && buckets[i] >= v.Need && fits(v.Shape, buckets[i], v.cache()) {
			all = append(all, fmt.Sprintf("--num-ctx %d", buckets[i]))
			break
		}
	}
	if v.cache() == models.KVF16 && fits(v.Shape, v.NumCtx, models.KVQ8) {
		all = append(all, "--kv-cache q8_0")
	}
	return all
}
