package compare

import (
	"math"

	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/stats"
)

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

// A Test is of a metric's items: those of N for accuracy, and for breakage and
// robustness those of them that are in Q* of both sides, where doing it is to
// fail. It is McNemar's, mid-p; where items are one question, or ratings that
// stand for others make differences of several sizes, it is the sign-flip test of
// the differences by question, of which McNemar's is a case.
type Test struct {
	Split          // for robustness, of the items whose outcome is known on both sides
	P      float64 `json:"p"`
	Holm   float64 `json:"p_holm"`       // adjusted over all tests of one call of Compare
	Needed *int    `json:"items_needed"` // items of the data set with which a difference of Options.Detect would be seen; nil: one is seen, or no number would do
}

// A pairing is two cells over their common items, as tests see them.
type pairing struct {
	pair          Pair
	detect        float64
	a, b          [][]results.Pair // by position of the item
	questions     []int            // by position, that of the first item of the same question
	right, broken votes
	qstar         []int // positions of the items in Q* of both
}

func newPairing(p Pair, ids []string, detect float64) *pairing {
	questions := p.A.Questions(ids)
	of := func() votes { return votes{questions: questions, differences: make([]float64, len(ids))} }
	return &pairing{pair: p, detect: detect, a: p.A.PairsOf(ids), b: p.B.PairsOf(ids), questions: questions, right: of(), broken: of()}
}

// votes are items by the side that does something more often, and by question
// how many more are A's than B's.
type votes struct {
	Split
	questions   []int
	differences []float64
}

// A count is how many of an item's generations do something, of those that are in
// the question.
type count struct{ n, of int }

func counted(pairs []results.Pair, in, does func(results.Pair) bool) (c count) {
	for _, p := range pairs {
		if in(p) {
			c.of++
			if does(p) {
				c.n++
			}
		}
	}
	return c
}

// add counts the item at a position, and says whether both sides have any
// generation in the question.
func (v *votes) add(at int, a, b count) bool {
	if a.of == 0 || b.of == 0 {
		return false
	}
	switch d := a.n*b.of - b.n*a.of; {
	case d > 0:
		v.OnlyA++
		v.differences[v.questions[at]]++
	case d < 0:
		v.OnlyB++
		v.differences[v.questions[at]]--
	case 2*a.n >= a.of:
		v.Both++
	default:
		v.Neither++
	}
	return true
}

// of is the test of a metric, nil where there is none: under two irrelevant
// settings Robustness Error is Breakage, and one test.
func (t *pairing) of(m metrics.Metric) *Test {
	switch m {
	case metrics.Accuracy:
		return t.test(t.right.Split, t.right.differences, t.right.items(), float64(t.right.discordant()))
	case metrics.BreakageRate:
		return t.test(t.broken.Split, t.broken.differences, t.broken.items(), float64(t.broken.discordant()))
	case metrics.RobustnessError:
		if t.pair.A.Setting == prompt.Irrelevant && t.pair.B.Setting == prompt.Irrelevant {
			return nil
		}
		return t.robustness()
	}
	return nil
}

// test is that of the differences by question, over some of the items that both
// have answered, as many of which differ.
func (t *pairing) test(s Split, differences []float64, items int, discordant float64) *Test {
	if items == 0 {
		return nil
	}
	test := &Test{Split: s, P: stats.SignFlip(differences)}
	// A difference has at least its own share of items that differ.
	share := min(max(discordant/float64(items), t.detect), 1)
	if needed, ok := stats.Needed(share, t.detect, Level, Power); ok {
		test.Needed = new(int(math.Ceil(float64(needed) * float64(t.right.items()) / float64(items))))
	}
	return test
}

// robustness tests Robustness Error: of every item the difference of what it adds
// to either side's rate. Their sum is the difference of the rates.
func (t *pairing) robustness() *Test {
	a, okA := partsOf(t.pair.A, t.a, t.qstar)
	b, okB := partsOf(t.pair.B, t.b, t.qstar)
	if !okA || !okB {
		return nil
	}
	rate := (a.fails + b.fails) / (a.of + b.of)
	known := votes{questions: t.questions, differences: make([]float64, len(t.a))}
	differences := make([]float64, len(t.a))
	squares := 0.0
	for n, i := range t.qstar {
		d := (a.items[n].fails-rate*a.items[n].of)/a.of - (b.items[n].fails-rate*b.items[n].of)/b.of
		d *= float64(len(t.qstar)) // of one generation each, those of single items
		squares += d * d
		differences[t.questions[i]] += d
		known.add(i, knownOf(t.pair.A, t.a[i]), knownOf(t.pair.B, t.b[i]))
	}
	return t.test(known.Split, differences, len(t.qstar), squares)
}
