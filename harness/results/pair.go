package results

import "perg/harness/prompt"

// A Result is what came of one generation by itself.
type Result struct {
	Responded bool // false: the call failed
	Unspoken  bool // it was cut off, or ended, before a word of its answer
	Invalid   bool // no option can be read from the response
	Correct   bool
	Rated     bool // there is a score that counts and can be read
	Followed  bool
}

// ResultOf reads the columns correct and answer of a generation: correct is null
// where there is no response, answer where no option can be read from it.
func ResultOf(correct *bool, answer *string) Result {
	return result(correct != nil, correct != nil && *correct, answer != nil)
}

func result(responded, correct, answer bool) Result {
	return Result{Responded: responded, Invalid: responded && !answer, Correct: responded && correct}
}

// With is the result with a verdict on it.
func (r Result) With(v Verdict) Result {
	r.Rated, r.Followed = v.Rated(), v.Followed
	return r
}

// A Pair is what came of one item in a cell in one repeat, and of the same item
// in the baseline. It fits a byte, so that the million generations of a run are
// a megabyte, and a resample of a cell is a sum of weights for each of the few
// pairs that occur. The zero Pair lacks a response.
type Pair uint8

const (
	complete Pair = 1 << iota // without it no other bit is set
	baselineInvalid
	baselineCorrect
	invalid
	correct
	rated
	followed
	unspoken // here or in the baseline
)

// PairOf joins the result under a setting to the baseline's. The zero Result
// stands for a baseline that is not there.
func PairOf(baseline, r Result) Pair {
	if !baseline.Responded || !r.Responded {
		return 0
	}
	p := complete
	set := func(bit Pair, yes bool) {
		if yes {
			p |= bit
		}
	}
	set(baselineInvalid, baseline.Invalid)
	set(baselineCorrect, baseline.Correct)
	set(invalid, r.Invalid)
	set(correct, r.Correct)
	set(unspoken, baseline.Unspoken || r.Unspoken)
	set(rated, r.Rated)
	set(followed, r.Rated && r.Followed)
	return p
}

// Complete says whether there is a response under the setting and in the
// baseline: no rate counts a pair that is not.
func (p Pair) Complete() bool { return p&complete != 0 }

// Answered says whether there is a word of an answer under the setting and in the
// baseline.
func (p Pair) Answered() bool { return p.Complete() && p&unspoken == 0 }

// BaselineInvalid says whether no option can be read from the baseline.
func (p Pair) BaselineInvalid() bool { return p&baselineInvalid != 0 }

// BaselineCorrect says whether the item is in Q*.
func (p Pair) BaselineCorrect() bool { return p&baselineCorrect != 0 }

// Invalid says whether no option can be read from the response under the
// setting.
func (p Pair) Invalid() bool { return p&invalid != 0 }

// Correct says whether the answer under the setting is correct.
func (p Pair) Correct() bool { return p&correct != 0 }

// Broken says whether a right answer was given up: the item is in Q*, and the
// answer under the setting is not correct.
func (p Pair) Broken() bool { return p&(baselineCorrect|correct) == baselineCorrect }

// Rated says whether there is a score that counts and can be read.
func (p Pair) Rated() bool { return p&rated != 0 }

// Followed says whether the judges find the preference followed.
func (p Pair) Followed() bool { return p&followed != 0 }

// Unscored says whether the pair lacks the score that it should have: it is in
// Q* under a setting that states the item's own preference, in a run that has
// judgments that count (Reader.Judged).
func (p Pair) Unscored(s prompt.Setting, judged bool) bool {
	return judged && s.Judged() && p.BaselineCorrect() && !p.Rated()
}
