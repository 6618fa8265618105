package harness

import (
	"fmt"
	"slices"

	"perg/harness/task"
	"perg/models"
)

// warnOf says what a version of Ollama does that harms a run of a roster.
func warnOf(version string, r task.Roster, warn func(string)) {
	concerned := func(v *task.Variant) bool { return doubtful(version, v) }
	for _, h := range models.Harms(version) {
		if h.Use == models.UseSchemas && !slices.ContainsFunc(r.Scorers(), concerned) {
			continue
		}
		warn(fmt.Sprintf("Ollama %s %s; %s", version, h.Text, h.Install()))
	}
}

// doubtful says whether a version is known to drop the schema of some models
// like a scorer.
func doubtful(version string, v *task.Variant) bool {
	drops := func(h models.Harm) bool { return h.Use == models.UseSchemas }
	return v.Think != nil && !v.AlwaysThinks() && slices.ContainsFunc(models.Harms(version), drops)
}
