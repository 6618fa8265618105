package stats

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

func closeTo(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestMcNemarKnownAnswers(t *testing.T) {
	for _, tt := range []struct {
		source       string
		b, c         int
		want, within float64
	}{
		// Wikipedia, "McNemar's test", the second example.
		{"Wikipedia", 6, 16, 0.034690, 1e-6},
		// By hand: 1/32; (2(1+10)-10)/1024; (2(1+24)-24)/2^24.
		{"five to none", 5, 0, 1. / 32, 1e-12},
		{"nine to one", 1, 9, 12. / 1024, 1e-12},
		{"23 to one", 23, 1, 26. / (1 << 24), 1e-12},
		{"no discordant pair", 0, 0, 1, 0},
		{"as many", 40, 40, 1, 0},
	} {
		closeTo(t, tt.source, McNemar(tt.b, tt.c), tt.want, tt.within)
	}
	if p := McNemar(-1, 3); !math.IsNaN(p) {
		t.Errorf("a negative count gives %v", p)
	}
}

// midP adds up the binomial tail with plain arithmetic.
func midP(b, c int) float64 {
	n, p, term := b+c, 0.0, math.Exp2(-float64(b+c))
	for k := 0; k < min(b, c); k++ {
		p += term
		term *= float64(n-k) / float64(k+1)
	}
	return min(2*p+term, 1)
}

func TestMcNemarIsExact(t *testing.T) {
	for n := range 120 {
		for b := range n + 1 {
			got := McNemar(b, n-b)
			if got != McNemar(n-b, b) {
				t.Errorf("%d and %d: not symmetric", b, n-b)
			}
			if b != n-b {
				closeTo(t, "p-value", got, midP(b, n-b), 1e-12)
			}
			if b < n-b && McNemar(b+1, n-b-1) < got {
				t.Errorf("%d and %d: a smaller difference has a smaller p-value", b, n-b)
			}
		}
	}
	// A million items that differ: half a standard deviation, and ten.
	closeTo(t, "p-value", McNemar(500_250, 499_750), math.Erfc(0.5/math.Sqrt2), 1e-3)
	if p := McNemar(505_000, 495_000); p <= 0 || p > 1e-22 {
		t.Errorf("ten standard deviations: p %v", p)
	}
}

// Where there is no difference the test says that there is one about as often as
// its level, in samples of the sizes and shares that differ of real runs.
func TestMcNemarRejectsAsOftenAsItSays(t *testing.T) {
	for _, c := range []struct {
		items int
		share float64
	}{{60, 0.3}, {150, 0.1}, {150, 0.3}, {490, 0.05}, {490, 0.3}, {3000, 0.02}} {
		differ := distuv.Binomial{N: float64(c.items), P: c.share}
		rejected := 0.0
		for n := range c.items + 1 {
			if differ.Prob(float64(n)) < 1e-12 {
				continue
			}
			split := distuv.Binomial{N: float64(n), P: 0.5}
			for b := range n + 1 {
				if McNemar(b, n-b) < 0.05 {
					rejected += differ.Prob(float64(n)) * split.Prob(float64(b))
				}
			}
		}
		if rejected < 0.04 || rejected > 0.052 {
			t.Errorf("%d items of which %.0f %% differ: %.2f %% rejected at a level of 5 %%", c.items, 100*c.share, 100*rejected)
		}
	}
}
