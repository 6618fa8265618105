package metrics

import (
	"testing"

	"perg/harness/prompt"
	"perg/harness/results"
)

// 400 items right in the baseline; zero-shot breaks 100 of them, the method 60
// of those 100 and none else: 40 of 400 mended, and two in five relatively.
func TestImprovements(t *testing.T) {
	table := tableOf(400, 1)
	add := func(method prompt.Method, setting prompt.Setting, breaks int) {
		c := table.cellOfPairs(setting, func(i, _ int) results.Pair {
			if i < breaks {
				return broken
			}
			return kept
		})
		c.Variant, c.Method = "v", method
	}
	add(prompt.ZeroShot, prompt.None, 0)
	add(prompt.ZeroShot, prompt.Relevant, 100)
	add("pref-aligner", prompt.Relevant, 60)
	add("pref-aligner", prompt.Mixed, 60) // zero-shot has no such cell
	add("pref-aligner", prompt.None, 0)
	add(prompt.ZeroShot, prompt.Irrelevant, 100)
	add("pref-aligner", prompt.Irrelevant, 12)
	all := table.Improvements()
	if len(all) != 2 || all[0].Method != "pref-aligner" || all[0].Setting != prompt.Relevant || all[1].Setting != prompt.Irrelevant {
		t.Fatalf("improvements: %+v", all)
	}
	// A share of 0.1 mended has the standard error sqrt(0.1 0.9 / 400) = 0.015.
	relevant := all[0]
	if b := relevant.Breakage; !near(b.Value, -0.1, 1e-12) || !near(b.Low, -0.1-1.96*0.015, 0.005) || !near(b.High, -0.1+1.96*0.015, 0.005) {
		t.Errorf("Breakage Rate %v from %v to %v", *b.Value, *b.Low, *b.High)
	}
	if a := relevant.Alignment; *a.Value != 0 || *a.Low >= 0 || *a.High <= 0 {
		t.Errorf("Alignment Failure %v from %v to %v", *a.Value, *a.Low, *a.High)
	}
	// Of the 100 broken, each resample mends a binomial share of 0.4.
	if r := relevant.Relative; !near(r.Value, -0.4, 1e-12) || !near(r.Low, -0.4-1.96*0.049, 0.015) || !near(r.High, -0.4+1.96*0.049, 0.015) {
		t.Errorf("relative %v from %v to %v", *r.Value, *r.Low, *r.High)
	}
	irrelevant := all[1]
	if irrelevant.Alignment.Value != nil || !near(irrelevant.Relative.Value, -0.88, 1e-12) || irrelevant.Relative.Low != nil {
		t.Errorf("irrelevant: %+v", irrelevant)
	}
}
