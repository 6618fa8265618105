package task

import (
	"sync"

	"perg/harness/prompt"
)

// Rated counts the generations of some variants that are rated, of those that
// will be: those of judged settings whose baseline is right, as far as is known by
// now. It is used from many goroutines.
type Rated struct {
	mu       sync.Mutex
	variants map[*Variant]*share
}

// A share is a variant's: of its judged generations, those through the scorer, and
// those that it rated.
type share struct {
	baselines, right      int // read, and right
	judged, passed, rated int
	expected              *float64 // of the judged, before a baseline is read; nil: nothing is known
}

// NewRated is the count of some variants, with none through, which are right as often as
// is expected until their own baselines tell.
func NewRated(t *Task, variants []*Variant, rights Rights) *Rated {
	r := &Rated{variants: make(map[*Variant]*share)}
	for _, v := range variants {
		s := &share{}
		for _, c := range t.Cells(v) {
			if c.Setting.Judged() {
				s.judged += t.In(c)
			}
		}
		if expected, ok := t.rated(v, rights); ok {
			s.expected = &expected
		}
		r.variants[v] = s
	}
	return r
}

// Passed counts a generation that is through the scorer; all says that those with
// a wrong baseline are rated, too.
func (r *Rated) Passed(e Evaluated, all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.variants[e.Variant]
	switch {
	case e.Setting.Judged():
		s.passed++
		if len(e.Judgments) > 0 {
			s.rated++
		}
	case e.Setting == prompt.None && e.Control == prompt.NoControl:
		s.baselines++
		if all || e.Correct() {
			s.right++
		}
	}
}

// Count is how many are rated, of how many. A variant of whose baselines none is read
// yet is taken to be right as often as was expected or, where nothing was, as the others.
func (r *Rated) Count() (done, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all share
	for _, s := range r.variants {
		all.baselines, all.right = all.baselines+s.baselines, all.right+s.right
	}
	for _, s := range r.variants {
		of := *s
		if of.baselines == 0 && of.expected == nil {
			of.baselines, of.right = all.baselines, all.right
		}
		right := 1.0
		switch {
		case of.baselines > 0:
			right = float64(of.right) / float64(of.baselines)
		case of.expected != nil:
			right = *of.expected
		}
		done += s.rated
		total += s.rated + int(right*float64(s.judged-s.passed)+0.5)
	}
	return done, total
}
