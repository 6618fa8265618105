package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/stats"
)

// paced is a table of one cell whose items have speeds of their own, and repeats
// that differ a little from their item.
func paced(rng *rand.Rand, items, repeats int) (*Table, *Cell) {
	t := tableOf(items, repeats)
	c := t.cellOfPairs(prompt.Relevant, func(int, int) results.Pair { return kept })
	own := make([]float64, items)
	for i := range own {
		own[i] = 100 * math.Exp(rng.NormFloat64()/3)
	}
	c.paces = nil
	for _, item := range c.items {
		tokens := 20 + rng.IntN(400)
		c.paces = append(c.paces, pace{uint32(tokens), uint32(float64(tokens) / own[item] / (1 + 0.1*rng.Float64()) * 1e6)})
	}
	return t, c
}

// The interval of a speed is that which resampling items gives, of answers that are
// one to an item and several.
func TestPaceIntervalIsTheBootstraps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, repeats := range []int{1, 4} {
		table, c := paced(rng, 400, repeats)
		low, high := c.paceInterval(table.drawn(table.IDs()))
		values := make([]float64, stats.Resamples)
		stats.NewBootstrap(400, stats.Resamples, 1).Each(func(resample int, weights []uint16) {
			var tokens, seconds float64
			for i, p := range c.paces {
				w := float64(weights[c.items[i]])
				tokens, seconds = tokens+w*float64(p.tokens), seconds+w*float64(p.micros)/1e6
			}
			values[resample] = tokens / seconds
		})
		from, to := stats.Percentile(values)
		if width := *to - *from; math.Abs(*low-*from) > 0.1*width || math.Abs(*high-*to) > 0.1*width {
			t.Errorf("%d repeats: %.2f to %.2f, resampled %.2f to %.2f", repeats, *low, *high, *from, *to)
		}
	}
}

// An interval holds the speed of all items 95 % of the time, of ten items as well.
func TestCoverageOfPaces(t *testing.T) {
	withoutRaceDetector(t)
	rng := rand.New(rand.NewPCG(5, 6))
	const population, times = 20_000, 2000
	_, all := paced(rng, population, 1)
	truth := all.ByRepeat()[0].Speed()
	for _, n := range []int{10, 60} {
		table := tableOf(n, 1)
		held := 0
		for range times {
			c := table.cellOfPairs(prompt.Relevant, func(int, int) results.Pair { return kept })
			c.paces = nil
			for range n {
				c.paces = append(c.paces, all.paces[rng.IntN(population)])
			}
			if low, high := c.paceInterval(table.drawn(table.IDs())); *low <= *truth && *truth <= *high {
				held++
			}
		}
		if share := float64(held) / times; share < 0.91 || share > 0.97 {
			t.Errorf("of %d items: the interval holds the speed %.1f %% of the time", n, 100*share)
		}
	}
}

// One item, or none that knows its time, has no interval; a speed that never varies
// has one without width.
func TestPacesWithoutInterval(t *testing.T) {
	table := tableOf(3, 1)
	cell := func(paces ...pace) *Cell {
		c := table.cellOfPairs(prompt.Relevant, func(int, int) results.Pair { return kept })
		c.paces = paces
		return c
	}
	drawn := table.drawn(table.IDs())
	for _, c := range []*Cell{cell(), cell(pace{}, pace{}, pace{}), cell(pace{5, 1000}, pace{}, pace{})} {
		if low, high := c.paceInterval(drawn); low != nil || high != nil {
			t.Errorf("%v: %v to %v", c.paces, *low, *high)
		}
	}
	low, high := cell(pace{5, 1000}, pace{10, 2000}, pace{1, 200}).paceInterval(drawn)
	if !near(low, 5000, 1e-6) || !near(high, 5000, 1e-6) {
		t.Errorf("%v to %v, want 5000", *low, *high)
	}
}

func TestSpans(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for range 500 {
		var s spans
		covered := make([]bool, 400)
		var all []span
		for range 1 + rng.IntN(12) {
			from := int64(rng.IntN(300))
			x := span{from, from + int64(rng.IntN(40))}
			all = append(all, x)
			s = s.with(x, 0)
		}
		for _, x := range all {
			for at := x.from; at <= x.to; at++ {
				covered[at] = true
			}
		}
		for at, in := range covered {
			if s.has(int64(at)) != in {
				t.Fatalf("%v of %v: has(%d) is %v", s, all, at, !in)
			}
		}
		if !slices.IsSortedFunc(s, func(a, b span) int { return int(a.from - b.from) }) {
			t.Fatalf("%v are not in order", s)
		}
		for i := range s[1:] {
			if s[i].to >= s[i+1].from {
				t.Fatalf("%v are not apart", s)
			}
		}
	}
}
