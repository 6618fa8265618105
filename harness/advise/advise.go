// Package advise says which variants to take: of those of one model the smallest
// that is shown to be no worse than the largest (Of, for the Families of a run), of
// several models which are told to be better (Places), and of all which are not
// dominated (Front). It is given comparisons and rates and returns what follows from
// them; where they do not decide, it says so.
package advise

import (
	"cmp"
	"math"
	"slices"

	"perg/harness/compare"
	"perg/harness/metrics"
)

// Margin is by how much a variant may be worse and still be taken, a fraction.
const Margin = 0.02

// Quantiles of the normal distribution: at the one-sided level of the tests, 2.5 %,
// and at the power that a number of items is given for, 80 %.
const zLevel, zPower = 1.959963984540054, 0.8416212335729143

// A Size is what a variant takes: of two that are no worse, the smaller is taken.
type Size struct {
	Bits  float64 // of a weight; 0: not known
	Bytes int64   // as loaded, or of its file; 0: not known
}

// A Loss is by how much a variant is worse than its reference in one metric.
type Loss struct {
	Metric metrics.Metric `json:"metric"`
	N      int            `json:"n"`     // items that it is over
	Value  float64        `json:"value"` // a fraction; below 0: it is better
	Low    float64        `json:"low"`
	High   float64        `json:"high"`
	P      float64        `json:"p"`            // of a loss as great as the margin, or greater, one-sided
	Shown  bool           `json:"not_worse"`    // that it is smaller than the margin
	Worse  bool           `json:"worse"`        // that there is one
	Needed int            `json:"items_needed"` // items of the data set with which it would be shown, in four cases of five, if there is none; 0: it is shown
}

// A Verdict is of one variant against its reference.
type Verdict struct {
	Variant   string `json:"variant"`
	Reference string `json:"reference"`
	Method    string `json:"method"`
	Setting   string `json:"setting"`
	Size      Size   `json:"-"`
	Losses    []Loss `json:"losses"` // of Right and of Breakage
	NotWorse  bool   `json:"not_worse"`
	Worse     bool   `json:"worse"`
	Needed    int    `json:"items_needed"`
}

// An Advice is of a family, the variants of one model that differ in one kind of
// thing, of which Reference is the dearest: has the highest precision, or thinks
// most. Take is the reference where no smaller one is shown to be no worse.
type Advice struct {
	Kind      Kind      `json:"kind"`
	Reference string    `json:"reference"`
	Take      string    `json:"take"`
	Verdicts  []Verdict `json:"verdicts"` // the largest first
}

// Of gives the advice that comparisons of variants (A) with their references (B)
// in one cell lead to. Variants are tested in order of size, the largest first, in
// the order given where sizes say nothing, and the first that is not shown to be no
// worse ends the row: so the chance that one is taken which is worse by the margin is
// 2.5 % at most in each family, however many it has.
func Of(all []compare.Comparison, sizes map[string]Size) []Advice {
	var advice []Advice
	for _, c := range all {
		v, ok := verdict(c, sizes[c.A.Variant])
		if !ok {
			continue
		}
		i := slices.IndexFunc(advice, func(a Advice) bool { return a.Reference == v.Reference })
		if i < 0 {
			i = len(advice)
			advice = append(advice, Advice{Reference: v.Reference})
		}
		advice[i].Verdicts = append(advice[i].Verdicts, v)
	}
	for i := range advice {
		a := &advice[i]
		slices.SortStableFunc(a.Verdicts, func(x, y Verdict) int {
			return cmp.Or(cmp.Compare(y.Size.Bits, x.Size.Bits), cmp.Compare(y.Size.Bytes, x.Size.Bytes))
		})
		a.Take = a.Reference
		for _, v := range a.Verdicts {
			if !v.NotWorse {
				break
			}
			a.Take = v.Variant
		}
	}
	return advice
}

func verdict(c compare.Comparison, size Size) (Verdict, bool) {
	v := Verdict{Variant: c.A.Variant, Reference: c.B.Variant, Method: string(c.A.Method), Setting: string(c.A.Setting), Size: size, NotWorse: true}
	for _, r := range c.Rows {
		sign := 1.0
		switch r.Metric {
		case metrics.Accuracy:
			sign = -1
		case metrics.BreakageRate:
		default:
			continue
		}
		l, ok := lossOf(r, sign, c.N)
		if !ok {
			return v, false
		}
		v.Losses = append(v.Losses, l)
		v.NotWorse = v.NotWorse && l.Shown
		v.Worse = v.Worse || l.Worse
		v.Needed = max(v.Needed, l.Needed)
	}
	if v.Worse && !v.NotWorse {
		v.Needed = 0 // more items will not make it better
	}
	return v, len(v.Losses) == 2
}

// lossOf is a difference as a loss, its error read off its interval.
func lossOf(r compare.Row, sign float64, items int) (Loss, bool) {
	if r.Difference == nil || r.Low == nil || r.High == nil {
		return Loss{}, false
	}
	l := Loss{Metric: r.Metric, N: r.N, Value: sign * *r.Difference, Low: sign * *r.Low, High: sign * *r.High}
	if l.Low > l.High {
		l.Low, l.High = l.High, l.Low
	}
	se := (l.High - l.Low) / (2 * zLevel)
	l.Shown, l.Worse = l.High < Margin, l.Low > 0
	switch {
	case se > 0:
		l.P = math.Erfc((Margin-l.Value)/se/math.Sqrt2) / 2
	case l.Value < Margin:
		l.P = 0
	default:
		l.P = 1
	}
	if !l.Shown {
		// If there is no loss: as many items as make the margin so many errors wide.
		ratio := se * (zLevel + zPower) / Margin
		l.Needed = int(math.Ceil(float64(items) * ratio * ratio))
	}
	return l, true
}
