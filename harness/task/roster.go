package task

import (
	"slices"
)

// A Roster is who takes part.
type Roster struct {
	Variants  []*Variant // answer
	Judges    []*Variant // each rates alone; none: nothing is rated
	Extractor *Variant   // reads the answers that rules cannot; perhaps a judge, too; nil: rules alone
	Rerating  bool       // the generations are there, and only the judges work
}

// Scorers are the models that read and rate answers, the extractor first:
// what the others rate depends on which baseline answers are right.
func (r Roster) Scorers() []*Variant {
	var all []*Variant
	if r.Extractor != nil && !r.Rerating {
		all = append(all, r.Extractor)
	}
	for _, j := range r.Judges {
		if !slices.Contains(all, j) {
			all = append(all, j)
		}
	}
	return all
}

// Scores says whether a model reads or rates answers.
func (r Roster) Scores(v *Variant) bool { return slices.Contains(r.Scorers(), v) }

// Serve has the replies of those models that run elsewhere serve one run alone:
// nobody knows which model answers there tomorrow.
func (r Roster) Serve(run string) {
	for _, v := range append(r.Scorers(), r.Variants...) {
		v.Serve(run)
	}
}

// Loaded are all models that are put into memory.
func (r Roster) Loaded() []*Variant {
	if r.Rerating {
		return r.Scorers()
	}
	return append(slices.Clone(r.Variants), r.Scorers()...)
}
