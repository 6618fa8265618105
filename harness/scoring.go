package harness

import (
	"perg/harness/judge"
	"perg/harness/metrics"
)

// MetricsOptions say how the run's tables are scored: by its judge, with its
// seed.
func (m Manifest) MetricsOptions() metrics.Options {
	o := metrics.Options{Rule: judge.Majority, Seed: uint64(m.Config.Seed)}
	if m.Judge != nil {
		o.Judges = []string{m.Judge.Name}
	}
	return o
}
