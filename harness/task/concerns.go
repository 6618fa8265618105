package task

import (
	"fmt"
	"slices"

	"perg/harness/judge"
	"perg/models"
)

// Concerns are what a user is told of a roster before a run: which models are not
// measured, what the version of Ollama, "" where it is not known, does that harms
// a run of it, and which judges may be partial.
func (r Roster) Concerns(version string) []string {
	all := r.elsewhere()
	concerned := func(v *Variant) bool { return v.MayDropSchemas(version) }
	for _, h := range models.Harms(version) {
		if h.Use == models.UseSchemas && !slices.ContainsFunc(r.Scorers(), concerned) {
			continue
		}
		all = append(all, fmt.Sprintf("Ollama %s %s; %s", version, h.Text, h.Install()))
	}
	return slices.Concat(all, r.messagesActing(), r.partial())
}

// elsewhere names the models that run elsewhere.
func (r Roster) elsewhere() []string {
	var all, named []string
	for _, v := range r.Loaded() {
		if v.Remote == "" || slices.Contains(named, v.Name) {
			continue
		}
		named = append(named, v.Name)
		all = append(all, fmt.Sprintf("%s runs elsewhere: prompts and answers go to %s; its memory, energy and digest are not known, and its replies serve this run alone", v.Name, v.Remote))
	}
	return all
}

// partial says which judges may be partial to what they rate.
func (r Roster) partial() []string {
	parties := func(of []*Variant) (all []judge.Party) {
		for _, v := range of {
			all = append(all, judge.Party{Name: v.Name, Digest: v.Digest, Family: v.Family})
		}
		return all
	}
	return judge.Partial(parties(r.Judges), parties(r.Variants))
}
