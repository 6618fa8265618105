package metrics

import (
	"math"
	"slices"

	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/stats"
)

// An Improvement is what a method changes against zero-shot in one variant
// and setting: the method's metric minus zero-shot's, so that less than zero
// is better.
type Improvement struct {
	Variant, Model, Quantization string
	Method                       prompt.Method
	Setting                      prompt.Setting
	Breakage                     Difference // of fractions
	Alignment                    Difference
	Robustness                   Difference
	// Relative is the change of the Robustness Error as a share of zero-shot's
	// (the paper has 13 % to 46 % less with pref-aligner). It has no bounds where
	// fewer than Few items fail under either method.
	Relative Difference
}

// Improvements compares each other method with zero-shot, paired by item, in
// the order of the table's cells. Where zero-shot was not run there is nothing
// to compare with.
func (t *Table) Improvements() []Improvement {
	named := make(map[results.Cell]*Cell)
	for _, c := range t.cells {
		named[c.name()] = c
	}
	type pair struct{ method, zeroShot *Cell }
	var pairs []pair
	for _, c := range t.cells {
		zeroShot := named[results.Cell{Variant: c.Variant, Method: prompt.ZeroShot, Setting: c.Setting}]
		if c.Method == prompt.ZeroShot || c.Setting == prompt.None || zeroShot == nil {
			continue
		}
		pairs = append(pairs, pair{c, zeroShot})
	}
	var all []Improvement
	for some := range slices.Chunk(pairs, batch/2) {
		var cells []*Cell
		for _, p := range some {
			cells = append(cells, p.method, p.zeroShot)
		}
		resampled := t.Resample(cells)
		for i, p := range some {
			c, method, reference := p.method, resampled[2*i], resampled[2*i+1]
			all = append(all, Improvement{
				Variant: c.Variant, Model: c.Model, Quantization: c.Quantization, Method: c.Method, Setting: c.Setting,
				Breakage:   method.Difference(reference, BreakageRate),
				Alignment:  method.Difference(reference, AlignmentFailure),
				Robustness: method.Difference(reference, RobustnessError),
				Relative:   relative(method, reference, RobustnessError),
			})
		}
	}
	return all
}

// relative is a's metric over b's, less one.
func relative(a, b *Resampled, m Metric) Difference {
	of, other := a.Rate(m), b.Rate(m)
	if of.Of == 0 || other.Count == 0 {
		return Difference{}
	}
	d := Difference{Value: new(*of.Value() / *other.Value() - 1)}
	if of.Count < Few*a.designEffect(m) || other.Count < Few*b.designEffect(m) {
		return d
	}
	values := make([]float64, stats.Resamples)
	for i, v := range b.Values(m) {
		values[i] = math.NaN()
		if v > 0 {
			values[i] = a.Values(m)[i]/v - 1
		}
	}
	d.Low, d.High = stats.Percentile(values)
	return d
}
