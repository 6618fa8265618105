package ratings

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"perg/harness/judge"
	"perg/harness/results"
	"perg/harness/stats"
)

// A Rater is who gave ratings.
type Rater struct {
	Name  string `json:"name"`  // of a person, "" where the file names none
	Human bool   `json:"human"` // else a judge model
}

func (r Rater) String() string {
	switch {
	case !r.Human:
		return r.Name
	case r.Name == "":
		return "person"
	default:
		return "person " + r.Name
	}
}

// An Interval bounds a value at 95 %, by resampling items.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// A JudgeCount says what became of a judge's ratings in the usual order.
type JudgeCount struct {
	Rater
	Rated    int `json:"rated"`
	Unscored int `json:"unscored"` // the answer has no rating that can be read
	Failed   int `json:"failed"`   // the call came to nothing
	Swapped  int `json:"swapped"`  // rated with the responses in the other order
}

// A PersonCount says how much a person rated.
type PersonCount struct {
	Rater
	Rated int `json:"rated"`
}

// A Pair is how far two raters agree on the generations that both rated. Nil is
// undefined: nothing in common, or, of kappa, no variation.
type Pair struct {
	A             Rater     `json:"a"`
	B             Rater     `json:"b"`
	N             int       `json:"n"`
	StandsFor     int       `json:"stands_for"` // generations of the run: more than n where a person rated a sample, whose rows are weighted back
	Exact         *float64  `json:"exact"`      // share with the same rating
	Followed      *float64  `json:"followed"`   // share with both ratings at least 3, or neither
	Kappa         *float64  `json:"kappa"`      // quadratic weights
	KappaInterval *Interval `json:"kappa_interval"`
}

// A Group is how far several raters agree: Krippendorff's alpha, ordinal.
type Group struct {
	Raters        string    `json:"raters"` // judges, people, or all
	NRaters       int       `json:"n_raters"`
	N             int       `json:"n"` // generations that two of them or more rated
	Alpha         *float64  `json:"alpha"`
	AlphaInterval *Interval `json:"alpha_interval"`
}

// A Bias is how far a judge's ratings depend on the order of the two responses.
type Bias struct {
	Judge              string    `json:"judge"`
	N                  int       `json:"n"`          // generations that it rated in both orders
	Difference         *float64  `json:"difference"` // mean of the rating in the other order less that in the usual one
	DifferenceInterval *Interval `json:"difference_interval"`
	Flips              *float64  `json:"flips"` // share that is followed in one order and not in the other
}

// An Agreement is all of it.
type Agreement struct {
	Generations int           `json:"generations"` // that a judge was asked about
	Judges      []JudgeCount  `json:"judges"`
	People      []PersonCount `json:"people"`
	Blank       int           `json:"blank"` // rows of the file without a rating
	Pairs       []Pair        `json:"pairs"`
	Groups      []Group       `json:"groups"`
	Bias        []Bias        `json:"position_bias"`
	Reading     []Reading     `json:"reading"` // of the answers, against each person who read some
	Caveats     []string      `json:"caveats"`
}

// Comparable says whether there is anything to compare: two raters, or a judge
// with both orders.
func (a Agreement) Comparable() bool {
	return len(a.Pairs) > 0 || len(a.Bias) > 0 || len(a.Reading) > 0
}

// fewUnits is the number of generations below which an interval by resampling
// is not to be relied on.
const fewUnits = 30

// raterScores are a rater and its ratings.
type raterScores struct {
	Rater
	scores map[results.Key]int
}

// Agree compares judges with each other and with people.
func Agree(j Judged, f Filled) Agreement {
	a := Agreement{
		Generations: len(j.Keys), Blank: f.Blank,
		Judges: []JudgeCount{}, People: []PersonCount{}, Pairs: []Pair{}, Groups: []Group{}, Bias: []Bias{}, Reading: []Reading{}, Caveats: []string{},
	}
	var judges, people []raterScores
	for _, by := range j.Judges {
		r := Rater{Name: by.Name}
		a.Judges = append(a.Judges, JudgeCount{Rater: r, Rated: len(by.Scores), Unscored: by.Unscored, Failed: by.Failed, Swapped: len(by.Swapped)})
		judges = append(judges, raterScores{r, by.Scores})
	}
	for _, by := range f.People {
		r := Rater{Name: by.Name, Human: true}
		a.People = append(a.People, PersonCount{r, len(by.Scores)})
		if len(by.Letters) > 0 {
			reading := j.reading(r, by.Letters)
			a.Reading = append(a.Reading, reading)
			a.few(reading.N, fmt.Sprintf("%s has read %d answers", r, reading.N))
		}
		if len(by.Scores) > 0 {
			people = append(people, raterScores{r, by.Scores})
		}
	}
	all, strata := slices.Concat(judges, people), j.strata()
	for i, x := range all {
		for _, y := range all[i+1:] {
			p := pair(x, y, strata)
			a.Pairs = append(a.Pairs, p)
			a.few(p.N, fmt.Sprintf("%s and %s have %d ratings in common", x, y, p.N))
		}
	}
	for _, g := range []struct {
		name   string
		raters []raterScores
	}{{"judges", judges}, {"people", people}, {"all", all}} {
		if len(g.raters) < 2 || g.name == "all" && (len(judges) == 0 || len(people) == 0) {
			continue
		}
		a.Groups = append(a.Groups, group(g.name, g.raters))
	}
	for _, by := range j.Judges {
		if len(by.Swapped) == 0 {
			continue
		}
		b := bias(by)
		a.Bias = append(a.Bias, b)
		a.few(b.N, fmt.Sprintf("%s has rated %d in both orders", by.Name, b.N))
	}
	return a
}

func (a *Agreement) few(n int, said string) {
	if n < fewUnits {
		a.Caveats = append(a.Caveats, fmt.Sprintf("caveat: %s; with less than %d no figure of them is reliable", said, fewUnits))
	}
}

// pair compares two raters. What a person rated is a sample with more of what is
// rare than the run has, so its rows are weighted back to the strata that they
// stand for; ratings of two judges are all there are.
func pair(x, y raterScores, s strata) Pair {
	p := Pair{A: x.Rater, B: y.Rater}
	var both []results.Key
	for _, key := range slices.SortedFunc(maps.Keys(x.scores), results.Key.Compare) { // fractions add up alike in the same order
		if _, ok := y.scores[key]; ok {
			both = append(both, key)
		}
	}
	p.N, p.StandsFor = len(both), len(both)
	weight := func(results.Key) float64 { return 1 }
	if x.Human || y.Human {
		weight, p.StandsFor = s.weights(both)
	}
	tables := make(sums)
	var exact, followed, sum float64
	for _, key := range both {
		a, b, w := x.scores[key], y.scores[key], weight(key)
		sum += w
		if a == b {
			exact += w
		}
		if isFollowed(a) == isFollowed(b) {
			followed += w
		}
		tables.of(key, Categories*Categories)[(a-1)*Categories+b-1] += w
	}
	if p.N > 0 {
		p.Exact, p.Followed = new(exact/sum), new(followed/sum)
	}
	p.Kappa, p.KappaInterval = tables.estimate(func(sum []float64) (float64, bool) {
		return stats.WeightedKappaOf(square(sum))
	})
	return p
}

func group(name string, raters []raterScores) Group {
	g := Group{Raters: name, NRaters: len(raters)}
	units := make(map[results.Key][]float64)
	for _, r := range raters {
		for key, score := range r.scores {
			units[key] = append(units[key], float64(score))
		}
	}
	values := make([]float64, Categories)
	for i := range values {
		values[i] = float64(i + 1)
	}
	pairs := make(sums)
	for _, key := range slices.SortedFunc(maps.Keys(units), results.Key.Compare) { // fractions add up alike in the same order
		unit := units[key]
		if len(unit) < 2 {
			continue
		}
		g.N++
		sum := pairs.of(key, Categories*Categories)
		for i, row := range stats.Coincidences([][]float64{unit}, values) {
			for j, o := range row {
				sum[i*Categories+j] += o
			}
		}
	}
	g.Alpha, g.AlphaInterval = pairs.estimate(func(sum []float64) (float64, bool) {
		return stats.AlphaOf(values, square(sum), stats.Ordinal)
	})
	return g
}

func bias(by Judge) Bias {
	b := Bias{Judge: by.Name}
	differences := make(sums) // of ratings, and how many
	flips := 0
	for key, other := range by.Swapped {
		usual, both := by.Scores[key]
		if !both {
			continue
		}
		b.N++
		if isFollowed(usual) != isFollowed(other) {
			flips++
		}
		sum := differences.of(key, 2)
		sum[0] += float64(other - usual)
		sum[1]++
	}
	b.Flips = share(flips, b.N)
	b.Difference, b.DifferenceInterval = differences.estimate(func(sum []float64) (float64, bool) {
		return sum[0] / sum[1], sum[1] > 0
	})
	return b
}

func isFollowed(score int) bool { return score >= judge.FollowedFrom }

func share(n, of int) *float64 {
	if of == 0 {
		return nil
	}
	return new(float64(n) / float64(of))
}

// square is a table of counts from its cells, row by row.
func square(cells []float64) [][]float64 {
	return slices.Collect(slices.Chunk(cells, Categories))
}

// sums holds, by item, what an estimate is made of: numbers that add up over
// items.
type sums map[string][]float64

func (s sums) of(key results.Key, n int) []float64 {
	if s[key.ItemID] == nil {
		s[key.ItemID] = make([]float64, n)
	}
	return s[key.ItemID]
}

// estimate is a statistic over all items, and its interval; nil where it is
// undefined.
func (s sums) estimate(statistic func(sum []float64) (float64, bool)) (*float64, *Interval) {
	// Items in order, so that the same seed draws the same ones.
	items := make([][]float64, 0, len(s))
	for _, id := range slices.Sorted(maps.Keys(s)) {
		items = append(items, s[id])
	}
	if len(items) == 0 {
		return nil, nil
	}
	total := make([]float64, len(items[0]))
	for _, item := range items {
		for k, v := range item {
			total[k] += v
		}
	}
	v, ok := statistic(total)
	if !ok || math.IsNaN(v) {
		return nil, nil
	}
	return &v, resample(items, statistic)
}
