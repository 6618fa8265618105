package compare

import (
	"math"
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
	Counts Split `json:"right"`    // the N items by who is right
	Rows   []Row `json:"metrics"`  // of Metrics, those that both settings have
}

// A Split is items by which side does something more often: with one
// generation of each item, which does it at all.
type Split struct {
	Both    int `json:"both"` // equally often, at least half of the time
	OnlyA   int `json:"only_a"`
	OnlyB   int `json:"only_b"`
	Neither int `json:"neither"` // equally often, less than half of the time
}

func (s Split) items() int      { return s.Both + s.OnlyA + s.OnlyB + s.Neither }
func (s Split) discordant() int { return s.OnlyA + s.OnlyB }

// A Row is one metric of two cells; nil is undefined. Rates and differences
// are fractions.
type Row struct {
	Metric     metrics.Metric `json:"metric"`
	A          *float64       `json:"value_a"`
	B          *float64       `json:"value_b"`
	OfA        int            `json:"of_a"` // generations that the rate is over
	OfB        int            `json:"of_b"`
	Difference *float64       `json:"difference"` // A - B
	Low        *float64       `json:"difference_low"`
	High       *float64       `json:"difference_high"`
	Test       *Test          `json:"test"` // nil: none is made of this metric, or no item is in it
}

// A Test is McNemar's over the items of a metric: those of N for accuracy,
// and for breakage those of them that are in Q* of both sides, where doing it
// is to break.
type Test struct {
	Split
	P      float64 `json:"p"`
	Holm   float64 `json:"p_holm"`       // adjusted over all tests of one call of Compare
	Needed *int    `json:"items_needed"` // items of the data set with which a difference of Options.Detect would be seen; nil: no number would do
}

// Options say how cells are compared.
type Options struct {
	Seed   uint64  // of the bootstrap
	Detect float64 // the difference, a fraction, that Test.Needed is for
}

// Compare compares the cells of each pair. run gives the directory of a cell's
// run. The interval of a difference is paired by item: the same items are
// drawn for both cells. With repeats an item counts in a test once, for the
// side that does it more often.
func Compare(pairs []Pair, run func(*metrics.Cell) string, o Options) []Comparison {
	all := make([]Comparison, len(pairs))
	ids := make([][]string, len(pairs))
	for i, p := range pairs {
		all[i], ids[i] = begin(p, run, o)
	}
	for _, same := range batches(ids) {
		var cells []*metrics.Cell
		for _, i := range same {
			cells = add(add(cells, pairs[i].A), pairs[i].B)
		}
		resampled := metrics.Resample(ids[same[0]], o.Seed, cells)
		of := func(c *metrics.Cell) *metrics.Resampled { return resampled[slices.Index(cells, c)] }
		for _, i := range same {
			all[i].rates(of(pairs[i].A), of(pairs[i].B))
		}
	}
	adjust(all)
	return all
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

// begin makes all of a comparison but its rates, and the ids it is over.
func begin(p Pair, run func(*metrics.Cell) string, o Options) (c Comparison, ids []string) {
	side := func(c *metrics.Cell) Side {
		return Side{Run: run(c), Variant: c.Variant, Quantization: c.Quantization, Method: c.Method, Setting: c.Setting, Items: len(metrics.Common(c))}
	}
	c = Comparison{A: side(p.A), B: side(p.B)}
	common := metrics.Common(p.A, p.B)
	slices.Sort(common) // so that swapping the sides draws the same items
	c.Common = len(common)
	a, b := p.A.PairsOf(common), p.B.PairsOf(common)
	var broken Split
	for i, id := range common {
		c.A.Failed += failed(a[i])
		c.B.Failed += failed(b[i])
		if c.Counts.add(a[i], b[i], results.Pair.Complete, results.Pair.Correct) {
			ids = append(ids, id)
			broken.add(a[i], b[i], results.Pair.BaselineCorrect, results.Pair.Broken)
		}
	}
	c.N = len(ids)
	for _, m := range Metrics() {
		if m != metrics.Accuracy && (p.A.Setting == prompt.None || p.B.Setting == prompt.None) {
			continue
		}
		row := Row{Metric: m}
		switch m {
		case metrics.Accuracy:
			row.Test = test(c.Counts, c.N, o.Detect)
		case metrics.BreakageRate:
			row.Test = test(broken, c.N, o.Detect)
		}
		c.Rows = append(c.Rows, row)
	}
	return c, ids
}

// add counts an item by its pairs that are in the question, and says whether
// both sides have any.
func (s *Split) add(a, b []results.Pair, in, does func(results.Pair) bool) bool {
	count := func(all []results.Pair) (n, of int) {
		for _, p := range all {
			if in(p) {
				of++
				if does(p) {
					n++
				}
			}
		}
		return n, of
	}
	n, ofA := count(a)
	m, ofB := count(b)
	if ofA == 0 || ofB == 0 {
		return false
	}
	switch d := n*ofB - m*ofA; {
	case d > 0:
		s.OnlyA++
	case d < 0:
		s.OnlyB++
	case 2*n >= ofA:
		s.Both++
	default:
		s.Neither++
	}
	return true
}

func failed(pairs []results.Pair) (n int) {
	for _, p := range pairs {
		if !p.Complete() {
			n++
		}
	}
	return n
}

// test is McNemar's of a split of some of n items.
func test(s Split, n int, detect float64) *Test {
	if s.items() == 0 {
		return nil
	}
	t := &Test{Split: s, P: stats.McNemar(s.OnlyA, s.OnlyB)}
	// A difference has at least its own share of items that differ.
	discordant := max(float64(s.discordant())/float64(s.items()), detect)
	if needed, ok := stats.Needed(discordant, detect, Level, Power); ok {
		t.Needed = new(int(math.Ceil(float64(needed) * float64(n) / float64(s.items()))))
	}
	return t
}

func (c *Comparison) rates(a, b *metrics.Resampled) {
	c.A.Unscored, c.B.Unscored = a.Unscored, b.Unscored
	for i := range c.Rows {
		r := &c.Rows[i]
		of, other := a.Rate(r.Metric), b.Rate(r.Metric)
		r.A, r.B, r.OfA, r.OfB = of.Value(), other.Value(), of.Of, other.Of
		d := a.Difference(b, r.Metric)
		r.Difference, r.Low, r.High = d.Value, d.Low, d.High
	}
}

// adjust gives every test its p-value among all of them.
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
	}
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
