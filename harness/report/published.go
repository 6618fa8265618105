package report

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"perg/harness/metrics"
	"perg/harness/prompt"
)

//go:embed published.csv
var publishedCSV []byte

// publishedItems is the number of items behind the published figures, by
// source (paper, section 3).
var publishedItems = map[string]int{"truthfulqa": 817, "commonsenseqa": 1221, "mmlu": 5170, metrics.All: 7208}

// A publishedCell names the published figures of one model.
type publishedCell struct {
	Setting, Method, Model, Source string
}

// publishedValues are fractions from 0 to 1, in the order of comparedMetrics;
// nil: undefined.
type publishedValues [len(comparedMetrics)]*float64

// publishedFigures gives the figures of the paper that come with perg.
var publishedFigures = sync.OnceValue(func() map[publishedCell]publishedValues {
	figures, err := parsePublished(publishedCSV)
	if err != nil {
		panic("published.csv: " + err.Error()) // ours; a test reads it
	}
	return figures
})

// parsePublished reads a CSV of published figures with a header; lines that
// begin with # are comments. An error names the line.
func parsePublished(text []byte) (map[publishedCell]publishedValues, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment = '#'
	header := []string{"setting", "method", "model", "source"}
	for _, m := range comparedMetrics {
		header = append(header, m.name+"_pct")
	}
	got, err := r.Read()
	if err != nil {
		return nil, err
	}
	if !slices.Equal(got, header) {
		return nil, fmt.Errorf("the columns are %s; want %s", strings.Join(got, ","), strings.Join(header, ","))
	}
	records, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	all := make(map[publishedCell]publishedValues, len(records))
	for i, record := range records {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("record %d: %s", i+1, fmt.Sprintf(format, args...))
		}
		c := publishedCell{record[0], record[1], record[2], record[3]}
		if _, err := prompt.ParseSetting(c.Setting); err != nil {
			return nil, fail("%v", err)
		}
		if publishedItems[c.Source] == 0 {
			return nil, fail("unknown source %q", c.Source)
		}
		if _, twice := all[c]; twice {
			return nil, fail("%v is there twice", c)
		}
		var f publishedValues
		for j, field := range record[len(header)-len(f):] {
			if field == "" {
				continue
			}
			v, err := strconv.ParseFloat(field+"e-2", 64) // 18.1 / 100 is not 0.181
			if err != nil || !(v >= 0 && v <= 1) {
				return nil, fail("%q is no percentage", field)
			}
			f[j] = &v
		}
		all[c] = f
	}
	return all, nil
}

// A Cause is why a value of the paper cannot be compared with ours; "" where
// nothing is known that is against it.
type Cause string

// The causes.
const (
	// OtherShuffle: the items of Q* were chosen by letters of one order of options
	// and a right letter of another, so nearly by chance. All metrics are over Q*,
	// or count such letters.
	OtherShuffle Cause = "q* of another shuffle"
	// RepeatsRelevant: the aligner was given the item's own preference alone in
	// every setting, so that the row is that of relevant once more.
	RepeatsRelevant Cause = "repeats relevant"
	// RatingsMissing: of our cell some ratings are missing. Those that nobody can
	// read are left out here, and count as not followed in the paper.
	RatingsMissing Cause = "unreadable ratings"
)

// shuffled is the Performance Variation on TruthfulQA from which it is one of
// letters of two shuffles: see published.csv.
const shuffled = 0.7

// fault is what makes a published cell, all its metrics, no value to compare a
// run with that asked with a set of prompts; "" where nothing is known.
func (c publishedCell) fault(prompts string) Cause {
	if c.Source == "truthfulqa" || c.Source == metrics.All {
		part := c
		part.Source = "truthfulqa"
		if f, ok := publishedFigures()[part]; ok && *f[len(f)-1] >= shuffled {
			return OtherShuffle
		}
	}
	if c.Method == string(prompt.PrefAligner) && c.Setting != string(prompt.Relevant) && prompts != prompt.Paper {
		return RepeatsRelevant
	}
	return ""
}
