package task

import "perg/harness/judge"

// Partial says which judges of the roster may be partial to what they rate.
func (r Roster) Partial() []string {
	parties := func(of []*Variant) (all []judge.Party) {
		for _, v := range of {
			all = append(all, judge.Party{Name: v.Name, Digest: v.Digest, Family: v.Family})
		}
		return all
	}
	return judge.Partial(parties(r.Judges), parties(r.Variants))
}
