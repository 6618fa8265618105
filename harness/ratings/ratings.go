// Package ratings compares those who rate how far responses follow a
// preference: judge models with each other and with people. It draws the sample
// that a person rates, holds the form of its file, and works out agreement. It
// rates nothing itself; what a judge model is asked is package judge's.
package ratings

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/results"
)

// Categories is the number of ratings there are: 1 (not at all) to 5 (fully).
const Categories = 5

// A Judge is a judge model and its ratings of the generations of a run.
type Judge struct {
	Name     string              // the model's, with its digest where the run has several of the name
	Scores   map[results.Key]int // 1 to 5, of those rated with the plain response first, the usual order
	Swapped  map[results.Key]int // of those rated the other way round
	Unscored int                 // answers, in the usual order, of which no rating can be read
	Failed   int                 // calls, in the usual order, that came to nothing
}

// Judged is what the judges of a run rated.
type Judged struct {
	Judges  []Judge                  // by name
	Keys    map[results.Key]bool     // generations that a judge was asked about, whatever came of it
	Answers map[results.Key]Answered // what was read of them, where ReadAnswers was asked
}

// judgment is what is read of data.Judgment.
type judgment struct {
	ItemID      string `parquet:"item_id"`
	Setting     string `parquet:"setting"`
	Method      string `parquet:"method"`
	Variant     string `parquet:"variant"`
	Repeat      int32  `parquet:"repeat"`
	JudgeModel  string `parquet:"judge_model"`
	JudgeDigest string `parquet:"judge_digest,optional"`
	Swapped     bool   `parquet:"swapped"`
	Score       *int32 `parquet:"score"`
	Status      string `parquet:"status"`
}

// ReadJudged reads the table judgments of the run in dir. Where there is none,
// or it has no rows, the error is data.ErrNoTable. A rating outside 1 to 5 and
// two ratings of one generation by one judge are errors.
func ReadJudged(dir string) (Judged, error) {
	type model struct{ name, digest string }
	judges := make(map[model]*Judge)
	all := Judged{Keys: make(map[results.Key]bool)}
	type place struct {
		model
		results.Key
		swapped bool
	}
	seen := make(map[place]bool)
	table := filepath.Join(dir, "judgments")
	for j, err := range data.ReadTable[judgment](table) {
		if err != nil {
			return Judged{}, err
		}
		m := model{j.JudgeModel, j.JudgeDigest}
		key := results.Key{Cell: results.CellOf(j.Variant, j.Method, j.Setting, ""), ItemID: j.ItemID, Repeat: j.Repeat}
		at := place{m, key, j.Swapped}
		if seen[at] {
			return Judged{}, fmt.Errorf("%s: two ratings by %s of %s", table, j.JudgeModel, key)
		}
		seen[at] = true
		to := judges[m]
		if to == nil {
			to = &Judge{Name: m.name, Scores: make(map[results.Key]int), Swapped: make(map[results.Key]int)}
			judges[m] = to
		}
		all.Keys[key] = true
		switch {
		case j.Score != nil && (*j.Score < 1 || *j.Score > Categories):
			return Judged{}, fmt.Errorf("%s: %s rates %s with %d, which is not from 1 to %d", table, j.JudgeModel, key, *j.Score, Categories)
		case j.Score != nil && j.Swapped:
			to.Swapped[key] = int(*j.Score)
		case j.Score != nil:
			to.Scores[key] = int(*j.Score)
		case j.Swapped:
		case j.Status == data.StatusError:
			to.Failed++
		default:
			to.Unscored++
		}
	}
	if len(judges) == 0 {
		return Judged{}, fmt.Errorf("%w: %s has no rows", data.ErrNoTable, table)
	}
	named := make(map[string]int)
	for m := range judges {
		named[m.name]++
	}
	for m, j := range judges {
		if named[m.name] > 1 {
			j.Name = fmt.Sprintf("%s (%.12s)", m.name, m.digest)
		}
		all.Judges = append(all.Judges, *j)
	}
	slices.SortFunc(all.Judges, func(a, b Judge) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
