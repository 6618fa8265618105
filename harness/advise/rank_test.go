package advise

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Places of random rates: the bounds are one more than those that are told to be
// before, and all less those that are told to be behind, counted by hand.
func TestPlacesOfRandomRates(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 5))
		most := seed%2 == 0
		var all []Rated
		for i := range r.IntN(8) {
			v := float64(r.IntN(20)) / 20
			x := Rated{Name: string(rune('a' + i)), Value: &v, Low: new(v - r.Float64()/4), High: new(v + r.Float64()/4)}
			switch r.IntN(12) {
			case 0:
				x = Rated{Name: x.Name}
			case 1:
				x.Low, x.High = nil, nil
			}
			all = append(all, x)
		}
		places := Places(all, most)
		known := 0
		for _, x := range all {
			if x.Value == nil {
				continue
			}
			known++
			i := slices.IndexFunc(places, func(p Place) bool { return p.Name == x.Name })
			if i < 0 {
				t.Fatalf("seed %d: %s has no place", seed, x.Name)
			}
			before, behind := 0, 0
			for _, o := range all {
				if o.Low == nil || x.Low == nil {
					continue
				}
				less, greater := *o.High < *x.Low, *o.Low > *x.High
				if most {
					less, greater = greater, less
				}
				if less {
					before++
				}
				if greater {
					behind++
				}
			}
			if p := places[i]; p.First != 1+before || p.Last != len(places)-behind || p.First > p.Last {
				t.Errorf("seed %d: %s is %d to %d of %d, %d before and %d behind", seed, x.Name, p.First, p.Last, len(places), before, behind)
			}
		}
		if known != len(places) {
			t.Errorf("seed %d: %d of %d have places", seed, len(places), known)
		}
		if heads := Heads(places); len(places) > 0 && (len(heads) == 0 || (len(heads) == 1) != (heads[0].Last == 1)) {
			t.Errorf("seed %d: heads %+v", seed, heads)
		}
	}
}

// With as many items as are said to be enough the intervals just part.
func TestEnoughItems(t *testing.T) {
	rated := func(name string, v, half float64) Rated { return Rated{name, &v, new(v - half), new(v + half)} }
	n, ok := Enough(Places([]Rated{rated("a", .10, .04), rated("b", .14, .04), rated("c", .5, .04)}, false), 100)
	if !ok || n != 400 {
		t.Errorf("%d items, %v; half as wide is four times as many", n, ok)
	}
	for what, all := range map[string][]Rated{
		"told":        {rated("a", .1, .01), rated("b", .2, .01)},
		"equal":       {rated("a", .1, .01), rated("b", .1, .01)},
		"no interval": {rated("a", .1, .01), {Name: "b", Value: new(.11)}},
		"none":        nil,
	} {
		if n, ok := Enough(Places(all, false), 100); ok {
			t.Errorf("%s: %d items", what, n)
		}
	}
}
