package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The example that the calculator of powerandsamplesize.com and its
// successor open-powersamplesize (McNemar, two-sided) give of Connor's formula:
// shares of 0.45 and 0.05, level 0.05, power 0.80, 23 pairs.
func TestConnorsNumberOfItems(t *testing.T) {
	root := connorReach(0.5, 0.4, 0.05, 0.8) / 0.4
	if n := math.Ceil(root * root); n != 23 {
		t.Errorf("%v pairs, want 23", n)
	}
}

func TestNeededByHand(t *testing.T) {
	// Where all discordant pairs go one way, five are the fewest of which the
	// test says p < 0.05 (1/32), whatever the power.
	if n, ok := Needed(1, 1, 0.05, 0.8); n != 5 || !ok {
		t.Errorf("%d, %v, want 5", n, ok)
	}
	if a, _ := Needed(0.2, -0.1, 0.05, 0.8); a == 0 {
		t.Error("a difference to the other side needs no items")
	} else if b, _ := Needed(0.2, 0.1, 0.05, 0.8); a != b {
		t.Errorf("the side matters: %d and %d", a, b)
	}
	for _, q := range [][4]float64{
		{0.2, 0, 0.05, 0.8}, {0.2, 0.3, 0.05, 0.8}, {1.2, 0.3, 0.05, 0.8}, {0.2, 0.1, 0, 0.8}, {0.2, 0.1, 1, 0.8},
		{0.2, 0.1, 0.05, 1}, {0.2, 0.1, 0.05, 0.05}, {0.2, 1e-6, 0.05, 0.8},
		{math.NaN(), 0.1, 0.05, 0.8}, {0.2, math.NaN(), 0.05, 0.8}, {0.2, 0.1, math.NaN(), 0.8}, {0.2, 0.1, 0.05, math.NaN()},
	} {
		if n, ok := Needed(q[0], q[1], q[2], q[3]); ok || n != 0 {
			t.Errorf("%v: %d, %v", q, n, ok)
		}
	}
}

// A larger difference, a smaller share of discordant pairs, a laxer level and a
// lower power never need more items.
func TestNeededIsMonotone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		psi := 0.02 + 0.9*r.Float64()
		d := psi * (0.1 + 0.8*r.Float64())
		n, ok := Needed(psi, d, 0.05, 0.8)
		if !ok {
			t.Fatalf("%v, %v is refused", psi, d)
		}
		for _, q := range [][4]float64{{psi, d * 1.05, 0.05, 0.8}, {max(psi*0.95, d), d, 0.05, 0.8}, {psi, d, 0.06, 0.8}, {psi, d, 0.05, 0.75}} {
			if fewer, ok := Needed(q[0], q[1], q[2], q[3]); ok && fewer > n {
				t.Errorf("%v needs %d, more than the %d of %v", q, fewer, n, []float64{psi, d})
			}
		}
	}
}

// With the number of items that Needed gives, McNemar sees the difference in
// the promised share of experiments. With less than 25 discordant pairs to
// expect it sees more, as the doc comment says.
func TestPowerAtNeeded(t *testing.T) {
	const experiments = 4000
	r := rand.New(rand.NewPCG(5, 6))
	for _, tt := range []struct{ discordant, difference, alpha, power float64 }{
		{0.2, 0.1, 0.05, 0.8}, {0.2, 0.1, 0.05, 0.9}, {0.1, 0.05, 0.05, 0.8}, {0.05, 0.03, 0.05, 0.8},
		{0.3, 0.05, 0.05, 0.8}, {0.5, 0.4, 0.05, 0.8}, {0.2, 0.1, 0.01, 0.8}, {0.08, 0.08, 0.05, 0.8},
	} {
		n, ok := Needed(tt.discordant, tt.difference, tt.alpha, tt.power)
		if !ok {
			t.Fatalf("%+v is refused", tt)
		}
		first := (tt.discordant + tt.difference) / 2
		seen := 0
		for range experiments {
			var b, c int
			for range n {
				switch u := r.Float64(); {
				case u < first:
					b++
				case u < tt.discordant:
					c++
				}
			}
			if McNemar(b, c) <= tt.alpha {
				seen++
			}
		}
		power := float64(seen) / experiments
		t.Logf("%+v: %d items, power %.3f", tt, n, power)
		most := tt.power + 0.03
		if float64(n)*tt.discordant < 25 {
			most = 0.95
		}
		if power < tt.power-0.02 || power > most {
			t.Errorf("%+v: with %d items the power is %.3f", tt, n, power)
		}
	}
}
