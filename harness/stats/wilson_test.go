package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Values of the R function prop.test(k, n, correct = FALSE) and of Newcombe
// (1998), table I.
func TestWilson(t *testing.T) {
	for _, tt := range []struct {
		k, n      int
		low, high float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{20, 20, 0.8389, 1},
	} {
		low, high := Wilson(Rate{tt.k, tt.n}, 1)
		if math.Abs(*low-tt.low) > 5e-5 || math.Abs(*high-tt.high) > 5e-5 {
			t.Errorf("Wilson(%d/%d) = %.4f to %.4f, want %.4f to %.4f", tt.k, tt.n, *low, *high, tt.low, tt.high)
		}
	}
	if low, high := Wilson(Rate{0, 0}, 1); low != nil || high != nil {
		t.Error("an undefined rate has bounds")
	}
	low1, _ := Wilson(Rate{30, 100}, 1)
	low3, _ := Wilson(Rate{90, 300}, 3)
	if math.Abs(*low1-*low3) > 1e-12 {
		t.Error("three repeats of the same items narrow the interval")
	}
}

func TestWilsonCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, p := range []float64{0.1, 0.3, 0.5, 0.9} {
		covered := 0
		const trials, n = 4000, 200
		for range trials {
			k := 0
			for range n {
				if rng.Float64() < p {
					k++
				}
			}
			if low, high := Wilson(Rate{k, n}, 1); *low <= p && p <= *high {
				covered++
			}
		}
		if share := float64(covered) / trials; share < 0.93 || share > 0.975 {
			t.Errorf("p = %v: the interval covers %.3f", p, share)
		}
	}
}
