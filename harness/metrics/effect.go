package metrics

import (
	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/stats"
)

// clustered says whether any of the items has several answers, or shares its
// question with another.
func (r *Resampled) clustered(units int) bool {
	if r.Cell.table.Repeats > 1 {
		return true
	}
	seen := make([]bool, units)
	for _, c := range r.classes {
		for _, u := range c.items {
			if seen[u] {
				return true
			}
			seen[u] = true
		}
	}
	return false
}

// effect is the design effect of a metric's answers: those to one question are
// one cluster. units is the number of positions that items have.
func (r *Resampled) effect(m Metric, units int) float64 {
	clusters := make([]stats.Cluster, units)
	for _, c := range r.classes {
		one := r.one(m, c.pair)
		for _, u := range c.items {
			clusters[u].Count += int(one.Count)
			clusters[u].Of += one.Of
		}
	}
	return stats.DesignEffect(clusters)
}

// one is what a single pair adds to a metric.
func (r *Resampled) one(m Metric, p results.Pair) Rate {
	t := r.Tally.empty()
	t.Add(p, 1)
	if m == PerformanceVariation && t.either == 0 {
		return Rate{}
	}
	return t.Rate(m)
}

// unrated is how much more the Robustness Error varies for the pairs that have
// no rating: those that are rated stand for them. Its two parts vary by
// themselves, (1-f)^2 BR (1-BR) with Q* and (1-BR) f (1-f) with the rated alone;
// an answer of each kind is added, so that both are seen to.
func (t *Tally) unrated() float64 {
	right := t.baselineCorrect - t.broken
	if t.Setting == prompt.Irrelevant || right == t.ratedRight || t.ratedRight == 0 {
		return 1
	}
	br := float64(t.broken+1) / float64(t.baselineCorrect+2)
	f := float64(t.notFollowedRight+1) / float64(t.ratedRight+2)
	breaks, ignores := (1-f)*(1-f)*br*(1-br), (1-br)*f*(1-f)
	return (breaks + ignores*float64(right)/float64(t.ratedRight)) / (breaks + ignores)
}
