// Package sofar counts what a run comes to while it goes on: how often each variant
// is right, breaks and answers invalidly, and how its judges rate. The figures of a
// run that has ended are those of its tables.
package sofar

import (
	"sync"
	"time"

	"perg/harness/extract"
	"perg/harness/prompt"
	"perg/harness/stats"
	"perg/harness/task"
)

// A Rate is a share of so many answers, with the 95 % interval that it lies in:
// Wilson's, in which answers to one question count by how far they agree. The zero
// Rate is of no answer.
type Rate struct {
	Value, Low, High float64 // fractions
	Of               int
}

// A Variant is what one comes to so far.
type Variant struct {
	Label    string
	Right    Rate // of baseline answers
	Breakage Rate // of answers with preferences to questions right in the baseline: those that are not right
	Invalid  Rate // of all answers that are read
}

// A Judge is how one rates so far.
type Judge struct {
	Name     string
	Scores   [5]int // ratings by their score, from 1
	Unscored int    // that could not be read
	Failed   int    // calls
}

// Rated is the number of ratings that could be read.
func (j Judge) Rated() (n int) {
	for _, of := range j.Scores {
		n += of
	}
	return n
}

// What an answer was found to be.
const (
	unknown uint8 = iota // not read yet, or not there
	right
	wrong
	invalid
)

// How an answer was rated, beside the scores from 1 to 5.
const (
	unscored uint8 = 6 + iota
	failed
)

// An asked is what stands at a place, in every variant (see task.Arrangement).
type asked struct {
	item     int32 // number of its question, from 0
	repeat   int32
	baseline bool
}

// A Count is of one run. It is used from many goroutines.
type Count struct {
	scored bool // a model reads what rules leave

	mu       sync.Mutex
	counted  time.Time // when last was
	last     []Variant
	items    map[string]int32
	asked    []asked // by place
	variants []*task.Variant
	answers  map[*task.Variant][]uint8 // by place
	judges   []*task.Variant
	ratings  map[*task.Variant]map[*task.Variant][]uint8 // by judge and variant, by place
}

// New begins to count what the models of a roster do.
func New(r task.Roster) *Count {
	return &Count{
		scored: r.Extractor != nil, items: make(map[string]int32), variants: r.Variants, judges: r.Judges,
		answers: make(map[*task.Variant][]uint8), ratings: make(map[*task.Variant]map[*task.Variant][]uint8),
	}
}

// Answered counts a response as rules read it; what a model will read is not
// counted yet.
func (c *Count) Answered(e task.Evaluated) {
	if e.Reply == nil || e.Control != prompt.NoControl {
		return
	}
	a, ok := extract.Rules(e.Response, e.Asked().Options)
	is := invalid
	switch {
	case ok && a.Option == e.Asked().Gold:
		is = right
	case ok:
		is = wrong
	case c.scored && a.Rule != extract.Conflict:
		is = unknown
	}
	c.put(e, is)
}

// Scored counts an answer that was read, by rules or by a model, and its ratings.
func (c *Count) Scored(e task.Evaluated) {
	if e.Control != prompt.NoControl {
		return
	}
	if e.Answer != nil {
		is := wrong
		switch {
		case e.Answer.Letter == "":
			is = invalid
		case e.Correct():
			is = right
		}
		c.put(e, is)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, j := range e.Judgments {
		if j.Swapped {
			continue
		}
		rated := failed
		switch {
		case j.Rating != nil:
			rated = uint8(j.Rating.Score)
		case j.Reply != nil:
			rated = unscored
		}
		if c.ratings[j.By] == nil {
			c.ratings[j.By] = make(map[*task.Variant][]uint8)
		}
		c.ratings[j.By][e.Variant] = set(c.ratings[j.By][e.Variant], e.Place, rated)
	}
}

func (c *Count) put(e task.Evaluated, is uint8) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := e.Item.QuestionID
	if name == "" {
		name = e.Item.ID
	}
	item, ok := c.items[name]
	if !ok {
		item = int32(len(c.items))
		c.items[name] = item
	}
	c.asked = set(c.asked, e.Place, asked{item, int32(e.Repeat), e.Setting == prompt.None && e.Method == prompt.ZeroShot})
	c.answers[e.Variant] = set(c.answers[e.Variant], e.Place, is)
}

// set puts a value at a place of a list, which grows to hold it.
func set[T any](all []T, at int, value T) []T {
	if missing := at + 1 - len(all); missing > 0 {
		all = append(all, make([]T, missing)...)
	}
	all[at] = value
	return all
}

// Variants are what each comes to, in the order of the run; those without an answer
// are left out. They are counted anew every two seconds at most: who watches may ask
// more often.
func (c *Count) Variants() []Variant {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.counted) >= 2*time.Second {
		c.last, c.counted = c.all(), time.Now()
	}
	return c.last
}

// Right is how many of a variant's baseline answers were right, of those that were read.
func (c *Count) Right(v *task.Variant) (correct, of int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for place, is := range c.answers[v] {
		if is != unknown && c.asked[place].baseline {
			of++
			if is == right {
				correct++
			}
		}
	}
	return correct, of
}

func (c *Count) all() (all []Variant) {
	for _, v := range c.variants {
		if answers := c.answers[v]; len(answers) > 0 {
			all = append(all, c.of(v.Label, answers))
		}
	}
	return all
}

func (c *Count) of(label string, answers []uint8) Variant {
	type baseline struct{ item, repeat int32 }
	plain := make(map[baseline]bool) // right
	for place, is := range answers {
		if a := c.asked[place]; a.baseline && is == right {
			plain[baseline{a.item, a.repeat}] = true
		}
	}
	n := len(c.items)
	rights, breaks, invalids := make(clusters, n), make(clusters, n), make(clusters, n)
	for place, is := range answers {
		if is == unknown {
			continue
		}
		a := c.asked[place]
		invalids.add(a.item, is == invalid)
		switch {
		case a.baseline:
			rights.add(a.item, is == right)
		case plain[baseline{a.item, a.repeat}]:
			breaks.add(a.item, is != right)
		}
	}
	return Variant{label, rights.rate(), breaks.rate(), invalids.rate()}
}

// Clusters are answers by question.
type clusters []stats.Cluster

func (c clusters) add(item int32, is bool) {
	c[item].Of++
	if is {
		c[item].Count++
	}
}

func (c clusters) rate() (r Rate) {
	count := 0
	for _, one := range c {
		count, r.Of = count+one.Count, r.Of+one.Of
	}
	if r.Of == 0 {
		return r
	}
	r.Value = float64(count) / float64(r.Of)
	low, high := stats.Score(r.Value, float64(r.Of)/stats.DesignEffect(c))
	r.Low, r.High = *low, *high
	return r
}

// Judges are how each rates, those that rated nothing left out.
func (c *Count) Judges() (all []Judge) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, j := range c.judges {
		is := Judge{Name: j.Label}
		for _, places := range c.ratings[j] {
			for _, r := range places {
				switch {
				case r == unscored:
					is.Unscored++
				case r == failed:
					is.Failed++
				case r > 0:
					is.Scores[r-1]++
				}
			}
		}
		if is.Rated()+is.Unscored+is.Failed > 0 {
			all = append(all, is)
		}
	}
	return all
}
