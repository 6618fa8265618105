// Package results reads the tables of a run back and says, once for all who look
// at a run, what its rows mean: which generation is the baseline of another,
// which judgments count, what became of an item. It hands out numbers and small
// values, some thousand rows at a time, and keeps no row: metrics, explorer and
// export each keep what they need. It computes no rates and shows nothing.
package results

import (
	"slices"
	"time"

	"perg/harness/judge"
)

// LongestGap is the most between two GPU samples that are taken to belong
// together. What lies between two that are further apart, as where a run was
// interrupted, is nobody's: neither energy nor a line of a chart.
const LongestGap = 10 * time.Second

// A Panel says which judgments of a run count, and how those of one generation
// become a verdict.
type Panel struct {
	Judges []string   // names of the run's judges; none: all that its table has
	Rule   judge.Rule // "" is judge.Majority
}

// Counts says whether a judgment counts: its judge is on the panel, and saw the
// two responses in the usual order. A run keeps the judgments of judges that it
// no longer has, and those in the other order, to compare them.
func (p Panel) Counts(judge string, swapped bool) bool {
	return !swapped && (len(p.Judges) == 0 || slices.Contains(p.Judges, judge))
}

// A Verdict is what the scores of one generation come to. The zero Verdict is
// of a generation without any.
type Verdict struct {
	N, Sum   int // of the scores
	Followed bool
}

// Verdict is that of scores that count and could be read, each 1 to 5.
func (p Panel) Verdict(scores []int) Verdict {
	if len(scores) == 0 {
		return Verdict{}
	}
	v := Verdict{N: len(scores), Followed: judge.Followed(p.Rule, scores)}
	for _, s := range scores {
		v.Sum += s
	}
	return v
}

// Rated says whether there is a score.
func (v Verdict) Rated() bool { return v.N > 0 }
