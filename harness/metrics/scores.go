package metrics

import (
	"path/filepath"

	"perg/data"
	"perg/harness/judge"
)

// LoadScores counts by judge the ratings of a run's table judgments that count in
// metrics. The error is data.ErrNoTable where the run has no judgments.
func LoadScores(dir string) (map[string]judge.Scores, error) {
	table, err := data.OpenTable(filepath.Join(dir, "judgments"))
	if err != nil {
		return nil, err
	}
	defer table.Close()
	all := make(map[string]judge.Scores)
	for c, err := range table.Columns([]string{"judge_model"}, []string{"score", "swapped"}) {
		if err != nil {
			return nil, err
		}
		score, swapped := c.Numbers["score"], c.Numbers["swapped"]
		for row := range c.Rows {
			if v := score.Values[row]; score.Known[row] && swapped.Values[row] == 0 && v >= 1 && v <= 5 {
				name := c.Texts["judge_model"].At(row)
				s := all[name]
				s[v-1]++
				all[name] = s
			}
		}
	}
	return all, nil
}
