package compare

import (
	"fmt"

	"perg/harness/metrics"
)

const (
	fewItems = 30 // below it an interval spans tens of percents
	// fewDiffering items cannot give a p-value below Level, whichever side they
	// speak for: the exact test of five is 0.0625 at least.
	fewDiffering = 6
)

// Caveats are what a reader must know beside the comparisons.
func Caveats(all []Comparison) []string {
	var few, alike, failed, unpaired, unrated, unscored, apart, items, rows, onlyA, onlyB int
	for _, c := range all {
		count := func(n *int, yes bool) {
			if yes {
				*n++
			}
		}
		count(&few, c.N < fewItems)
		count(&failed, c.A.Failed+c.B.Failed > 0)
		count(&unscored, c.A.Unscored+c.B.Unscored > 0)
		count(&apart, c.A.Items+c.B.Items > 2*c.Common)
		onlyA, onlyB = onlyA+c.A.Items-c.Common, onlyB+c.B.Items-c.Common
		items += c.Common - c.N
		rows += c.A.Failed + c.B.Failed
		var thin, missing, none bool
		for _, r := range c.Rows {
			thin = thin || r.Test != nil && r.Test.discordant() < fewDiffering
			none = none || r.Metric == metrics.BreakageRate && r.Test == nil
			missing = missing || r.Metric == metrics.AlignmentFailure && r.Difference == nil && c.QStar > 0 && c.A.Setting.Judged() && c.B.Setting.Judged()
		}
		count(&alike, thin)
		count(&unpaired, none)
		count(&unrated, missing)
	}
	var said []string
	say := func(n int, format string, args ...any) {
		if n == 0 {
			return
		}
		where := ""
		if len(all) > 1 {
			where = fmt.Sprintf("in %d of %d comparisons ", n, len(all))
		}
		said = append(said, "caveat: "+where+fmt.Sprintf(format, args...))
	}
	say(few, "fewer than %d items are compared: the intervals are wide", fewItems)
	say(alike, "the answers to fewer than %d items differ: no p of such a test can be below %.2g", fewDiffering, Level)
	say(unpaired, "no item is right in both baselines: Breakage, Alignment failure and Robustness error are not compared")
	say(unrated, "one of the two has no ratings: Alignment failure and Robustness error are not compared")
	say(failed, "generations failed, there or in the baseline: %d, which leaves out %d of the common items", rows, items)
	say(unscored, "some ratings are missing: Alignment failure leaves those items out, and in Robustness error the rated ones stand for them")
	say(apart, "only one of the two was asked some items (A %d, B %d): they are left out", onlyA, onlyB)
	return said
}
