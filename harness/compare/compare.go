package compare

import (
	"fmt"
	"slices"

	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/stats"
)

// The level of the tests, and the power that a number of items is given for.
const (
	Level = 0.05
	Power = 0.8
)

// Metrics lists what is compared, in the order of tables.
func Metrics() []metrics.Metric {
	return []metrics.Metric{metrics.Accuracy, metrics.BreakageRate, metrics.AlignmentFailure, metrics.RobustnessError, metrics.PerformanceVariation}
}

// A Side is one of two cells that are compared.
type Side struct {
	Run          string         `json:"run"` // its directory
	Variant      string         `json:"variant"`
	Quantization string         `json:"quantization"`
	Method       prompt.Method  `json:"method"`
	Setting      prompt.Setting `json:"setting"`
	Items        int            `json:"items"`    // that it was asked
	Failed       int            `json:"failed"`   // its generations over the common items without a response, there or in the baseline
	Unscored     int            `json:"unscored"` // its generations over the N items without a rating where there should be one
}

// A Comparison is of two cells over the items that both have answered.
type Comparison struct {
	A      Side  `json:"a"`
	B      Side  `json:"b"`
	Common int   `json:"n_common"` // items that both were asked
	N      int   `json:"n"`        // those to which both have a response, there and in the baseline
	QStar  int   `json:"n_qstar"`  // those of the N that are in Q* of both
	Counts Split `json:"right"`    // the N items by who is right
	Rows   []Row `json:"metrics"`  // of Metrics, those that both settings have
}

// A Row is one metric of two cells; nil is undefined. Rates and differences
// are fractions. Rates, difference, interval and test are of the same items.
type Row struct {
	Metric     metrics.Metric `json:"metric"`
	N          int            `json:"n"` // items that it is over: in Q* of both, or all N for what is not over Q*
	A          *float64       `json:"value_a"`
	B          *float64       `json:"value_b"`
	OfA        int            `json:"of_a"` // generations that the rate is over
	OfB        int            `json:"of_b"`
	Difference *float64       `json:"difference"` // A - B
	Low        *float64       `json:"difference_low"`
	High       *float64       `json:"difference_high"`
	Test       *Test          `json:"test"`  // nil: none is made of this metric, or no item is in it
	Whole      *Whole         `json:"whole"` // nil: the metric is not over Q*
}

// Whole is a metric over all of Q* of each side: over other items on each, so that
// the two are not to be subtracted.
type Whole struct {
	A   *float64 `json:"value_a"`
	B   *float64 `json:"value_b"`
	OfA int      `json:"of_a"` // generations
	OfB int      `json:"of_b"`
}

// Options say how cells are compared.
type Options struct {
	Seed   uint64  // of the bootstrap
	Detect float64 // the difference, a fraction, that Test.Needed is for
}

// Compare compares the cells of each pair. run gives the directory of a cell's
// run. The interval of a difference is paired by item: the same items are
// drawn for both cells. With repeats an item counts in a test once, for the
// side that does it more often; items that are one question count together.
func Compare(pairs []Pair, run func(*metrics.Cell) string, o Options) []Comparison {
	all := make([]Comparison, len(pairs))
	answered, qstar := make([][]string, len(pairs)), make([][]string, len(pairs))
	for i, p := range pairs {
		all[i], answered[i], qstar[i] = begin(p, run, o)
	}
	resample(pairs, answered, o.Seed, func(i int, a, b *metrics.Resampled) { all[i].answered(a, b) })
	resample(pairs, qstar, o.Seed, func(i int, a, b *metrics.Resampled) { all[i].qstar(a, b) })
	adjust(all)
	return all
}

// resample draws the items of each pair, together where they are the same.
func resample(pairs []Pair, ids [][]string, seed uint64, do func(pair int, a, b *metrics.Resampled)) {
	for _, same := range batches(ids) {
		var cells []*metrics.Cell
		for _, i := range same {
			cells = add(add(cells, pairs[i].A), pairs[i].B)
		}
		resampled := metrics.Resample(ids[same[0]], seed, cells)
		of := func(c *metrics.Cell) *metrics.Resampled { return resampled[slices.Index(cells, c)] }
		for _, i := range same {
			do(i, of(pairs[i].A), of(pairs[i].B))
		}
	}
}

// batches are the positions of comparisons over the same items, which are
// resampled together; not too many, since a cell holds 128 kB meanwhile.
func batches(ids [][]string) [][]int {
	var all [][]int
	for i, of := range ids {
		at := slices.IndexFunc(all, func(same []int) bool { return len(same) < 128 && slices.Equal(ids[same[0]], of) })
		if at < 0 {
			at = len(all)
			all = append(all, nil)
		}
		all[at] = append(all[at], i)
	}
	return all
}

// begin makes all of a comparison but its rates, and the ids of the items that
// both have answered and of those of them that are in Q* of both.
func begin(p Pair, run func(*metrics.Cell) string, o Options) (c Comparison, answered, qstar []string) {
	side := func(c *metrics.Cell) Side {
		return Side{Run: run(c), Variant: c.Variant, Quantization: c.Quantization, Method: c.Method, Setting: c.Setting, Items: len(metrics.Common(c))}
	}
	c = Comparison{A: side(p.A), B: side(p.B)}
	common := metrics.Common(p.A, p.B)
	slices.Sort(common) // so that swapping the sides draws the same items
	c.Common = len(common)
	t := newPairing(p, common, o.Detect)
	for i, id := range common {
		c.A.Failed += failed(t.a[i])
		c.B.Failed += failed(t.b[i])
		right := func(pairs []results.Pair) count { return counted(pairs, results.Pair.Complete, results.Pair.Correct) }
		broken := func(pairs []results.Pair) count {
			return counted(pairs, results.Pair.BaselineCorrect, results.Pair.Broken)
		}
		if t.right.add(i, right(t.a[i]), right(t.b[i])) {
			answered = append(answered, id)
			if t.broken.add(i, broken(t.a[i]), broken(t.b[i])) {
				qstar = append(qstar, id)
				t.qstar = append(t.qstar, i)
			}
		}
	}
	c.Counts, c.N, c.QStar = t.right.Split, len(answered), len(qstar)
	for _, m := range Metrics() {
		if m != metrics.Accuracy && (p.A.Setting == prompt.None || p.B.Setting == prompt.None) {
			continue
		}
		c.Rows = append(c.Rows, Row{Metric: m, Test: t.of(m)})
	}
	return c, answered, qstar
}

func failed(pairs []results.Pair) (n int) {
	for _, p := range pairs {
		if !p.Complete() {
			n++
		}
	}
	return n
}

// answered fills in what is over all N items.
func (c *Comparison) answered(a, b *metrics.Resampled) {
	c.A.Unscored, c.B.Unscored = a.Unscored, b.Unscored
	for i := range c.Rows {
		r := &c.Rows[i]
		of, other := a.Rate(r.Metric), b.Rate(r.Metric)
		if overQStar(r.Metric) {
			r.Whole = &Whole{of.Value(), other.Value(), of.Of, other.Of}
			continue
		}
		r.N = c.N
		r.rates(a, b)
	}
}

// qstar fills in what is over the items in Q* of both.
func (c *Comparison) qstar(a, b *metrics.Resampled) {
	for i := range c.Rows {
		if r := &c.Rows[i]; overQStar(r.Metric) {
			r.N = c.QStar
			r.rates(a, b)
		}
	}
}

func overQStar(m metrics.Metric) bool {
	return m == metrics.BreakageRate || m == metrics.AlignmentFailure || m == metrics.RobustnessError
}

func (r *Row) rates(a, b *metrics.Resampled) {
	of, other := a.Rate(r.Metric), b.Rate(r.Metric)
	r.A, r.B, r.OfA, r.OfB = of.Value(), other.Value(), of.Of, other.Of
	d := a.Difference(b, r.Metric)
	r.Difference, r.Low, r.High = d.Value, d.Low, d.High
}

// adjust gives every test its p-value among all of them. How many items would do
// is for those that see no difference.
func adjust(all []Comparison) {
	var tests []*Test
	var p []float64
	for _, c := range all {
		for _, r := range c.Rows {
			if r.Test != nil {
				tests, p = append(tests, r.Test), append(p, r.Test.P)
			}
		}
	}
	for i, adjusted := range stats.Holm(p) {
		tests[i].Holm = adjusted
		if adjusted < Level {
			tests[i].Needed = nil
		}
	}
}

// Needs says whether any of the rows says how many items a test would need.
func Needs(rows []Row) bool {
	return slices.ContainsFunc(rows, func(r Row) bool { return r.Test != nil && r.Test.Needed != nil })
}

// Family says what the tests are of, and for how many each is adjusted.
func Family(tests int) string {
	return fmt.Sprintf("Primary outcome: Breakage. Holm p is adjusted for the family of the %d tests of this call, of Right, Breakage and Robustness error; tests of other calls are not in it.", tests)
}

// Tests is the number of tests, the family of Holm's correction.
func Tests(all []Comparison) (n int) {
	for _, c := range all {
		for _, r := range c.Rows {
			if r.Test != nil {
				n++
			}
		}
	}
	return n
}
