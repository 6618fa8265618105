package stats

import (
	"math"
	"testing"
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
		// R's help page of mcnemar.test, approval of a prime minister after
		// Agresti (1990), Categorical Data Analysis, p. 350: chi-squared 16.818.
		{"Agresti", 150, 86, 4.115e-05, 5e-9},
		// Wikipedia, "McNemar's test", the second example: its mid-P value is
		// 0.034690, which is the exact one less the chance of just 6 of 22.
		{"Wikipedia", 6, 16, 0.034690 + 74613./(1<<22), 1e-6},
		// By hand: twice the tails 1/32, (1+10)/1024 and (1+24)/2^24.
		{"five to none", 5, 0, 0.0625, 1e-12},
		{"nine to one", 1, 9, 22. / 1024, 1e-12},
		{"24, the last exact one", 23, 1, 50. / (1 << 24), 1e-12},
		// By hand: (25-1)^2/25 = 23.04, whose root is 4.8 standard deviations.
		{"25, the first approximated one", 25, 0, math.Erfc(4.8 / math.Sqrt2), 1e-15},
		{"no discordant pair", 0, 0, 1, 0},
		{"as many", 40, 40, 1, 0},
		{"one more", 41, 40, 1, 0},
	} {
		closeTo(t, tt.source, McNemar(tt.b, tt.c), tt.want, tt.within)
	}
	if p := McNemar(-1, 3); !math.IsNaN(p) {
		t.Errorf("a negative count gives %v", p)
	}
}

// exactP adds up the binomial tail with plain arithmetic.
func exactP(b, c int) float64 {
	n, p, term := b+c, 0.0, math.Exp2(-float64(b+c))
	for k := 0; k <= min(b, c); k++ {
		p += term
		term *= float64(n-k) / float64(k+1)
	}
	return min(2*p, 1)
}

func TestMcNemarIsExactOrNearIt(t *testing.T) {
	for n := range 120 {
		for b := range n + 1 {
			got, exact := McNemar(b, n-b), exactP(b, n-b)
			if got != McNemar(n-b, b) {
				t.Errorf("%d and %d: not symmetric", b, n-b)
			}
			within := 1e-12
			if n >= exactBelow {
				within = 0.003
			}
			if b == n-b {
				within = 1e-12
			}
			closeTo(t, "p-value", got, exact, within)
			if b < n-b && McNemar(b+1, n-b-1) < got {
				t.Errorf("%d and %d: a smaller difference has a smaller p-value", b, n-b)
			}
		}
	}
}
