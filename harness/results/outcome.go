package results

import "perg/harness/prompt"

// An Outcome is what became of an item's answer, in a word. Whether judges rated
// it is another matter (Pair.Unscored): an answer that broke is broken whether
// it has a rating or not.
type Outcome string

// The outcomes.
const (
	Error      Outcome = "error"       // no response, here or in the baseline
	PlainRight Outcome = "plain right" // no preference is stated: right
	PlainWrong Outcome = "plain wrong" // no preference is stated: wrong
	Kept       Outcome = "kept"        // right in the baseline, right with the preference
	Broken     Outcome = "broken"      // right in the baseline alone
	Mended     Outcome = "mended"      // right with the preference alone
	WrongTwice Outcome = "wrong twice" // right in neither
	NullKept   Outcome = "null kept"   // right in the baseline, right when asked again
	NullBroken Outcome = "null broken" // right in the baseline, and not when asked again
)

// Outcomes lists the outcomes.
func Outcomes() []Outcome {
	return []Outcome{Error, PlainRight, PlainWrong, Kept, Broken, Mended, WrongTwice, NullKept, NullBroken}
}

// Outcome is the pair's under a setting, or as a control.
func (p Pair) Outcome(s prompt.Setting, c prompt.Control) Outcome {
	switch {
	case !p.Complete():
		return Error
	case c != prompt.NoControl && p.Broken():
		return NullBroken
	case c != prompt.NoControl && p.BaselineCorrect():
		return NullKept
	case s == prompt.None && p.Correct():
		return PlainRight
	case s == prompt.None:
		return PlainWrong
	case p.Broken():
		return Broken
	case p.BaselineCorrect():
		return Kept
	case p.Correct():
		return Mended
	default:
		return WrongTwice
	}
}
