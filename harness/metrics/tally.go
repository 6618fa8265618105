// Package metrics computes the metrics of PERG (paper, section 4) from a run's
// results, with what is known of their uncertainty. It reads tables and returns
// numbers; it calls and writes nothing.
//
// Load reads a run into a Table, whose Cells hold a results.Pair of each item.
// Resample draws the items of cells anew, the same items for every cell, and
// gives each metric's value in each resample: subtract those of two cells,
// resample by resample, and the difference is paired by item.
package metrics

import (
	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/stats"
)

// A Metric is a rate of a cell. Its name is that of its column in the table
// metrics.
type Metric string

// The metrics. Lower is better in all but the accuracies.
const (
	BreakageRate         Metric = "breakage_rate"
	AlignmentFailure     Metric = "alignment_failure"
	RobustnessError      Metric = "robustness_error"
	PerformanceVariation Metric = "performance_variation"
	Accuracy             Metric = "accuracy"
	BaselineAccuracy     Metric = "accuracy_baseline"
	Invalid              Metric = "invalid_rate"
	BaselineInvalid      Metric = "invalid_rate_baseline"
)

// Metrics lists the metrics, the protocol's four first.
func Metrics() []Metric {
	return []Metric{BreakageRate, AlignmentFailure, RobustnessError, PerformanceVariation, Accuracy, BaselineAccuracy, Invalid, BaselineInvalid}
}

// A Tally counts pairs: what came of an item under a setting, and of the same
// item in the baseline.
type Tally struct {
	Setting prompt.Setting
	Judged  bool // a judge ran; without one Alignment Failure is not defined

	Pairs    int // items with a response in both
	Failed   int // items without a response in one of the two
	Unscored int // pairs of Q* that lack the rating they should have

	baselineCorrect, correct int
	baselineInvalid, invalid int
	both, either             int // correct in both, in one of the two
	broken                   int // in Q*: not correct under the setting
	rated                    int // in Q*: with a rating
	notFollowed              int // in Q* and rated: not followed
	notRobust                int // in Q* and rated: not followed or not correct

	unreadBroken            int // in Q*: broken because nobody read the answer
	unreadRight, unreadElse int // not read in the baseline: correct under the setting, not correct
	unreadTwice             int // of those not correct: not read either
}

// Add counts a pair n times.
func (t *Tally) Add(p results.Pair, n int) {
	if !p.Complete() {
		t.Failed += n
		return
	}
	count := func(to *int, yes bool) {
		if yes {
			*to += n
		}
	}
	t.Pairs += n
	count(&t.baselineInvalid, p.BaselineInvalid())
	count(&t.invalid, p.Invalid())
	count(&t.baselineCorrect, p.BaselineCorrect())
	count(&t.correct, p.Correct())
	count(&t.both, p.BaselineCorrect() && p.Correct())
	count(&t.either, p.BaselineCorrect() || p.Correct())
	if p.BaselineInvalid() {
		count(&t.unreadRight, p.Correct())
		count(&t.unreadElse, !p.Correct())
		count(&t.unreadTwice, p.Invalid())
	}
	if !p.BaselineCorrect() {
		return
	}
	count(&t.unreadBroken, p.Invalid())
	count(&t.broken, p.Broken())
	switch {
	case !t.Judged || !t.Setting.Judged():
	case p.Unscored(t.Setting, t.Judged):
		t.Unscored += n
	default:
		t.rated += n
		count(&t.notFollowed, !p.Followed())
		count(&t.notRobust, !p.Followed() || !p.Correct())
	}
}

// BreakageBounds are the least and the most that the Breakage Rate could be if
// every answer had been read: at the least those that nobody read under the
// setting were right, and those in the baseline where that adds to Q* what did
// not break; at the most those in the baseline were right where the answer under
// the setting was not.
func (t *Tally) BreakageBounds() (least, most stats.Rate) {
	if t.Setting == prompt.None {
		return stats.Rate{}, stats.Rate{}
	}
	least = stats.Rate{Count: t.broken - t.unreadBroken, Of: t.baselineCorrect + t.unreadRight + t.unreadTwice}
	most = stats.Rate{Count: t.broken + t.unreadElse, Of: t.baselineCorrect + t.unreadElse}
	switch { // where Q* is empty unless something was right
	case least.Of == 0:
		least = most
	case most.Of == 0:
		most = least
	}
	return least, most
}

// BaselineCorrect is |Q*|.
func (t *Tally) BaselineCorrect() int { return t.baselineCorrect }

// Rate is the value of a metric with the counts it is made of. Over setting
// none only accuracies and invalid rates are defined.
//
//   - Breakage Rate: of Q*, not correct under the setting.
//   - Alignment Failure: of the rated pairs of Q*, not followed.
//   - Robustness Error: of the rated pairs of Q*, not correct or not followed.
//     Unscored ones are left out whether correct or not: counting only those
//     that broke would bias it upwards. Under irrelevant preferences it is the
//     Breakage Rate.
//   - Performance Variation: 1 - |A n B| / |A u B| over all pairs, A and B those
//     answered correctly under the setting and in the baseline: the share of
//     the union that is not in both. It is 0 where the union is empty; then Of
//     is the number of pairs.
//   - accuracies and invalid rates: of all pairs.
func (t *Tally) Rate(m Metric) stats.Rate {
	switch m {
	case Accuracy:
		return stats.Rate{Count: t.correct, Of: t.Pairs}
	case BaselineAccuracy:
		return stats.Rate{Count: t.baselineCorrect, Of: t.Pairs}
	case Invalid:
		return stats.Rate{Count: t.invalid, Of: t.Pairs}
	case BaselineInvalid:
		return stats.Rate{Count: t.baselineInvalid, Of: t.Pairs}
	}
	switch {
	case t.Setting == prompt.None:
		return stats.Rate{}
	case m == BreakageRate, m == RobustnessError && t.Setting == prompt.Irrelevant:
		return stats.Rate{Count: t.broken, Of: t.baselineCorrect}
	case m == AlignmentFailure:
		return stats.Rate{Count: t.notFollowed, Of: t.rated}
	case m == RobustnessError:
		return stats.Rate{Count: t.notRobust, Of: t.rated}
	case m == PerformanceVariation && t.either == 0:
		return stats.Rate{Of: t.Pairs}
	case m == PerformanceVariation:
		return stats.Rate{Count: t.either - t.both, Of: t.either}
	}
	panic("metrics: no metric " + string(m))
}
