package ratings

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/results"
)

// NoLetter is what a person writes of a response that chooses no single option.
const NoLetter = "none"

// letterOf reads what a person wrote in the column letter.
func letterOf(cell string) (string, error) {
	letter := strings.ToUpper(strings.Trim(cell, "().: "))
	switch {
	case strings.EqualFold(letter, NoLetter):
		return NoLetter, nil
	case len(letter) == 1 && letter >= "A" && letter <= "Z":
		return letter, nil
	}
	return "", fmt.Errorf("the letter %q is neither one of an option nor %q", cell, NoLetter)
}

// Answered is what a run read of a response.
type Answered struct {
	Letter string // "" where nobody could read one
	From   string // the rule, or the model's mark, as in the column answer_from
}

// by says who read it, as far as a sample keeps readers apart.
func (r Answered) by() string {
	switch {
	case r.Letter == "":
		return "nobody"
	case strings.HasPrefix(r.From, "rule:"):
		return "rules"
	}
	return r.From
}

// ReadAnswers adds what was read of the generations that were judged, from the
// run in dir.
func (j *Judged) ReadAnswers(dir string) error {
	type generation struct {
		ItemID     string  `parquet:"item_id"`
		Setting    string  `parquet:"setting"`
		Method     string  `parquet:"method"`
		Variant    string  `parquet:"variant"`
		Repeat     int32   `parquet:"repeat"`
		Control    string  `parquet:"control,optional"`
		Answer     *string `parquet:"answer"`
		AnswerFrom *string `parquet:"answer_from"`
	}
	j.Answers = make(map[results.Key]Answered)
	for g, err := range data.ReadTable[generation](filepath.Join(dir, "generations")) {
		if err != nil {
			return err
		}
		key := results.Key{Cell: results.CellOf(g.Variant, g.Method, g.Setting, g.Control), ItemID: g.ItemID, Repeat: g.Repeat}
		if !j.Keys[key] {
			continue
		}
		var r Answered
		if g.Answer != nil {
			r.Letter = *g.Answer
		}
		if g.AnswerFrom != nil {
			r.From = *g.AnswerFrom
		}
		j.Answers[key] = r
	}
	return nil
}

// A Reading is how well the answers of a run were read, against a person who
// read some of them, weighted back to the run. Nil is undefined.
type Reading struct {
	Rater
	N         int      `json:"n"`
	StandsFor int      `json:"stands_for"`
	Same      *float64 `json:"same"`   // share read as the person does, or read by neither
	Read      *float64 `json:"read"`   // of those in which the person finds a letter: share in which the run does
	False     *float64 `json:"false"`  // of those in which the run finds a letter: share in which it is not the person's
	Unread    *float64 `json:"unread"` // share in which the person finds a letter and the run none
}

// reading compares what was read with a person's letters.
func (j Judged) reading(who Rater, letters map[results.Key]string) Reading {
	var keys []results.Key
	for _, key := range slices.SortedFunc(maps.Keys(letters), results.Key.Compare) {
		if _, ok := j.Answers[key]; ok {
			keys = append(keys, key)
		}
	}
	r := Reading{Rater: who, N: len(keys)}
	weight, standFor := j.strata().weights(keys)
	r.StandsFor = standFor
	var sum, same, found, foundBoth, read, wrong, missed float64
	for _, key := range keys {
		w, person, run := weight(key), letters[key], j.Answers[key].Letter
		sum += w
		if person == run || person == NoLetter && run == "" {
			same += w
		}
		if person != NoLetter {
			found += w
			if run != "" {
				foundBoth += w
			} else {
				missed += w
			}
		}
		if run != "" {
			read += w
			if run != person {
				wrong += w
			}
		}
	}
	r.Same, r.Read, r.False, r.Unread = ratio(same, sum), ratio(foundBoth, found), ratio(wrong, read), ratio(missed, sum)
	return r
}

func ratio(n, of float64) *float64 {
	if of == 0 {
		return nil
	}
	return new(n / of)
}
