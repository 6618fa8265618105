package stats

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// resampled is a statistic's value in every resample.
func resampled(units int, seed uint64, statistic func(weights []uint16) float64) []float64 {
	values := make([]float64, Resamples)
	NewBootstrap(units, Resamples, seed).Each(func(n int, weights []uint16) { values[n] = statistic(weights) })
	return values
}

func near(got *float64, want, within float64) bool {
	return got != nil && math.Abs(*got-want) <= within
}

// Efron and Tibshirani (1993), table 2.2: the bootstrap's standard error of the
// mean of the seven treated mice is 23.36 for any large number of resamples,
// that of the median 37.83.
func TestMice(t *testing.T) {
	mice := []float64{94, 197, 16, 38, 99, 141, 23}
	mean := resampled(len(mice), 1, func(w []uint16) float64 {
		sum := 0.0
		for i, v := range mice {
			sum += float64(w[i]) * v
		}
		return sum / float64(len(mice))
	})
	if sd := SD(mean); !near(sd, 23.36, 1) {
		t.Errorf("standard error of the mean %v, want 23.36", *sd)
	}
	median := resampled(len(mice), 2, func(w []uint16) float64 {
		var drawn []float64
		for i, v := range mice {
			for range w[i] {
				drawn = append(drawn, v)
			}
		}
		slices.Sort(drawn)
		return drawn[len(drawn)/2]
	})
	if sd := SD(median); !near(sd, 37.83, 1.7) {
		t.Errorf("standard error of the median %v, want 37.83", *sd)
	}
}

// A resampled count of k of n is binomial: the percentiles are R's
// qbinom(c(.025, .975), n, k/n), or their neighbours.
func TestPercentileOfAProportion(t *testing.T) {
	for _, tt := range []struct {
		k, n      int
		low, high float64
	}{
		{30, 100, 21, 39},
		{100, 200, 86, 114},
		{450, 500, 436, 463},
	} {
		low, high := Percentile(resampled(tt.n, 3, func(w []uint16) float64 {
			sum := 0
			for _, m := range w[:tt.k] {
				sum += int(m)
			}
			return float64(sum)
		}))
		if !near(low, tt.low, 1) || !near(high, tt.high, 1) {
			t.Errorf("%d of %d: %v to %v, want %v to %v", tt.k, tt.n, *low, *high, tt.low, tt.high)
		}
	}
}

func TestPercentileTakesOrderStatistics(t *testing.T) {
	values := make([]float64, 2000)
	for i, v := range rand.New(rand.NewPCG(1, 1)).Perm(len(values)) {
		values[i] = float64(v + 1)
	}
	if low, high := Percentile(values); *low != 50 || *high != 1951 {
		t.Errorf("%v to %v, want the 50th and the 1951st", *low, *high)
	}
	for i := range 20 {
		values[i] = math.NaN()
	}
	if low, _ := Percentile(values); low == nil || SD(values) == nil {
		t.Error("one resample in a hundred is undefined, and so is the interval")
	}
	values[20] = math.NaN()
	if low, high := Percentile(values); low != nil || high != nil || SD(values) != nil {
		t.Error("an interval from resamples of which more than one in a hundred is undefined")
	}
	if low, _ := Percentile(nil); low != nil {
		t.Error("an interval from nothing")
	}
}

func TestResamplesAreDrawsOfUnits(t *testing.T) {
	const units = 300
	collect := func(seed uint64) [][]uint16 {
		all := make([][]uint16, Resamples)
		NewBootstrap(units, Resamples, seed).Each(func(n int, weights []uint16) {
			if all[n] != nil {
				t.Errorf("resample %d comes twice", n)
			}
			all[n] = slices.Clone(weights)
		})
		return all
	}
	all := collect(7)
	squares := 0.0
	perUnit := make([]int, units)
	for n, weights := range all {
		sum := 0
		for u, m := range weights {
			sum += int(m)
			perUnit[u] += int(m)
			squares += float64(m) * float64(m)
		}
		if sum != units {
			t.Fatalf("resample %d has %d draws", n, sum)
		}
	}
	// A multiplicity is binomial (n, 1/n): mean 1, variance 1 - 1/n.
	if v := squares/(units*Resamples) - 1; math.Abs(v-(1-1.0/units)) > 0.02 {
		t.Errorf("variance of a multiplicity %v", v)
	}
	for u, n := range perUnit {
		if math.Abs(float64(n)-Resamples) > 5*math.Sqrt(Resamples) {
			t.Errorf("unit %d came %d times in %d resamples", u, n, Resamples)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if alone := collect(7); !slices.EqualFunc(all, alone, slices.Equal) {
		t.Error("the same seed draws differently on one processor")
	}
	if other := collect(8); slices.EqualFunc(all, other, slices.Equal) {
		t.Error("another seed draws the same")
	}
	for i := 1; i < len(all); i++ {
		if slices.Equal(all[i], all[i-1]) {
			t.Errorf("resamples %d and %d are the same", i-1, i)
		}
	}
	NewBootstrap(0, 3, 1).Each(func(_ int, weights []uint16) {
		if len(weights) != 0 {
			t.Error("draws of nothing")
		}
	})
}

// Bonett and Price (2012), worked by hand for 5 and 2 items of 100
// that differ: (6-3)/102 with the standard error
// sqrt((9/102 - (3/102)^2) / 102) = 0.029267.
func TestPairedDifferenceOfFew(t *testing.T) {
	values := resampled(100, 9, func(w []uint16) float64 {
		d := 0
		for i, m := range w {
			switch {
			case i < 5:
				d += int(m)
			case i < 7:
				d -= int(m)
			}
		}
		return float64(d) / 100
	})
	low, high := PairedDifference(0.03, values, 100)
	if !near(low, -0.02795, 0.002) || !near(high, 0.08677, 0.002) {
		t.Errorf("%v to %v, want -0.0280 to 0.0868", *low, *high)
	}
	low, high = PairedDifference(0, make([]float64, Resamples), 100)
	if !near(low, -0.02717, 1e-5) || !near(high, 0.02717, 1e-5) {
		t.Errorf("without a difference in 100 items: %v to %v", *low, *high)
	}
	undefined := slices.Repeat([]float64{math.NaN()}, Resamples)
	if low, high := PairedDifference(0, undefined, 100); low != nil || high != nil {
		t.Error("an interval from undefined resamples")
	}
}

// With many items that differ it is the bootstrap's, near the Wald interval.
func TestPairedDifferenceOfMany(t *testing.T) {
	values := resampled(1000, 10, func(w []uint16) float64 {
		d := 0
		for i, m := range w {
			switch {
			case i < 60:
				d += int(m)
			case i < 90:
				d -= int(m)
			}
		}
		return float64(d) / 1000
	})
	low, high := PairedDifference(0.03, values, 1000)
	wald := z * math.Sqrt((0.09-0.03*0.03)/1000)
	if !near(low, 0.03-wald, 0.002) || !near(high, 0.03+wald, 0.002) {
		t.Errorf("%v to %v, want 0.03 -+ %v", *low, *high, wald)
	}
	if l, h := Percentile(values); *l != *low || *h != *high {
		t.Error("not the percentiles")
	}
}

// What is packed is what is drawn one by one, to the last resample, and sums do
// not run over from one to the next.
func TestPackedResamples(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, resamples := range []int{1, 4, 11, 50} {
		const units = 40
		listed := make([]int32, 100_000)
		for i := range listed {
			listed[i] = rng.Int32N(units)
		}
		want := make([][2]int, resamples)
		sums := func(weights func(unit int32) int) (sum [2]int) {
			for _, u := range listed {
				sum[0] += weights(u)
			}
			for u := range int32(units) {
				sum[1] += int(u) % 3 * weights(u)
			}
			return sum
		}
		b := NewBootstrap(units, resamples, 9)
		b.Each(func(n int, weights []uint16) { want[n] = sums(func(u int32) int { return int(weights[u]) }) })
		var thirds []int32
		for u := range int32(units) {
			for range u % 3 {
				thirds = append(thirds, u)
			}
		}
		got := make([][2]int, (resamples+PackSize-1)/PackSize*PackSize)
		b.EachPacked(func(first int, p Packed) {
			all, some := p.Sum(listed), p.Sum(thirds)
			for part := range PackSize {
				got[first+part] = [2]int{all[part], some[part]}
			}
		})
		if !slices.Equal(got[:resamples], want) {
			t.Errorf("%d resamples: %v, want %v", resamples, got[:resamples], want)
		}
	}
}
