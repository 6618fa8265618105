// Package stats is the statistics that PERG's numbers are published with:
// intervals, resampling, tests and agreement. It is pure arithmetic over
// counts and vectors and knows nothing of runs, cells or metrics.
package stats
