package export

import (
	"slices"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/results"
)

// A joiner gives generations their baselines and their judgments. It holds
// numbers alone: where in the run's tables the texts stand. The texts are read
// again when a row needs them, which is in the order of the tables, or nearly
// so: each cell of a variant goes through the same items as its baseline.
type joiner struct {
	panel  results.Panel
	tables results.Tables
	run    *results.Reader

	baselines []baseline
	ratings   []rating       // of all generations, in the order of the table
	based     results.Places // a baseline's place in baselines
	rated     results.Places // the place in ratings of a generation's last one

	answers *data.RowReader[answerText]
	said    []*data.RowReader[judgmentText] // by judge: what those say that no longer count stands elsewhere in the table
}

// A baseline is what is kept of a baseline's generation.
type baseline struct {
	row int
	results.Result
}

// A rating is what is kept of a judgment.
type rating struct {
	row      int
	previous int32 // of the same generation; -1: none
	judge    int32
	score    int32 // 0: none
	swapped  bool
	counts   bool
}

type answerText struct {
	Response *string `parquet:"response"`
	Answer   *string `parquet:"answer"`
	Status   string  `parquet:"status"`
}

type judgmentText struct {
	Explanation string `parquet:"explanation,optional"`
	Raw         string `parquet:"raw,optional"`
	Status      string `parquet:"status"`
	Error       string `parquet:"error,optional"`
}

// newJoiner goes through the tables of the run in dir once; data.ErrNoTable
// where it has no generations.
func newJoiner(dir string, p results.Panel) (*joiner, error) {
	tables, err := results.Open(dir)
	if err != nil {
		return nil, err
	}
	j := &joiner{panel: p, tables: tables, run: results.NewReader(tables, p)}
	if err := j.load(); err != nil {
		j.close()
		return nil, err
	}
	return j, nil
}

func (j *joiner) load() error {
	for g, err := range j.run.Generations(nil, nil) {
		if err != nil {
			return err
		}
		for row, cell := range g.Cell {
			if j.run.Cells[cell].IsBaseline() {
				j.based.Set(cell, g.Item[row], g.Repeat[row], int32(len(j.baselines)))
				j.baselines = append(j.baselines, baseline{g.Row + row, g.Result(row)})
			}
		}
	}
	j.answers = data.NewRowReader[answerText](j.tables.Generations)
	for some, err := range j.run.Judgments() {
		if err != nil {
			return err
		}
		for row, cell := range some.Cell {
			item, repeat := some.Item[row], some.Repeat[row]
			if cell < 0 || item < 0 {
				continue // of a generation that is not in the run's table
			}
			r := rating{row: some.Row + row, previous: -1, judge: some.Judge[row], swapped: some.Swapped(row), counts: some.Counts(row)}
			if score, known := some.Score(row); known {
				r.score = score
			}
			if previous, ok := j.rated.Find(cell, item, repeat); ok {
				r.previous = previous
			}
			j.rated.Set(cell, item, repeat, int32(len(j.ratings)))
			j.ratings = append(j.ratings, r)
		}
	}
	for range j.run.Judges {
		j.said = append(j.said, data.NewRowReader[judgmentText](j.tables.Judgments))
	}
	return nil
}

// join makes a generation's row.
func (j *joiner) join(g data.Generation) (Row, error) {
	row, setting := Row{Generation: g}, prompt.Setting(g.Setting)
	key := results.Key{Cell: results.CellOf(g.Variant, g.Method, g.Setting, g.Control), ItemID: g.ItemID, Repeat: g.Repeat}
	cell, item := j.run.Find(key)
	if cell < 0 { // of a table that was written meanwhile
		row.Outcome = results.Error
		return row, nil
	}
	var before results.Result
	if n, ok := j.based.Find(j.run.Baseline(cell), item, key.Baseline().Repeat); ok {
		b := j.baselines[n]
		text, err := j.answers.At(b.row)
		if err != nil {
			return row, err
		}
		row.BaselineResponse, row.BaselineAnswer, row.BaselineStatus = text.Response, text.Answer, text.Status
		before = b.Result
		if before.Responded {
			row.BaselineCorrect = new(before.Correct)
		}
	}
	verdict, err := j.rate(&row, cell, item)
	if err != nil {
		return row, err
	}
	pair := results.PairOf(before, results.ResultOf(g.Correct, g.Answer).With(verdict))
	row.Outcome, row.Unscored = pair.Outcome(setting, key.Control), pair.Unscored(setting, j.run.Judged)
	return row, nil
}

// rate gives a row its ratings, and the verdict of those that count.
func (j *joiner) rate(row *Row, cell, item int32) (results.Verdict, error) {
	i, ok := j.rated.Find(cell, item, row.Repeat)
	if !ok {
		return results.Verdict{}, nil
	}
	var scores []int
	for ; i >= 0; i = j.ratings[i].previous {
		r := j.ratings[i]
		text, err := j.said[r.judge].At(r.row)
		if err != nil {
			return results.Verdict{}, err
		}
		rating := Rating{
			JudgeModel: j.run.Judges[r.judge], Swapped: r.swapped, Counts: r.counts,
			Explanation: known(text.Explanation), Raw: known(text.Raw), Status: text.Status, Error: known(text.Error),
		}
		if r.score > 0 {
			rating.Score, rating.Followed = new(r.score), new((judge.Rating{Score: int(r.score)}).Followed())
		}
		row.Ratings = append(row.Ratings, rating)
		if r.counts && r.score > 0 {
			scores = append(scores, int(r.score))
		}
	}
	slices.Reverse(row.Ratings)
	v := j.panel.Verdict(scores)
	if v.Rated() {
		row.Score, row.Followed = new(float64(v.Sum)/float64(v.N)), new(v.Followed)
	}
	for _, r := range row.Ratings {
		if r.Counts && r.Score != nil && *r.Followed == v.Followed {
			row.Explanation = orEmpty(r.Explanation)
			break
		}
	}
	return v, nil
}

func (j *joiner) close() {
	if j.answers != nil {
		j.answers.Close()
	}
	for _, of := range j.said {
		of.Close()
	}
	j.tables.Close()
}

// known is a text, or nil where it is "".
func known(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
