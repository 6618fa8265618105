package compare

import (
	"perg/harness/results"
)

// Letters are the baseline answers of one variant that two runs both read.
type Letters struct {
	Variant string
	Both    int // answered in both, over all repeats
	Differ  int // of those, with another letter
}

// BaselineLetters compares the baseline answers of some variants in the runs of
// two directories, item by item: what the server alone changes, where the
// weights are the same.
func BaselineLetters(dirA, dirB string, variants []string) ([]Letters, error) {
	there := make(map[results.Key]string)
	if err := eachBaseline(dirA, func(k results.Key, letter string) { there[k] = letter }); err != nil {
		return nil, err
	}
	all := make([]Letters, len(variants))
	of := make(map[string]*Letters)
	for i, v := range variants {
		all[i].Variant = v
		of[v] = &all[i]
	}
	err := eachBaseline(dirB, func(k results.Key, letter string) {
		l, other := of[k.Variant], there[k]
		if l == nil || other == "" {
			return
		}
		l.Both++
		if other != letter {
			l.Differ++
		}
	})
	return all, err
}

// eachBaseline goes through the baselines of a run from which an option was read.
func eachBaseline(dir string, do func(results.Key, string)) error {
	tables, err := results.Open(dir)
	if err != nil {
		return err
	}
	defer tables.Close()
	r := results.NewReader(tables, results.Panel{})
	for g, err := range r.Generations(nil, nil) {
		if err != nil {
			return err
		}
		answers := g.Texts["answer"]
		for i := range g.Rows {
			if cell := r.Cells[g.Cell[i]]; cell.IsBaseline() && answers.Codes[i] >= 0 {
				do(results.Key{Cell: cell, ItemID: r.Items[g.Item[i]].ID, Repeat: g.Repeat[i]}, answers.At(i))
			}
		}
	}
	return nil
}
