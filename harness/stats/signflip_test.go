package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSignFlip(t *testing.T) {
	flips := func(up, down int) []float64 {
		var d []float64
		for range up {
			d = append(d, 0.3)
		}
		for range down {
			d = append(d, -0.1-0.2)
		}
		return append(d, 0, 0, 1e-18)
	}
	for _, n := range [][2]int{{0, 0}, {1, 0}, {5, 2}, {3, 3}, {30, 12}} {
		if got, want := SignFlip(flips(n[0], n[1])), McNemar(n[0], n[1]); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v: %v, McNemar %v", n, got, want)
		}
	}
	// By hand: of the sums of +-1 +-2 +-4 two of eight are 7 from zero, the
	// seen one's and its mirror image: half of them count.
	if got := SignFlip([]float64{1, 2, 4}); math.Abs(got-1.0/8) > 1e-12 {
		t.Errorf("%v, want 1/8", got)
	}
	// 1 - 2 + 4 = 3: 7 and 5 are farther, four of eight; 3 itself comes twice.
	if got := SignFlip([]float64{1, -2, 4}); math.Abs(got-5.0/8) > 1e-12 {
		t.Errorf("%v, want 5/8", got)
	}
}

// Differences of several sizes, zero in the mean: the test rejects at most as
// often as it says, and nearly so, on both sides of the change to the normal.
func TestSignFlipSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 31))
	for _, n := range []int{12, 17, 40, 200} {
		const trials = 2000
		rejected := 0
		for range trials {
			d := make([]float64, n)
			for i := range d {
				d[i] = []float64{1, 0.85, 0.15}[rng.IntN(3)]
				if rng.IntN(2) == 0 {
					d[i] = -d[i]
				}
			}
			if SignFlip(d) < 0.05 {
				rejected++
			}
		}
		share := float64(rejected) / trials
		t.Logf("%d differences: %.1f %%", n, 100*share)
		if share > 0.062 || share < 0.035 {
			t.Errorf("%d differences: rejected %.3f", n, share)
		}
	}
}
