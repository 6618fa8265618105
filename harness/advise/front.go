package advise

import (
	"slices"
)

// A Point is what a variant costs and what it is worth; nil is not known.
type Point struct {
	Variant         string   `json:"variant"`
	Bits            *float64 `json:"bits_per_weight"`
	Bytes           *int64   `json:"bytes"` // as loaded, or of its file
	TokensPerSecond *float64 `json:"tokens_per_second"`
	Joules          *float64 `json:"joules_per_right_answer"`
	Breakage        *float64 `json:"breakage_rate"`
	BreakageLow     *float64 `json:"breakage_rate_low"`
	BreakageHigh    *float64 `json:"breakage_rate_high"`
}

// A Standing is a point, and which points of the front dominate it: none where it is
// on the front itself.
type Standing struct {
	Point
	Front       bool     `json:"on_front"`
	DominatedBy []string `json:"dominated_by"`
}

// Costs is the number of costs that points are compared by.
const Costs = 4

// costs are what a point is compared by beside Breakage, less is better.
var costs = [Costs]struct {
	name string
	of   func(Point) *float64
}{
	{"bits per weight", func(p Point) *float64 { return p.Bits }},
	{"memory", func(p Point) *float64 {
		if p.Bytes == nil {
			return nil
		}
		return new(float64(*p.Bytes))
	}},
	{"tokens per second", func(p Point) *float64 {
		if p.TokensPerSecond == nil {
			return nil
		}
		return new(-*p.TokensPerSecond)
	}},
	{"energy", func(p Point) *float64 { return p.Joules }},
}

// Front says which points are on the Pareto front, in their order, and which costs
// nobody knows, which are left out.
//
// One point dominates another if it is worse in nothing and better in something.
// Bits, memory, speed and energy are compared as they were measured. Breakage is
// compared by its intervals: a difference within them is none, so that a variant
// which is smaller and faster dominates one whose Breakage is lower by chance. What
// is known of one point alone makes the two incomparable, and so does a Breakage
// that is not known.
//
// Overlap does not carry on from one point to the next: of three in a row the first
// may be told from the third. So a point is off the front only where one on the front
// dominates it; no point on the front dominates another. Domination has no circles,
// so there is one such front: costs alone have none, and equal costs leave Breakage,
// in which the intervals that lie apart have an order.
func Front(points []Point) (all []Standing, unknown []string) {
	var known []func(Point) *float64
	for _, c := range costs {
		if slices.ContainsFunc(points, func(p Point) bool { return p.Breakage != nil && c.of(p) != nil }) {
			known = append(known, c.of)
		} else {
			unknown = append(unknown, c.name)
		}
	}
	all = make([]Standing, len(points))
	decided := make([]bool, len(points))
	for i, p := range points {
		all[i] = Standing{Point: p, DominatedBy: []string{}}
	}
	// Whoever is dominated by nobody but points off the front is on it.
	for range points {
		for i := range all {
			if decided[i] {
				continue
			}
			waits := false
			for j := range all {
				if !dominates(all[j].Point, all[i].Point, known) {
					continue
				}
				waits = waits || !decided[j]
				if all[j].Front && !slices.Contains(all[i].DominatedBy, all[j].Variant) {
					all[i].DominatedBy = append(all[i].DominatedBy, all[j].Variant)
				}
			}
			if !waits {
				decided[i], all[i].Front = true, len(all[i].DominatedBy) == 0
			}
		}
	}
	return all, unknown
}

// dominates compares two points by some costs and Breakage.
func dominates(a, b Point, known []func(Point) *float64) bool {
	if a.BreakageLow == nil || a.BreakageHigh == nil || b.BreakageLow == nil || b.BreakageHigh == nil || *a.BreakageLow > *b.BreakageHigh {
		return false
	}
	better := *a.BreakageHigh < *b.BreakageLow
	for _, of := range known {
		x, y := of(a), of(b)
		if x == nil || y == nil || *x > *y {
			return false
		}
		better = better || *x < *y
	}
	return better
}
