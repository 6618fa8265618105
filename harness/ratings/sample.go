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
	s := j.strata()
	return s.draw(n, seed), len(s.of)
}

// A stratum is what a sample has its share of: a cell, and what sets answers in
// it apart.
type stratum struct {
	results.Cell
	what string
}

// strata are those of a run, and the stratum of each generation.
type strata struct {
	of map[results.Key]stratum
}

func (j Judged) strata() strata {
	s := strata{make(map[results.Key]stratum)}
	for key, v := range j.verdicts() {
		s.of[key] = stratum{key.Cell, fmt.Sprint(v, j.Answers[key].by())}
	}
	return s
}

// draw chooses n of the generations in random order, from each stratum in
// proportion, with at least one of each where n allows.
func (s strata) draw(n int, seed uint64) (drawn []results.Key) {
	keys := make(map[stratum][]results.Key)
	var order []stratum
	for _, key := range slices.SortedFunc(maps.Keys(s.of), results.Key.Compare) {
		of := s.of[key]
		if keys[of] == nil {
			order = append(order, of)
		}
		keys[of] = append(keys[of], key)
	}
	r := rand.New(rand.NewPCG(seed, 0))
	sizes := make([]int, len(order))
	for i, of := range order {
		sizes[i] = len(keys[of])
	}
	for i, seats := range apportion(min(n, len(s.of)), sizes) {
		from := keys[order[i]]
		r.Shuffle(len(from), func(a, b int) { from[a], from[b] = from[b], from[a] })
		drawn = append(drawn, from[:seats]...)
	}
	// The order must not tell a rater which rows belong together.
	r.Shuffle(len(drawn), func(a, b int) { drawn[a], drawn[b] = drawn[b], drawn[a] })
	return drawn
}

// weights weigh the rows of a sample by how many generations of the run each
// stands for, which is the size of its stratum by the number of rows from it; in
// all they stand for that many. A generation without a stratum stands for
// itself.
func (s strata) weights(rows []results.Key) (weight func(results.Key) float64, standFor int) {
	size, drawn := make(map[stratum]int), make(map[stratum]int)
	for _, of := range s.of {
		size[of]++
	}
	for _, key := range rows {
		of, ok := s.of[key]
		switch {
		case !ok:
			standFor++
		case drawn[of] == 0:
			standFor += size[of]
		}
		drawn[of]++
	}
	return func(key results.Key) float64 {
		of, ok := s.of[key]
		if !ok {
			return 1
		}
		return float64(size[of]) / float64(drawn[of])
	}, standFor
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
	Control    string   `parquet:"control,optional"`
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
		key := results.Key{Cell: results.CellOf(g.Variant, g.Method, g.Setting, g.Control), ItemID: g.ItemID, Repeat: g.Repeat}
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
