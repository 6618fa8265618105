package harness

import (
	"fmt"
	"slices"

	"perg/harness/task"
	"perg/models"
)

// warnOf says what harms a run of a roster: what a version of Ollama does, and
// judges that may be partial.
func warnOf(version string, r task.Roster, warn func(string)) {
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
