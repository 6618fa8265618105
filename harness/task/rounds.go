package task

import (
	"cmp"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"perg/data"
	"perg/harness/prompt"
)

const (
	// roundItems is the least number of items in a round: fewer say little of a
	// cell, and slots change from one cell to the next more often.
	roundItems = 16
	// sharedBy is the least number of prompts, on average, that begin with the
	// same worked examples in a round: these are some nine tenths of a prompt,
	// so that eight on one beginning are read in a fifth of the time or less.
	sharedBy = 8
)

// rounds divides the items: where each round begins, and where the last ends.
func (t *Task) rounds(cells []Cell) []int {
	size := roundItems
	for _, c := range cells {
		if !c.Method.ShowsExamples() {
			continue
		}
		of, beginnings := t.beginnings(c), make(map[beginning]bool)
		for _, it := range t.Dataset.Items {
			beginnings[of(it)] = true
		}
		size = max(size, sharedBy*len(beginnings))
	}
	n := t.Asking()
	count := max(n/size, 1)
	starts := make([]int, count+1)
	for r := range starts {
		starts[r] = r * n / count
	}
	return starts
}

// The random choices of a task that its seed leads to.
const (
	drawIrrelevant = iota // see DrawIrrelevant
	drawItems
	drawAgain
	drawRotated
)

// draw puts the items in a random order of which every beginning has its share
// of each source's items and of each preference's, to within one.
func (t *Task) draw() []int {
	random := rand.New(rand.NewPCG(uint64(t.Seed), drawItems))
	type stratum struct{ source, preference string }
	var strata []stratum // in order of appearance, so that the draw is the same each time
	members := make(map[stratum][]int)
	for i, it := range t.Dataset.Items {
		s := stratum{it.Source, it.Preference}
		if members[s] == nil {
			strata = append(strata, s)
		}
		members[s] = append(members[s], i)
	}
	type drawn struct {
		item int
		at   float64
	}
	all := make([]drawn, 0, len(t.Dataset.Items))
	for _, s := range strata {
		items := members[s]
		random.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		offset := random.Float64()
		for i, item := range items {
			all = append(all, drawn{item, (float64(i) + offset) / float64(len(items))})
		}
	}
	slices.SortStableFunc(all, func(a, b drawn) int { return cmp.Compare(a.at, b.at) })
	items := make([]int, len(all))
	for i, d := range all {
		items[i] = d.item
	}
	return items
}

// mixed is each round in another order, so that a control has other neighbours
// in a batch than the baseline.
func (t *Task) mixed(drawn, rounds []int, c prompt.Control) []int {
	stream := uint64(drawAgain)
	if c == prompt.Rotated {
		stream = drawRotated
	}
	random := rand.New(rand.NewPCG(uint64(t.Seed), stream))
	items := slices.Clone(drawn)
	for r, from := range rounds[:len(rounds)-1] {
		round := items[from:rounds[r+1]]
		random.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
	}
	return items
}

// rotated is an item with its options in another order: moved round by one or
// more, by how much differs from item to item and from one time to the next.
func rotated(it data.Item, time int) data.Item {
	n := len(it.Options)
	if n < 2 {
		return it
	}
	h := fnv.New32a()
	h.Write([]byte(it.ID))
	by := 1 + (int(h.Sum32()%uint32(n-1))+time)%(n-1)
	options := make([]string, n)
	for i, o := range it.Options {
		options[(i+by)%n] = o
	}
	it.Options, it.Gold = options, (it.Gold+by)%n
	return it
}
