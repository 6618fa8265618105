package stats

// A Cluster is what came of one question: of Of answers, Count did what a rate
// counts. Its answers are not independent of each other.
type Cluster struct{ Count, Of int }

// DesignEffect estimates how many answers, in clusters, tell as much of a rate
// as one independent answer does: 1 where each cluster is one answer, or where
// answers in clusters agree no more than others; the clusters' size where they
// always agree. It is the variance of the rate between clusters over that of as
// many independent answers (Kish 1965), and 1 at the least. One cluster that
// does it throughout and one that does not at all are added, of the size in
// which an answer finds itself on the average: where little is seen, clusters are
// taken to agree. It is 0 where there is no answer.
func DesignEffect(clusters []Cluster) float64 {
	var count, of, squares float64
	for _, c := range clusters {
		count += float64(c.Count)
		of += float64(c.Of)
		squares += float64(c.Of) * float64(c.Of)
	}
	if of == 0 {
		return 0
	}
	size := squares / of
	if size == 1 {
		return 1
	}
	p := (count + size) / (of + 2*size)
	between := size * size * (p*p + (1-p)*(1-p))
	for _, c := range clusters {
		e := float64(c.Count) - p*float64(c.Of)
		between += e * e
	}
	return max(between/((of+2*size)*p*(1-p)), 1)
}
