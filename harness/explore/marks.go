package explore

import (
	"math/bits"
	"slices"

	"perg/harness/prompt"
	"perg/harness/results"
)

// marks are what filters ask of a generation, a bit each: its outcome, and what
// judges made of it.
type marks uint16

const (
	unscored marks = 1 << iota
	followed
	notFollowed
	asked        // a judge was asked about it, whatever came of it
	agreed       // several judges rated it, and all found the same
	disagreed    // they did not
	firstOutcome // those of the others follow, in the order of results.Outcomes
)

// allMarks is the number of values that marks may have.
var allMarks = int(firstOutcome) << len(results.Outcomes())

func outcomeMark(o results.Outcome) marks { return firstOutcome << slices.Index(results.Outcomes(), o) }

// outcome is the one that is marked.
func (m marks) outcome() results.Outcome {
	return results.Outcomes()[bits.TrailingZeros16(uint16(m/firstOutcome))]
}

// marksBy gives the marks of each pair under a setting, or of a control. judged is true of a run
// with judgments that count.
func marksBy(s prompt.Setting, c prompt.Control, judged bool) *[1 << 8]marks {
	var by [1 << 8]marks
	for i := range by {
		p := results.Pair(i)
		m := outcomeMark(p.Outcome(s, c))
		switch {
		case p.Followed():
			m |= followed
		case p.Rated():
			m |= notFollowed
		case p.Unscored(s, judged):
			m |= unscored
		}
		by[i] = m
	}
	return &by
}
