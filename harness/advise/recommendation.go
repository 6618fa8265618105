package advise

// A Recommendation is what the results of a run say about what to take; what they
// say nothing about is empty.
type Recommendation struct {
	Advice  []Advice   `json:"advice"`
	Ranking *Ranking   `json:"ranking"`
	Front   []Standing `json:"front"`
	Unknown []string   `json:"front_without"` // costs of no point that is known
}
