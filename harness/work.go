package harness

import (
	"cmp"
	"slices"
	"strings"

	"perg/harness/engine"
	"perg/harness/fleet"
)

// workOf is what a GPU is used for, of the lanes at work: the candidate's where
// the judge is resident beside it, the first of several that are one variant's,
// and the one at work where the next is being loaded. Where two variants are at
// work on it, what it does is neither's; and nothing is a model's that runs
// elsewhere. A server of the user's own has all GPUs
// as far as is known, so where several are at work none can be told.
func workOf(uuid string, lanes []engine.LaneStatus) (w fleet.Work, ok bool) {
	var its []engine.LaneStatus
	for _, l := range lanes {
		all := l.GPUs == nil && len(lanes) == 1 && !strings.HasPrefix(uuid, "MIG-") // which count with their GPU
		if !l.Remote && (all || slices.Contains(l.GPUs, uuid)) {
			its = append(its, l)
		}
	}
	for _, counts := range []func(engine.LaneStatus) bool{
		func(l engine.LaneStatus) bool { return l.Stage == Generate && l.State == engine.Working && l.Calls > 0 },
		func(l engine.LaneStatus) bool { return l.Stage == Generate },
		func(engine.LaneStatus) bool { return true },
	} {
		some := slices.DeleteFunc(slices.Clone(its), func(l engine.LaneStatus) bool { return !counts(l) })
		if len(some) == 0 {
			continue
		}
		first := slices.MinFunc(some, func(a, b engine.LaneStatus) int {
			return cmp.Or(cmp.Compare(len(a.Lane), len(b.Lane)), cmp.Compare(a.Lane, b.Lane))
		})
		w = fleet.Work{Host: first.Host, Lane: first.Lane}
		if slices.ContainsFunc(some, func(l engine.LaneStatus) bool { return l.Model != first.Model }) {
			return w, true
		}
		w.Variant = first.Model
		if first.Stage == Generate && first.State == engine.Working {
			w.Cell(first.Unit)
		}
		return w, true
	}
	return w, false
}
