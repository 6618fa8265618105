package harness

import (
	"fmt"
	"slices"

	"perg/harness/task"
	"perg/models"
)

// warnOf says what is not measured of a roster, what a version of Ollama does
// that harms a run of it, and which judges may be partial.
func warnOf(version string, r task.Roster, warn func(string)) {
	sayElsewhere(r, warn)
	concerned := func(v *task.Variant) bool { return v.MayDropSchemas(version) }
	for _, h := range models.Harms(version) {
		if h.Use == models.UseSchemas && !slices.ContainsFunc(r.Scorers(), concerned) {
			continue
		}
		warn(fmt.Sprintf("Ollama %s %s; %s", version, h.Text, h.Install()))
	}
	for _, text := range r.Partial() {
		warn(text)
	}
}

// sayElsewhere names the models of a roster that run elsewhere.
func sayElsewhere(r task.Roster, say func(string)) {
	var said []string
	for _, v := range r.Loaded() {
		if v.Remote == "" || slices.Contains(said, v.Name) {
			continue
		}
		said = append(said, v.Name)
		say(fmt.Sprintf("%s runs elsewhere: prompts and answers go to %s; its memory, energy and digest are not known, and its replies serve this run alone", v.Name, v.Remote))
	}
}
