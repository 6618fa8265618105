package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func repeated(counts ...int) []int {
	var all []int
	for category, n := range counts {
		for range n {
			all = append(all, category+1)
		}
	}
	return all
}

func TestWeightedKappaKnownAnswers(t *testing.T) {
	// The tests of scikit-learn (test_cohen_kappa, weights="quadratic").
	got, ok := WeightedKappa(repeated(46, 44, 10), repeated(50, 40, 10), 3)
	closeTo(t, "scikit-learn", got, 0.9541, 5e-5)
	if !ok {
		t.Error("undefined")
	}
	// With two categories weights change nothing: Artstein and Poesio (2008),
	// Computational Linguistics 34:555, table 1, kappa 0.348.
	got, _ = WeightedKappaOf([][]float64{{20, 20}, {10, 50}})
	closeTo(t, "Artstein and Poesio", got, 0.348, 5e-4)
}

func TestWeightedKappaUndefined(t *testing.T) {
	for name, ratings := range map[string][2][]int{
		"no units":     {},
		"no variation": {{3, 3, 3}, {3, 3, 3}},
	} {
		if k, ok := WeightedKappa(ratings[0], ratings[1], 5); ok || !math.IsNaN(k) {
			t.Errorf("%s: %v, %v", name, k, ok)
		}
	}
	// One rater without variation agrees as chance would have it.
	if k, ok := WeightedKappa([]int{3, 3, 3}, []int{1, 3, 4}, 5); !ok || math.Abs(k) > 1e-12 {
		t.Errorf("%v, %v, want 0", k, ok)
	}
	if k, ok := WeightedKappa([]int{2, 2}, []int{4, 4}, 5); !ok || k != 0 {
		t.Errorf("%v, %v, want 0", k, ok)
	}
}

// With quadratic weights kappa is the concordance correlation of the ratings
// as numbers (Krippendorff 1970; Fleiss and Cohen 1973): a second way to it.
func concordance(a, b []int) float64 {
	n := float64(len(a))
	var ma, mb, va, vb, cov float64
	for i := range a {
		ma += float64(a[i]) / n
		mb += float64(b[i]) / n
	}
	for i := range a {
		x, y := float64(a[i])-ma, float64(b[i])-mb
		va, vb, cov = va+x*x/n, vb+y*y/n, cov+x*y/n
	}
	return 2 * cov / (va + vb + (ma-mb)*(ma-mb))
}

func TestWeightedKappaProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 1000 {
		n := 2 + r.IntN(30)
		a, b := make([]int, n), make([]int, n)
		for i := range a {
			a[i] = 1 + r.IntN(5)
			b[i] = max(min(a[i]+r.IntN(5)-2, 5), 1)
		}
		k, ok := WeightedKappa(a, b, 5)
		if !ok {
			continue
		}
		closeTo(t, "concordance", k, concordance(a, b), 1e-9)
		if k > 1 || k < -1 {
			t.Errorf("kappa %v", k)
		}
		swapped, _ := WeightedKappa(b, a, 5)
		closeTo(t, "raters swapped", swapped, k, 1e-9)
		wider, _ := WeightedKappa(a, b, 9)
		closeTo(t, "unused categories", wider, k, 1e-9)
		reversed := func(all []int) []int {
			to := make([]int, n)
			for i, v := range all {
				to[n-1-i] = 6 - v
			}
			return to
		}
		other, _ := WeightedKappa(reversed(a), reversed(b), 5)
		closeTo(t, "scale and units reversed", other, k, 1e-9)
		if self, ok := WeightedKappa(a, a, 5); ok && self != 1 {
			t.Errorf("perfect agreement is %v", self)
		}
	}
}

func TestWeightedKappaPanicsOnMisuse(t *testing.T) {
	for name, ratings := range map[string][2][]int{
		"lengths": {{1, 2}, {1}}, "too low": {{0}, {1}}, "too high": {{1}, {6}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			WeightedKappa(ratings[0], ratings[1], 5)
		}()
	}
}
