// Package metrics computes the metrics of PERG (paper, section 4) from
// outcomes. It reads tables and returns numbers; it calls and writes nothing.
package metrics

import "perg/harness/prompt"

// An Outcome is what became of one generation.
type Outcome struct {
	Responded bool // false: the call failed
	Answered  bool // an option could be extracted
	Correct   bool
	Rated     bool // a judge's rating could be read
	Followed  bool
}

// A Rate is a share of Of things. It is undefined where Of is zero.
type Rate struct {
	Count, Of int
}

// Value is the rate as a fraction, or nil where it is undefined.
func (r Rate) Value() *float64 {
	if r.Of == 0 {
		return nil
	}
	v := float64(r.Count) / float64(r.Of)
	return &v
}

// A Tally counts pairs: the outcome of an item under a setting, and that of
// the same item in the baseline (same variant and repeat, setting none,
// zero-shot).
type Tally struct {
	Setting prompt.Setting
	Judged  bool // a judge ran; without one Alignment Failure is not defined

	Pairs    int // items with a response in both
	Failed   int // items without a response in one of the two
	Unscored int // pairs of Q* without a readable rating, where there should be one

	baselineCorrect, correct int
	baselineInvalid, invalid int
	both, either             int // correct in both, in one of the two
	broken                   int // in Q*: not correct under the setting
	rated                    int // in Q*: with a rating
	notFollowed              int // in Q* and rated: not followed
	notRobust                int // in Q* and rated: not followed or not correct
}

// Add counts one item.
func (t *Tally) Add(baseline, o Outcome) {
	if !baseline.Responded || !o.Responded {
		t.Failed++
		return
	}
	t.Pairs++
	count(&t.baselineInvalid, !baseline.Answered)
	count(&t.invalid, !o.Answered)
	count(&t.baselineCorrect, baseline.Correct)
	count(&t.correct, o.Correct)
	count(&t.both, baseline.Correct && o.Correct)
	count(&t.either, baseline.Correct || o.Correct)
	if !baseline.Correct {
		return
	}
	count(&t.broken, !o.Correct)
	switch {
	case !t.Judged || !t.Setting.Judged():
	case o.Rated:
		t.rated++
		count(&t.notFollowed, !o.Followed)
		count(&t.notRobust, !o.Followed || !o.Correct)
	default:
		t.Unscored++
	}
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

// BaselineCorrect is |Q*|.
func (t *Tally) BaselineCorrect() int { return t.baselineCorrect }

// BaselineAccuracy is the share of pairs whose baseline answer is correct.
func (t *Tally) BaselineAccuracy() Rate { return Rate{t.baselineCorrect, t.Pairs} }

// Accuracy is the share of pairs whose answer under the setting is correct.
func (t *Tally) Accuracy() Rate { return Rate{t.correct, t.Pairs} }

// BaselineInvalid is the share of pairs whose baseline has no answer.
func (t *Tally) BaselineInvalid() Rate { return Rate{t.baselineInvalid, t.Pairs} }

// Invalid is the share of pairs without an answer under the setting.
func (t *Tally) Invalid() Rate { return Rate{t.invalid, t.Pairs} }

// BreakageRate is 1 - mean(correct) over Q*.
func (t *Tally) BreakageRate() Rate {
	if t.Setting == prompt.None {
		return Rate{}
	}
	return Rate{t.broken, t.baselineCorrect}
}

// AlignmentFailure is 1 - mean(followed) over the rated items of Q*.
func (t *Tally) AlignmentFailure() Rate { return Rate{t.notFollowed, t.rated} }

// RobustnessError is 1 - mean(correct and followed) over the rated items of
// Q*. Unscored items are left out whether correct or not: counting only those
// that broke would bias it upwards. Under irrelevant preferences it is the
// Breakage Rate.
func (t *Tally) RobustnessError() Rate {
	if t.Setting == prompt.Irrelevant {
		return t.BreakageRate()
	}
	return Rate{t.notRobust, t.rated}
}

// PerformanceVariation is 1 - |A n B| / |A u B| over all pairs, A and B the
// items answered correctly under the setting and in the baseline: the share
// of the union that is not in both. It is 0 where the union is empty; then Of
// is the number of pairs.
func (t *Tally) PerformanceVariation() Rate {
	switch {
	case t.Setting == prompt.None:
		return Rate{}
	case t.either == 0:
		return Rate{0, t.Pairs}
	default:
		return Rate{t.either - t.both, t.either}
	}
}
