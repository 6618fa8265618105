package metrics

// An Outcome is what became of one generation.
type Outcome struct {
	Responded bool // false: the call failed
	Answered  bool // an option could be extracted
	Correct   bool
	Rated     bool // a judge's rating could be read
	Followed  bool
}

// A Pair is what became of one item of a cell in one repeat, and of the same
// item in the baseline (same variant and repeat, setting none, zero-shot). It
// fits a byte, so that a resample of a cell is a sum of weights for each of
// the few pairs that occur. The zero Pair failed.
type Pair uint8

const (
	valid Pair = 1 << iota // a response in both; without it no other bit is set
	baselineAnswered
	baselineCorrect
	answered
	correct
	rated
	followed
)

// PairOf joins the outcome under a setting to the baseline's.
func PairOf(baseline, o Outcome) Pair {
	if !baseline.Responded || !o.Responded {
		return 0
	}
	p := valid
	set := func(bit Pair, yes bool) {
		if yes {
			p |= bit
		}
	}
	set(baselineAnswered, baseline.Answered)
	set(baselineCorrect, baseline.Correct)
	set(answered, o.Answered)
	set(correct, o.Correct)
	set(rated, o.Rated)
	set(followed, o.Rated && o.Followed)
	return p
}

// Valid says whether there is a response under the setting and in the baseline.
func (p Pair) Valid() bool { return p&valid != 0 }

// BaselineAnswered says whether the baseline has an answer.
func (p Pair) BaselineAnswered() bool { return p&baselineAnswered != 0 }

// BaselineCorrect says whether the item is in Q*.
func (p Pair) BaselineCorrect() bool { return p&baselineCorrect != 0 }

// Answered says whether there is an answer under the setting.
func (p Pair) Answered() bool { return p&answered != 0 }

// Correct says whether the answer under the setting is correct.
func (p Pair) Correct() bool { return p&correct != 0 }

// Rated says whether a judge's rating could be read.
func (p Pair) Rated() bool { return p&rated != 0 }

// Followed says whether the judges find the preference followed.
func (p Pair) Followed() bool { return p&followed != 0 }
