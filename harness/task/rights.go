package task

import "fmt"

// A Right is how often a variant is expected to be right in the baseline, which decides
// how many of its answers are rated.
type Right struct {
	Share float64 // of its baseline answers
	Own   int     // earlier answers of its that had this share; 0: those of other models had
}

// Rights are expected of variants. Of one that is not among them nothing is known, and
// all of its answers may be rated.
type Rights map[*Variant]Right

// rated is the share of a variant's judged generations that is expected to be rated;
// false where nothing is known of that.
func (t *Task) rated(v *Variant, expected Rights) (share float64, ok bool) {
	if t.JudgeAll {
		return 1, true
	}
	known, ok := expected[v]
	return known.Share, ok
}

// About says what is expected of a variant.
func (r Rights) About(v *Variant) string {
	known, ok := r[v]
	switch {
	case !ok:
		return "how many answers will be right is not known, so all ratings that there can be are in the time"
	case known.Own == 0:
		return fmt.Sprintf("how many answers are right is not known: taken to be %.0f %%, as of other models in earlier runs; answers to other questions are not rated", 100*known.Share)
	default:
		return fmt.Sprintf("%.0f %% of answers without a preference are taken to be right, as of %d in an earlier run; answers to other questions are not rated", 100*known.Share, known.Own)
	}
}
