package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestHolmKnownAnswers(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		source  string
		p, want []float64
	}{
		// Wikipedia, "Holm-Bonferroni method", Example.
		{"Wikipedia", []float64{0.01, 0.04, 0.03, 0.005}, []float64{0.03, 0.06, 0.06, 0.02}},
		// R's multtest, mt.rawp2adjp, as the tests of statsmodels give it
		// (test_multi.py, res_multtest1 and res_multtest2).
		{
			"multtest",
			[]float64{0.838541367553, 0.642193923795, 0.680845947633, 0.967833824309, 0.71626938238, 0.177096952723, 5.23656777208e-05, 0.0202732688798, 0.00028140506198, 0.0149877310796},
			[]float64{1, 1, 1, 1, 1, 1, 5.23656777208e-04, 0.1419128821586, 0.00253264555782, 0.1199018486368},
		},
		{"multtest, ties", []float64{0.002, 0.004, 0.006, 0.008, 0.01, 0.012}, []float64{0.012, 0.02, 0.024, 0.024, 0.024, 0.024}},
		{"one", []float64{0.2}, []float64{0.2}},
		{"tests not made", []float64{nan, 0.01, nan, 0.04, 0.03, 0.005}, []float64{nan, 0.03, nan, 0.06, 0.06, 0.02}},
		{"none made", []float64{nan}, []float64{nan}},
		{"empty", nil, nil},
	} {
		got := Holm(tt.p)
		if len(got) != len(tt.want) {
			t.Fatalf("%s: %v", tt.source, got)
		}
		for i := range got {
			if math.IsNaN(tt.want[i]) != math.IsNaN(got[i]) {
				t.Errorf("%s: %v, want %v", tt.source, got, tt.want)
			} else if !math.IsNaN(got[i]) {
				closeTo(t, tt.source, got[i], tt.want[i], 1e-12)
			}
		}
	}
}

// Holm's procedure as it is stated: from the smallest p-value on, reject while
// it is at most level/(number of hypotheses left).
func rejectedByHolm(p []float64, level float64) map[float64]bool {
	rejected := make(map[float64]bool)
	sorted := slices.Sorted(slices.Values(p))
	for i, v := range sorted {
		if v > level/float64(len(p)-i) {
			break
		}
		rejected[v] = true
	}
	return rejected
}

func TestHolmRejectsAsTheProcedureDoes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		p := make([]float64, 1+r.IntN(8))
		for i := range p {
			p[i] = r.Float64() * r.Float64() * r.Float64()
		}
		before := slices.Clone(p)
		adjusted := Holm(p)
		if !slices.Equal(p, before) {
			t.Fatal("the input was changed")
		}
		level := 0.01 + 0.2*r.Float64()
		rejected := rejectedByHolm(p, level)
		for i := range p {
			if (adjusted[i] <= level) != rejected[p[i]] || adjusted[i] < p[i] || adjusted[i] > 1 {
				t.Fatalf("%v at %v: adjusted %v, rejected %v", p, level, adjusted, rejected)
			}
		}
		// In another order the values are the same, in that order.
		order := r.Perm(len(p))
		shuffled := make([]float64, len(p))
		for to, from := range order {
			shuffled[to] = p[from]
		}
		for to, v := range Holm(shuffled) {
			if v != adjusted[order[to]] {
				t.Fatalf("%v: depends on the order", p)
			}
		}
	}
}
