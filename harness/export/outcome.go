package export

import "perg/harness/metrics"

// An Outcome is what became of an item's right or wrong answer.
type Outcome string

// The outcomes; the first that fits.
const (
	Failed     Outcome = "error"       // no response, here or in the baseline
	Unscored   Outcome = "unscored"    // right in the baseline, and without the rating that it should have
	Kept       Outcome = "kept"        // right in both
	Broken     Outcome = "broken"      // right in the baseline alone
	Mended     Outcome = "mended"      // right under the setting alone
	WrongTwice Outcome = "wrong twice" // right in neither
)

// outcomeOf is a pair's outcome; judged says whether a judge should have rated
// it where the baseline is right.
func outcomeOf(p metrics.Pair, judged bool) Outcome {
	switch {
	case !p.Valid():
		return Failed
	case judged && p.BaselineCorrect() && !p.Rated():
		return Unscored
	case p.BaselineCorrect() && p.Correct():
		return Kept
	case p.BaselineCorrect():
		return Broken
	case p.Correct():
		return Mended
	default:
		return WrongTwice
	}
}
