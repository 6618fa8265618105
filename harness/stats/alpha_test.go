package stats

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// units reads raters' lines of ratings, "." for missing, as units by raters.
func units(t *testing.T, raters ...string) [][]float64 {
	t.Helper()
	var all [][]float64
	for r, line := range raters {
		for u, word := range strings.Fields(line) {
			if r == 0 {
				all = append(all, make([]float64, len(raters)))
			}
			all[u][r] = math.NaN()
			if word != "." {
				all[u][r] = float64(word[0])
				if word[0] <= '9' {
					all[u][r] -= '0'
				}
			}
		}
	}
	return all
}

func TestAlphaKnownAnswers(t *testing.T) {
	for _, tt := range []struct {
		source string
		raters []string
		want   map[Level]float64
	}{
		// Krippendorff (2011), Computing Krippendorff's Alpha-Reliability,
		// sections A, B and C with D: binary, nominal, and four observers with
		// missing data.
		{"2011, A", []string{"0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0"}, map[Level]float64{Nominal: 0.095}},
		{"2011, B", []string{"a a b b d c c c e d d a", "b a b b b c c c e d d d"}, map[Level]float64{Nominal: 0.692}},
		{"2011, C and D", []string{
			"1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 .",
		}, map[Level]float64{Nominal: 0.743, Ordinal: 0.815, Interval: 0.849}},
		// Wikipedia, "Krippendorff's alpha", A computational example.
		{"Wikipedia", []string{
			". . . . . 3 4 1 2 1 1 3 3 . 3", "1 . 2 1 3 3 4 3 . . . . . . .", ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
		}, map[Level]float64{Nominal: 0.691, Interval: 0.811}},
	} {
		for level, want := range tt.want {
			got, ok := Alpha(units(t, tt.raters...), level)
			if !ok {
				t.Errorf("%s, %s: undefined", tt.source, level)
			}
			closeTo(t, tt.source+", "+string(level), got, want, 0.0005)
		}
	}
}

func TestAlphaUndefined(t *testing.T) {
	for name, ratings := range map[string][][]float64{
		"nothing":              nil,
		"no raters":            {{}, {}},
		"one rater":            {{1}, {2}, {3}},
		"no unit rated by two": units(t, "1 . 3", ". 2 ."),
		"no variation":         units(t, "3 3 3", "3 3 3"),
		// The 1 has no pair, so that all that count are equal.
		"variation without a pair": units(t, "3 3 1", "3 3 ."),
		"infinite":                 {{1, math.Inf(1)}, {2, 2}},
	} {
		for _, level := range []Level{Nominal, Ordinal, Interval} {
			if a, ok := Alpha(ratings, level); ok || !math.IsNaN(a) {
				t.Errorf("%s, %s: %v, %v", name, level, a, ok)
			}
		}
	}
}

func TestAlphaProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		ratings := make([][]float64, 4+r.IntN(20))
		raters := 2 + r.IntN(3)
		for u := range ratings {
			ratings[u] = make([]float64, raters)
			for i := range ratings[u] {
				ratings[u][i] = float64(1 + r.IntN(5))
				if r.IntN(6) == 0 {
					ratings[u][i] = math.NaN()
				}
			}
		}
		mapped := func(f func(v float64) float64, rater, unit []int) [][]float64 {
			to := make([][]float64, len(ratings))
			for u := range ratings {
				for _, i := range rater {
					to[u] = append(to[u], f(ratings[unit[u]][i]))
				}
			}
			return to
		}
		same := func(v float64) float64 { return v }
		inOrder := func(n int) []int {
			all := make([]int, n)
			for i := range all {
				all[i] = i
			}
			return all
		}
		for _, level := range []Level{Nominal, Ordinal, Interval} {
			want, ok := Alpha(ratings, level)
			if !ok {
				continue
			}
			if want > 1 {
				t.Fatalf("alpha %v", want)
			}
			check := func(what string, other [][]float64) {
				t.Helper()
				if got, _ := Alpha(other, level); math.Abs(got-want) > 1e-9 {
					t.Errorf("%s, %s: %v becomes %v", level, what, want, got)
				}
			}
			check("raters and units in another order", mapped(same, r.Perm(raters), r.Perm(len(ratings))))
			reversed := func(v float64) float64 { return 6 - v }
			check("scale reversed", mapped(reversed, inOrder(raters), inOrder(len(ratings))))
			switch level {
			case Nominal:
				names := r.Perm(5)
				check("other names", mapped(func(v float64) float64 {
					if math.IsNaN(v) {
						return v
					}
					return float64(names[int(v)-1])
				}, inOrder(raters), inOrder(len(ratings))))
			case Ordinal:
				check("stretched", mapped(math.Exp, inOrder(raters), inOrder(len(ratings))))
			case Interval:
				check("other units", mapped(func(v float64) float64 { return 3*v - 7 }, inOrder(raters), inOrder(len(ratings))))
			}
			// The first rater alone, several times over, agrees with itself.
			itself := mapped(same, []int{0, 0, 0}, inOrder(len(ratings)))
			if a, ok := Alpha(itself, level); ok && a != 1 {
				t.Errorf("%s: perfect agreement is %v", level, a)
			}
		}
	}
}

func TestAlphaPanicsOnAnUnknownLevel(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Alpha(units(t, "1 2", "1 2"), "ratio")
}
