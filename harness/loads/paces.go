package loads

import (
	"context"
	"slices"

	"perg/harness/engine"
	"perg/harness/fleet"
	"perg/harness/schedule"
	"perg/harness/sizing"
	"perg/harness/store"
	"perg/harness/task"
)

// Paces are those that a store remembers of models on a fleet.
type Paces struct {
	Store *store.Store // nil: there is none
	Fleet *fleet.Fleet
}

// paced is a variant's part of what a pace is remembered by.
func paced(r task.Roster, v *task.Variant, version string) store.Paced {
	work := "answers"
	switch {
	case r.Scores(v):
		work = "ratings"
	case v.Think != nil && *v.Think:
		work = "thoughts and answers"
	}
	return store.Paced{Digest: v.Digest, KVCache: v.KVCache, Engine: v.Engine, Version: version, Work: work}
}

// Note remembers the pace of a load that was measured, of one of a roster's
// models, whose answers took so many tokens each.
func (p Paces) Note(ctx context.Context, l engine.Load, r task.Roster, answer func(*task.Variant) float64) error {
	of := slices.DeleteFunc(r.Loaded(), func(v *task.Variant) bool { return v.Label != l.Model || r.Scores(v) != (l.Kind == schedule.Score) })
	if l.Pace == nil || len(of) != 1 {
		return nil
	}
	pace := *l.Pace
	pace.Answer = answer(of[0])
	return p.Store.Remember(ctx, paced(r, of[0], l.Version), p.Fleet.Kind(l.GPUs, l.Host), pace, l.At)
}

// Known is the pace of a variant, by the devices that it is placed on.
type Known func(v *task.Variant) func(set []schedule.Device) *sizing.Pace

// Known are the paces of a roster's models with servers of a version. The store is
// asked once for each model, and not while it is placed.
func (p Paces) Known(ctx context.Context, r task.Roster, version string) Known {
	return func(v *task.Variant) func(set []schedule.Device) *sizing.Pace { return p.of(ctx, r, v, version) }
}

func (p Paces) of(ctx context.Context, r task.Roster, v *task.Variant, version string) func(set []schedule.Device) *sizing.Pace {
	var all map[string]store.Pace
	if p.Store != nil {
		all = p.Store.Paces(ctx, paced(r, v, version))
	}
	return func(set []schedule.Device) *sizing.Pace {
		if len(all) == 0 {
			return nil
		}
		var ids []string
		for _, d := range set {
			ids = append(ids, d.ID)
		}
		found, ok := all[p.Fleet.Kind(p.Fleet.GPUs(ids), ids[0])]
		if !ok {
			return nil
		}
		return &sizing.Pace{InFlight: found.InFlight, Servers: found.Servers, Gain: found.Gain, Prompt: found.Prompt, New: found.New, Answer: found.Answer}
	}
}
