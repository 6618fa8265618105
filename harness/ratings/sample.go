package ratings

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"perg/data"
	"perg/harness/results"
)

// A verdict is what the judges of a generation say together.
type verdict int

const (
	notFollowed verdict = iota
	followed
	divided // some say so, some not
)

// verdicts gives the verdict on each generation that a judge rated readably,
// in the usual order.
func (j Judged) verdicts() map[results.Key]verdict {
	all := make(map[results.Key]verdict)
	for _, by := range j.Judges {
		for key, score := range by.Scores {
			v := notFollowed
			if isFollowed(score) {
				v = followed
			}
			if was, known := all[key]; known && was != v {
				v = divided
			}
			all[key] = v
		}
	}
	return all
}

// Draw chooses n of the generations that a judge rated readably, in random
// order: from each variant, method, setting and verdict in proportion, with at
// least one of each where n allows, so that what is rare can be compared too.
// It gives all where there are no more than n, and of how many it chose. The
// same seed chooses the same, in the same order.
func (j Judged) Draw(n int, seed uint64) (drawn []results.Key, of int) {
	type stratum struct {
		results.Cell
		verdict verdict
	}
	verdicts := j.verdicts()
	strata := make(map[stratum][]results.Key)
	var order []stratum
	for _, key := range slices.SortedFunc(maps.Keys(verdicts), results.Key.Compare) {
		s := stratum{key.Cell, verdicts[key]}
		if strata[s] == nil {
			order = append(order, s)
		}
		strata[s] = append(strata[s], key)
	}
	r := rand.New(rand.NewPCG(seed, 0))
	sizes := make([]int, len(order))
	for i, s := range order {
		sizes[i] = len(strata[s])
	}
	for i, seats := range apportion(min(n, len(verdicts)), sizes) {
		keys := strata[order[i]]
		r.Shuffle(len(keys), func(a, b int) { keys[a], keys[b] = keys[b], keys[a] })
		drawn = append(drawn, keys[:seats]...)
	}
	// The order must not tell a rater which rows belong together.
	r.Shuffle(len(drawn), func(a, b int) { drawn[a], drawn[b] = drawn[b], drawn[a] })
	return drawn, len(verdicts)
}

// apportion divides n seats over groups by the method of Huntington and Hill:
// the next seat goes to the group with the largest size / sqrt(seats (seats + 1)),
// so that every group has one before any has two, the larger ones first. n is
// at most the sum of the sizes.
func apportion(n int, sizes []int) []int {
	seats := make([]int, len(sizes))
	before := func(a, b int) bool {
		left, right := sizes[a]*sizes[a]*seats[b]*(seats[b]+1), sizes[b]*sizes[b]*seats[a]*(seats[a]+1)
		return left > right || left == right && sizes[a] > sizes[b]
	}
	for range n {
		next := -1
		for g, size := range sizes {
			if seats[g] < size && (next < 0 || before(g, next)) {
				next = g
			}
		}
		seats[next]++
	}
	return seats
}

// A Row is a generation as a person sees it who rates it: nothing in it tells
// what a judge said.
type Row struct {
	results.Key
	Preference    string
	Question      string // the user prompt of the plain response, or the question and its options where that is not known
	PlainResponse string // without a preference
	Response      string // the one to rate
}

// generation is what is read of data.Generation.
type generation struct {
	ItemID     string   `parquet:"item_id"`
	Preference string   `parquet:"preference"`
	Setting    string   `parquet:"setting"`
	Method     string   `parquet:"method"`
	Variant    string   `parquet:"variant"`
	Repeat     int32    `parquet:"repeat"`
	UserPrompt string   `parquet:"user_prompt"`
	Question   string   `parquet:"question"`
	Options    []string `parquet:"options,list"`
	Response   *string  `parquet:"response"`
}

// ReadRows reads the texts of generations from the run in dir, in the order of
// keys. A generation or a plain response that is not there is an error.
func ReadRows(dir string, keys []results.Key) ([]Row, error) {
	wanted := make(map[results.Key]int, len(keys))
	plain := make(map[results.Key][]int)
	for i, k := range keys {
		wanted[k] = i
		plain[k.Baseline()] = append(plain[k.Baseline()], i)
	}
	rows := make([]Row, len(keys))
	found := make([]struct{ response, plain bool }, len(keys))
	for g, err := range data.ReadTable[generation](filepath.Join(dir, "generations")) {
		if err != nil {
			return nil, err
		}
		if g.Response == nil {
			continue
		}
		key := results.Key{Cell: results.CellOf(g.Variant, g.Method, g.Setting), ItemID: g.ItemID, Repeat: g.Repeat}
		if i, ok := wanted[key]; ok {
			rows[i].Key, rows[i].Preference, rows[i].Response = key, g.Preference, *g.Response
			found[i].response = true
		}
		for _, i := range plain[key] {
			rows[i].Question, rows[i].PlainResponse = cmp.Or(g.UserPrompt, data.Asked(g.Question, g.Options)), *g.Response
			found[i].plain = true
		}
	}
	for i, f := range found {
		switch {
		case !f.response:
			return nil, fmt.Errorf("%s: a generation that was judged has no response in the table generations: %s", dir, keys[i])
		case !f.plain:
			return nil, fmt.Errorf("%s: no response without a preference to compare with: %s", dir, keys[i])
		}
	}
	return rows, nil
}
