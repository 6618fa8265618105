package gpu

import (
	"context"
	"time"
)

const (
	// steadyFor is how long the power of a GPU has to stay as it is before it counts as
	// what it draws at rest: an H200 that had worked came from 128 W down to 80 W in 20 s.
	steadyFor = 5 * time.Second
	// idleMost is how long that is waited for.
	idleMost = 30 * time.Second
	// What a steady GPU's power may vary by: so many mW, or this share.
	steadyMW, steadyShare = 1000, 0.03
)

// Idle is what each GPU draws at rest, in watts by UUID: the mean over the last five
// seconds, once all are steady, at most half a minute after it began. A GPU that works
// meanwhile, or does not tell its power, is not in it. Where there is no GPU it returns
// at once, and nothing.
func (s *Sampler) Idle(ctx context.Context) map[string]float64 {
	return s.idle(ctx, idling{steady: steadyFor, most: idleMost})
}

func (s *Sampler) idle(ctx context.Context, i idling) map[string]float64 {
	ctx, done := context.WithCancel(ctx)
	defer done()
	s.Run(ctx, func(round []Sample) {
		if i.add(round) {
			done()
		}
	})
	return i.watts()
}

// An idling is what GPUs at rest were seen to draw.
type idling struct {
	steady, most time.Duration
	began        time.Time
	last         map[string][]Sample // of the last steady time, by UUID
}

// add takes in a round of samples and says whether there is nothing more to wait for.
func (i *idling) add(round []Sample) bool {
	if len(round) == 0 {
		return false
	}
	now := round[0].At
	if i.last == nil {
		i.began, i.last = now, make(map[string][]Sample)
	}
	steady := true
	for _, s := range round {
		if s.PowerMW == nil {
			continue
		}
		all := append(i.last[s.UUID], s)
		for len(all) > 1 && !all[1].At.After(s.At.Add(-i.steady)) { // one is older, or just as old
			all = all[1:]
		}
		i.last[s.UUID] = all
		steady = steady && s.At.Sub(all[0].At) >= i.steady && spread(all) <= max(steadyMW, steadyShare*mean(all))
	}
	return steady || now.Sub(i.began) >= i.most
}

// watts are those of the GPUs that did nothing.
func (i *idling) watts() map[string]float64 {
	all := make(map[string]float64)
	for id, samples := range i.last {
		worked := false
		for _, s := range samples {
			worked = worked || s.GPUUtilization != nil && *s.GPUUtilization > 0
		}
		if !worked {
			all[id] = mean(samples) / 1000
		}
	}
	return all
}

func spread(all []Sample) float64 {
	least, most := *all[0].PowerMW, *all[0].PowerMW
	for _, s := range all {
		least, most = min(least, *s.PowerMW), max(most, *s.PowerMW)
	}
	return float64(most - least)
}

func mean(all []Sample) float64 {
	sum := 0.0
	for _, s := range all {
		sum += float64(*s.PowerMW)
	}
	return sum / float64(len(all))
}
