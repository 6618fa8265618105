package explore

import (
	"perg/harness/metrics"
	"perg/harness/prompt"
)

// An Outcome is what can be said of a generation beside its baseline, the answer
// of the same variant to the same question without a preference: bits, because a
// broken answer may be unscored too.
type Outcome uint16

// The outcomes. A generation has one of the first seven, and perhaps one of the
// others.
const (
	Kept       Outcome = 1 << iota // right without and with the preference
	Broken                         // right without, wrong with
	Mended                         // wrong without, right with
	WrongTwice                     // wrong both times
	PlainRight                     // no preference is stated: right
	PlainWrong                     // no preference is stated: wrong
	Error                          // no response, here or in the baseline
	Unscored                       // in Q*, and no rating by a judge could be read
	Followed                       // the judges find the preference followed
	NotFollowed
	Asked // a judge was asked about it, whatever came of it

	outcomes = 1 << iota // of them all
)

// outcomeOf says what became of a generation. judged is true of a run with
// judges.
func outcomeOf(setting prompt.Setting, p metrics.Pair, judged bool) Outcome {
	var o Outcome
	switch {
	case !p.Valid():
		return Error
	case setting == prompt.None && p.Correct():
		o = PlainRight
	case setting == prompt.None:
		o = PlainWrong
	case p.BaselineCorrect() && p.Correct():
		o = Kept
	case p.BaselineCorrect():
		o = Broken
	case p.Correct():
		o = Mended
	default:
		o = WrongTwice
	}
	switch {
	case p.Followed():
		o |= Followed
	case p.Rated():
		o |= NotFollowed
	case judged && setting.Judged() && p.BaselineCorrect():
		o |= Unscored
	}
	return o
}
