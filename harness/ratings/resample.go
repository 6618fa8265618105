package ratings

import (
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
)

const (
	resamples = 2000
	// seed is fixed: the same ratings have the same intervals.
	seed = 42
)

// resample is the 95 % bootstrap interval (percentiles; Efron and Tibshirani
// 1993, chapter 13) of a statistic of sums over items. Items are resampled, not
// ratings, because those of one item are not independent. A resample in which
// the statistic is undefined is left out; where that happens in more than one
// of twenty, or there are fewer than two items, there is no interval.
func resample(items [][]float64, statistic func(sum []float64) (float64, bool)) *Interval {
	if len(items) < 2 {
		return nil
	}
	// Most items have few ratings and so few numbers that are not zero.
	type number struct {
		at    int
		value float64
	}
	sparse := make([][]number, len(items))
	for i, item := range items {
		for k, v := range item {
			if v != 0 {
				sparse[i] = append(sparse[i], number{k, v})
			}
		}
	}
	r := rand.New(rand.NewPCG(seed, 0))
	sum := make([]float64, len(items[0]))
	values := make([]float64, 0, resamples)
	for range resamples {
		clear(sum)
		for range items {
			for _, n := range sparse[r.IntN(len(items))] {
				sum[n.at] += n.value
			}
		}
		if v, ok := statistic(sum); ok {
			values = append(values, v)
		}
	}
	if len(values)*20 < resamples*19 {
		return nil
	}
	slices.Sort(values)
	return &Interval{Low: stat.Quantile(0.025, stat.LinInterp, values, nil), High: stat.Quantile(0.975, stat.LinInterp, values, nil)}
}
