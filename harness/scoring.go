package harness

import (
	"perg/harness/judge"
	"perg/harness/metrics"
)

// MetricsOptions say how the run's tables are scored: by its present judges and
// their rule, with its seed.
func (m Manifest) MetricsOptions() metrics.Options {
	o := metrics.Options{Rule: judge.Rule(m.Config.JudgeRule), Seed: uint64(m.Config.Seed)}
	for _, j := range m.Judges {
		o.Judges = append(o.Judges, j.Name)
	}
	return o
}
