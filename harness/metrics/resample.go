package metrics

import (
	"math"
	"slices"

	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/stats"
)

// Few is the number of items on either side of a rate (broken and not broken,
// followed and not followed) below which its interval is Wilson's: there the
// resampled rate takes few values, and its percentiles cover as little as 89 %
// where there are five. By simulation over 200 to 2,000 items and rates from
// 1 % to 95 %, 10 and 20 leave coverage that jumps from 94 to 98 % about the
// change from one interval to the other; with 30 it is 94 to 97 %
// (TestCoverage). Answers that are not independent, to a question that is asked
// several times, count by their design effect.
const Few = 30

// A Resampled is a cell over some items, and each metric's value in each
// resample of them.
type Resampled struct {
	Cell  *Cell
	Tally // over the items that were resampled

	Again, Rotated *Resampled // those of the cell
	Net            Difference // Breakage less null Breakage, over the items that have both

	values  [][]float64 // by metric, by resample; NaN: undefined there
	effects []float64   // by metric, of answers to one question; nil: each has one
	classes []class
}

// A class is the generations of a cell that have the same pair, by the
// positions of their items.
type class struct {
	pair  results.Pair
	items []int32
}

// Resample draws the items of the given ids with replacement, stats.Resamples
// times, and computes every metric of every cell in each resample. All repeats
// of an item go with it, and so do all items that are one question. The same
// items are drawn for every cell, of one run or of several, so that values of
// the same number may be subtracted; and the same ones for the same number of
// items and the same seed. A cell's items that are not among the ids are left
// out.
func Resample(ids []string, seed uint64, cells []*Cell) []*Resampled {
	positions := make(map[*Table][]int32)
	var all []*Resampled // the cells, and then their controls
	var nets []*net
	of := make(map[*Cell]*Resampled)
	over := func(c *Cell) *Resampled {
		if c == nil {
			return nil
		}
		if positions[c.table] == nil {
			positions[c.table] = c.table.drawn(ids)
		}
		r := c.over(positions[c.table])
		all = append(all, r)
		return r
	}
	for _, c := range cells {
		over(c)
	}
	for _, r := range slices.Clone(all) {
		for _, link := range []struct {
			to      **Resampled
			control *Cell
		}{{&r.Again, r.Cell.Again}, {&r.Rotated, r.Cell.Rotated}} {
			if of[link.control] == nil {
				of[link.control] = over(link.control)
			}
			*link.to = of[link.control]
		}
		if r.Cell.Again != nil && r.Setting != prompt.None {
			nets = append(nets, newNet(r, positions[r.Cell.table]))
		}
	}
	metrics := Metrics()
	stats.NewBootstrap(len(ids), stats.Resamples, seed).EachPacked(func(first int, drawn stats.Packed) {
		for _, r := range all {
			r.resample(metrics, first, drawn)
		}
		for _, n := range nets {
			n.resample(first, drawn)
		}
	})
	for _, n := range nets {
		n.of.Net = n.difference()
	}
	for _, r := range all {
		if r.clustered(len(ids)) {
			for _, m := range metrics {
				r.effects = append(r.effects, r.effect(m, len(ids)))
			}
		}
		r.classes = nil
	}
	return all[:len(cells)]
}

// Resample draws the table's items for its cells.
func (t *Table) Resample(cells []*Cell) []*Resampled { return Resample(t.IDs(), t.seed, cells) }

// over is the cell over the items that have a position.
func (c *Cell) over(positions []int32) *Resampled {
	r := &Resampled{Cell: c, values: make([][]float64, len(Metrics()))}
	r.Tally = c.Tally.empty()
	for i := range r.values {
		r.values[i] = make([]float64, stats.Resamples)
	}
	var counts [1 << 8]int
	for i, item := range c.items {
		if positions[item] >= 0 {
			counts[c.pairs[i]]++
		}
	}
	var byPair [1 << 8][]int32
	for p, n := range counts {
		if n > 0 {
			byPair[p] = make([]int32, 0, n)
			r.Add(results.Pair(p), n)
		}
	}
	for i, item := range c.items {
		if at := positions[item]; at >= 0 {
			byPair[c.pairs[i]] = append(byPair[c.pairs[i]], at)
		}
	}
	for p, items := range byPair {
		if items != nil {
			r.classes = append(r.classes, class{results.Pair(p), items})
		}
	}
	return r
}

func (r *Resampled) resample(metrics []Metric, first int, drawn stats.Packed) {
	var tallies [stats.PackSize]Tally
	for i := range tallies {
		tallies[i] = r.Tally.empty()
	}
	for _, c := range r.classes {
		for i, sum := range drawn.Sum(c.items) {
			tallies[i].Add(c.pair, sum)
		}
	}
	for i, t := range tallies[:min(stats.PackSize, stats.Resamples-first)] {
		for n, m := range metrics {
			rate := t.Rate(m)
			r.values[n][first+i] = rate.Count / float64(rate.Of) // 0/0 is NaN
		}
	}
}

// Values are the metric's values by resample, NaN where it is undefined. The
// caller does not change them.
func (r *Resampled) Values(m Metric) []float64 { return r.values[slices.Index(Metrics(), m)] }

// Interval is the metric's 95 % interval: Wilson's where there are fewer than
// Few items on either side, else the percentiles of the bootstrap. It is nil
// where the metric is undefined. It is over items: of these decodings, under
// these preferences.
func (r *Resampled) Interval(m Metric) (low, high *float64) {
	rate := r.Rate(m)
	if rate.Of == 0 {
		return nil, nil
	}
	if effect := r.designEffect(m); min(rate.Count, float64(rate.Of)-rate.Count) < Few*effect {
		return stats.Score(*rate.Value(), float64(rate.Of)/effect)
	}
	return stats.Percentile(r.Values(m))
}

// designEffect is how many of a metric's answers tell as much as one answer
// would to a question of its own, with its rating.
func (r *Resampled) designEffect(m Metric) float64 {
	effect := 1.0
	if r.effects != nil {
		if effect = r.effects[slices.Index(Metrics(), m)]; effect == 0 { // no union
			effect = float64(r.Cell.Repeats())
		}
	}
	if m == RobustnessError {
		effect *= r.unrated()
	}
	return effect
}

// itemsSD is the standard deviation of the metric from one draw of items to
// another: its standard error.
func (r *Resampled) itemsSD(m Metric) *float64 { return stats.SD(r.Values(m)) }

// A Difference is between two cells over the same items; nil is undefined.
type Difference struct {
	Value, Low, High *float64
}

// Difference is a's value of the metric minus b's, with a 95 % interval that
// is paired by item (see stats.PairedDifference). Both are of one call of
// Resample.
func (a *Resampled) Difference(b *Resampled, m Metric) Difference {
	of, other := a.Rate(m), b.Rate(m)
	if of.Of == 0 || other.Of == 0 {
		return Difference{}
	}
	values := slices.Clone(a.Values(m))
	for i, v := range b.Values(m) {
		values[i] -= v
	}
	d := *of.Value() - *other.Value()
	n := math.Sqrt(float64(of.Of) / float64(a.Cell.Repeats()) * float64(other.Of) / float64(b.Cell.Repeats()))
	low, high := stats.PairedDifference(d, values, n)
	return Difference{&d, low, high}
}
