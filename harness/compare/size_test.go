package compare_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"perg/data"
	"perg/harness/compare"
	"perg/harness/metrics"
)

var trials = flag.Int("trials", 120, "pairs of cells that are simulated of each kind")

// The test of Robustness Error rejects at 5 % as often as it says where the two
// are equal, whether alike in their parts or not, and whatever ratings are
// missing; its interval covers; and it sees a difference of 9 points half of the
// time. What chance moves of that many trials, three standard errors, is allowed:
// with the thousand of make coverage it is between 93 and 97 %.
func TestSizeOfTheRobustnessTest(t *testing.T) {
	type side struct{ breaks, ignores, unratedKept, unratedBroken float64 }
	for n, tt := range []struct {
		name  string
		items int
		a, b  side
		least float64
		most  float64
	}{
		{"all rated", 150, side{0.2, 0.15, 0, 0}, side{0.2, 0.15, 0, 0}, 0.035, 0.065},
		{"unrated where broken", 150, side{0.2, 0.15, 0.05, 0.4}, side{0.2, 0.15, 0.3, 0}, 0.035, 0.065},
		{"other parts", 300, side{0.24, 0.1, 0.4, 0.4}, side{0.1, 1 - 0.76*0.9/0.9, 0, 0.2}, 0.035, 0.065},
		{"a difference", 300, side{0.2, 0.15, 0.1, 0.3}, side{0.3, 0.15, 0.2, 0.1}, 0.5, 1},
	} {
		rng := rand.New(rand.NewPCG(41, uint64(n)))
		trials := *trials
		var rows []data.Generation
		var ratings []data.Judgment
		write := func(variant string, s side) {
			for i := range tt.items {
				id := fmt.Sprintf("%03d", i)
				rows = append(rows, data.Generation{ItemID: id, Variant: variant, Method: "zero-shot", Setting: "none", Answer: new("A"), Correct: new(true)})
				g := data.Generation{ItemID: id, Variant: variant, Method: "zero-shot", Setting: "relevant", Answer: new("A"), Correct: new(rng.Float64() >= s.breaks)}
				rows = append(rows, g)
				unrated := s.unratedBroken
				if *g.Correct {
					unrated = s.unratedKept
				}
				if rng.Float64() >= unrated {
					score := int32(5)
					if rng.Float64() < s.ignores {
						score = 1
					}
					ratings = append(ratings, data.Judgment{ItemID: id, Variant: variant, Method: "zero-shot", Setting: "relevant", JudgeModel: "j", Score: &score})
				}
			}
		}
		for i := range trials {
			write(fmt.Sprintf("a%d", i), tt.a)
			write(fmt.Sprintf("b%d", i), tt.b)
		}
		under := make(map[string]*metrics.Cell)
		for _, c := range loaded(t, rows, ratings) {
			if c.Setting.Judged() {
				under[c.Variant] = c
			}
		}
		var pairs []compare.Pair
		for i := range trials {
			pairs = append(pairs, compare.Pair{A: under[fmt.Sprintf("a%d", i)], B: under[fmt.Sprintf("b%d", i)]})
		}
		rejected, outside, truth := 0, 0, 1-(1-tt.a.breaks)*(1-tt.a.ignores)-(1-(1-tt.b.breaks)*(1-tt.b.ignores))
		for _, c := range compared(compare.Options{Seed: 7, Detect: 0.02}, pairs...) {
			r := row(t, c, metrics.RobustnessError)
			if r.Test.P < compare.Level {
				rejected++
			}
			if truth < *r.Low || truth > *r.High {
				outside++
			}
		}
		share, covered := float64(rejected)/float64(trials), 1-float64(outside)/float64(trials)
		t.Logf("%s: rejected %.1f %%, the interval covers %.1f %%", tt.name, 100*share, 100*covered)
		slack := func(p float64) float64 { return 3 * math.Sqrt(p*(1-p)/float64(trials)) }
		if trials >= 1000 {
			slack = func(float64) float64 { return 0 }
		}
		if share < tt.least-slack(tt.least) || share > tt.most+slack(tt.most) {
			t.Errorf("%s: rejected %.3f", tt.name, share)
		}
		if covered < 0.93-slack(0.93) || covered > 0.97+slack(0.97) {
			t.Errorf("%s: the interval covers %.3f", tt.name, covered)
		}
	}
}
