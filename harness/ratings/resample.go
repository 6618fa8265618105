package ratings

import (
	"math"

	"perg/harness/stats"
)

// seed is fixed: the same ratings have the same intervals.
const seed = 42

// resample is the 95 % bootstrap interval of a statistic of sums over items.
// Items are resampled, not ratings, because those of one item are not
// independent. Where the statistic is undefined in more resamples than
// stats.Percentile allows, or there are fewer than two items, there is no
// interval. statistic is called on several goroutines at once.
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
	values := make([]float64, stats.Resamples)
	stats.NewBootstrap(len(items), stats.Resamples, seed).Each(func(i int, weights []uint16) {
		sum := make([]float64, len(items[0]))
		for item, times := range weights {
			if times == 0 {
				continue
			}
			for _, n := range sparse[item] {
				sum[n.at] += float64(times) * n.value
			}
		}
		v, ok := statistic(sum)
		if !ok {
			v = math.NaN()
		}
		values[i] = v
	})
	low, high := stats.Percentile(values)
	if low == nil || high == nil {
		return nil
	}
	return &Interval{Low: *low, High: *high}
}
