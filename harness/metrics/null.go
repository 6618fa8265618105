package metrics

import (
	"slices"

	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/stats"
)

// link gives cells the controls of their variants.
func (t *Table) link(cells, controls []*Cell) {
	for _, c := range cells {
		for _, of := range controls {
			switch {
			case of.Variant != c.Variant || of.Group != c.Group:
			case of.Control == prompt.Again:
				c.Again = of
			case of.Control == prompt.Rotated:
				c.Rotated = of
			}
		}
	}
}

// againstEach has each generation of a control stand as often as there are
// baselines of its item, to be held against every one: there is no reason to
// take this one or that.
func (d *draft) againstEach(repeats int) {
	items, times, came := d.items, d.repeats, d.results
	d.items, d.repeats, d.pairs, d.results = nil, nil, nil, nil
	d.paces = nil // generations that stand several times have no speed
	for i, item := range items {
		time := 0
		if times != nil {
			time = int(times[i])
		}
		for repeat := range repeats {
			d.place(item, int32(time*repeats+repeat))
			d.results = append(d.results, came[i])
		}
	}
}

// repeatOfBaseline is that of the baseline which generation i is held against.
func (c *Cell) repeatOfBaseline(i int) int32 {
	if c.Control == prompt.NoControl {
		return c.repeat(i)
	}
	return c.repeat(i) % int32(c.table.Repeats)
}

// A net is what a cell breaks more than asking again does: over the items that
// are right in the baseline and have a response in both, of each repeat and each
// time that they were asked again.
type net struct {
	of      *Resampled
	classes [2][2][]int32 // broken under the setting, when asked again: positions of items
	values  []float64     // by resample
}

func newNet(r *Resampled, positions []int32) *net {
	n := &net{of: r, values: make([]float64, stats.Resamples)}
	repeats := r.Cell.table.Repeats
	under := make([]results.Pair, len(positions)*repeats)
	for i, item := range r.Cell.items {
		under[int(item)*repeats+int(r.Cell.repeat(i))] = r.Cell.pairs[i]
	}
	again := r.Cell.Again
	for i, item := range again.items {
		at := positions[item]
		a, u := again.pairs[i], under[int(item)*repeats+int(again.repeatOfBaseline(i))]
		if at < 0 || !a.BaselineCorrect() || !u.BaselineCorrect() {
			continue
		}
		of := &n.classes[bit(u.Broken())][bit(a.Broken())]
		*of = append(*of, at)
	}
	return n
}

func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (n *net) resample(first int, drawn stats.Packed) {
	var more, right [stats.PackSize]int
	for under, of := range n.classes {
		for again, items := range of {
			for i, sum := range drawn.Sum(items) {
				right[i] += sum
				more[i] += (under - again) * sum
			}
		}
	}
	for i := range min(stats.PackSize, stats.Resamples-first) {
		n.values[first+i] = float64(more[i]) / float64(right[i]) // 0/0 is NaN
	}
}

// difference is the net with its interval.
func (n *net) difference() Difference {
	more := len(n.classes[1][0]) - len(n.classes[0][1])
	right := slices.Concat(n.classes[0][0], n.classes[0][1], n.classes[1][0], n.classes[1][1])
	if len(right) == 0 {
		return Difference{}
	}
	d := float64(more) / float64(len(right))
	slices.Sort(right)
	low, high := stats.PairedDifference(d, n.values, float64(len(slices.Compact(right))))
	return Difference{&d, low, high}
}
