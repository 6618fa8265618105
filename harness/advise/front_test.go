package advise

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// better reads off two points whether the one is worse in nothing that anybody knows
// and better in something: in a way of its own.
func better(a, b Point, all []Point) bool {
	type side struct{ a, b *float64 } // less is better
	negated := func(v *float64) *float64 {
		if v == nil {
			return nil
		}
		return new(-*v)
	}
	of := func(v *int64) *float64 {
		if v == nil {
			return nil
		}
		return new(float64(*v))
	}
	sides := []side{{a.Bits, b.Bits}, {of(a.Bytes), of(b.Bytes)}, {negated(a.TokensPerSecond), negated(b.TokensPerSecond)}, {a.Joules, b.Joules}}
	asked := make([]bool, len(sides))
	for _, p := range all {
		if p.Breakage != nil {
			for i, known := range []bool{p.Bits != nil, p.Bytes != nil, p.TokensPerSecond != nil, p.Joules != nil} {
				asked[i] = asked[i] || known
			}
		}
	}
	if a.Breakage == nil || b.Breakage == nil || a.BreakageLow == nil || b.BreakageLow == nil {
		return false
	}
	n := 0
	for i, s := range sides {
		switch {
		case !asked[i]:
		case s.a == nil || s.b == nil || *s.a > *s.b:
			return false
		case *s.a < *s.b:
			n++
		}
	}
	switch {
	case *b.BreakageHigh < *a.BreakageLow:
		return false
	case *a.BreakageHigh < *b.BreakageLow:
		n++
	}
	return n > 0
}

// No point on the front dominates another of it, each other one is dominated by those
// that are named, all on the front, and by no more of it.
func TestFrontOfRandomPoints(t *testing.T) {
	on, off := 0, 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 7))
		unknown := []float64{0, 0, .1, .5}[r.IntN(4)]
		maybe := func(v float64) *float64 {
			if r.Float64() < unknown {
				return nil
			}
			return &v
		}
		var points []Point
		for i := range 1 + r.IntN(9) {
			p := Point{Variant: string(rune('a' + i)), Bits: maybe(float64(r.IntN(4))), TokensPerSecond: maybe(float64(r.IntN(4))), Joules: maybe(float64(r.IntN(3)))}
			if v := maybe(float64(r.IntN(4))); v != nil {
				p.Bytes = new(int64(*v))
			}
			if v := maybe(r.Float64()); v != nil {
				p.Breakage, p.BreakageLow, p.BreakageHigh = v, new(*v-r.Float64()/4), new(*v+r.Float64()/4)
			}
			if len(points) > 0 && r.Float64() < .2 {
				p = points[r.IntN(len(points))]
				p.Variant = string(rune('a' + i))
			}
			points = append(points, p)
		}
		all, _ := Front(points)
		for i, s := range all {
			if s.Variant != points[i].Variant {
				t.Fatalf("seed %d: the order is another", seed)
			}
			var by []string
			for j, o := range all {
				if o.Front && better(points[j], points[i], points) {
					by = append(by, o.Variant)
				}
			}
			if s.Front {
				on++
			} else {
				off++
			}
			if s.Front != (len(by) == 0) || !slices.Equal(by, slices.Sorted(slices.Values(s.DominatedBy))) {
				t.Errorf("seed %d: %s on the front: %v, dominated by %q; by reading %q", seed, s.Variant, s.Front, s.DominatedBy, by)
			}
		}
	}
	if on < 1000 || off < 1000 {
		t.Errorf("%d on the front, %d off it", on, off)
	}
}

// The cheap one whose Breakage is the same within its interval takes the place of the
// dear one; what is not known takes no place and loses none.
func TestFrontInWords(t *testing.T) {
	point := func(name string, bits, low, high float64) Point {
		return Point{Variant: name, Bits: &bits, Breakage: new((low + high) / 2), BreakageLow: &low, BreakageHigh: &high}
	}
	all, unknown := Front([]Point{point("f16", 16, .10, .14), point("q8", 8.5, .11, .15), point("q2", 2.6, .30, .36), {Variant: "none", Bits: new(1.0)}})
	want := map[string][]string{"f16": {"q8"}, "q8": {}, "q2": {}, "none": {}}
	for _, s := range all {
		if !slices.Equal(s.DominatedBy, want[s.Variant]) || s.Front != (len(want[s.Variant]) == 0) {
			t.Errorf("%+v", s)
		}
	}
	if !slices.Equal(unknown, []string{"memory", "tokens per second", "energy"}) {
		t.Errorf("not known are %q", unknown)
	}
	// A chain of overlaps: the middle is off the front, and so is not what keeps
	// the last, told from the first, off it.
	all, _ = Front([]Point{point("a", 2, .30, .40), point("b", 4, .25, .32), point("c", 8, .20, .28)})
	if !all[0].Front || all[1].Front || !all[2].Front {
		t.Errorf("of a chain: %+v", all)
	}
}
