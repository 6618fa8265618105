package export

import (
	"errors"
	"path/filepath"
	"slices"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/metrics"
	"perg/harness/prompt"
)

// A joiner gives generations their baselines and their judgments. It holds
// numbers alone: where in the run's tables the texts stand. The texts are read
// again when a row needs them, which is in the order of the tables, or nearly
// so: each cell of a variant goes through the same items as its baseline.
type joiner struct {
	scoring metrics.Options

	variants, cells, items names
	baselines              map[place]baseline
	ratings                []rating        // of all generations, in the order of the table
	last                   map[place]int32 // a generation's last rating in ratings
	judges                 []*judgeRows
	judged                 bool // a judge whose ratings count was at work

	tables  []*data.Table
	answers *data.RowReader[answerText]
}

// place names a generation; of is the number of a cell, or of a variant where
// its baseline is meant.
type place struct{ of, item, repeat int32 }

// names number texts in order of appearance.
type names map[string]int32

func (n names) number(name string) int32 {
	i, ok := n[name]
	if !ok {
		i = int32(len(n))
		n[name] = i
	}
	return i
}

// baseline is what is kept of a baseline's generation.
type baseline struct {
	row       int
	responded bool
	answered  bool
	correct   bool
}

// rating is what is kept of a judgment.
type rating struct {
	row      int
	previous int32 // of the same generation; -1: none
	judge    int32
	score    int32 // 0: none
	swapped  bool
	counts   bool
}

// judgeRows are the texts of one judge. Judges have readers of their own
// because those that no longer count stand elsewhere in the table.
type judgeRows struct {
	name string
	rows *data.RowReader[judgmentText]
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

// generationKey and judgmentKey are the columns that the joiner is made from.
type generationKey struct {
	ItemID  string  `parquet:"item_id"`
	Setting string  `parquet:"setting"`
	Method  string  `parquet:"method"`
	Variant string  `parquet:"variant"`
	Repeat  int32   `parquet:"repeat"`
	Answer  *string `parquet:"answer"`
	Correct *bool   `parquet:"correct"`
}

type judgmentKey struct {
	ItemID     string `parquet:"item_id"`
	Setting    string `parquet:"setting"`
	Method     string `parquet:"method"`
	Variant    string `parquet:"variant"`
	Repeat     int32  `parquet:"repeat"`
	JudgeModel string `parquet:"judge_model"`
	Swapped    bool   `parquet:"swapped"`
	Score      *int32 `parquet:"score"`
}

// newJoiner goes through the tables of the run in dir once; data.ErrNoTable
// where it has no generations.
func newJoiner(dir string, scoring metrics.Options) (*joiner, error) {
	j := &joiner{
		scoring: scoring, variants: names{}, cells: names{}, items: names{},
		baselines: make(map[place]baseline), last: make(map[place]int32),
	}
	if err := j.load(dir); err != nil {
		j.close()
		return nil, err
	}
	return j, nil
}

func (j *joiner) load(dir string) error {
	generations, judgments := filepath.Join(dir, "generations"), filepath.Join(dir, "judgments")
	row := 0
	for g, err := range data.ReadTable[generationKey](generations) {
		if err != nil {
			return err
		}
		if g.Setting == string(prompt.None) && g.Method == string(prompt.ZeroShot) {
			at := place{j.variants.number(g.Variant), j.items.number(g.ItemID), g.Repeat}
			j.baselines[at] = baseline{row, g.Correct != nil, g.Answer != nil, g.Correct != nil && *g.Correct}
		}
		row++
	}
	table, err := j.open(generations)
	if err != nil {
		return err
	}
	j.answers = data.NewRowReader[answerText](table)
	row = 0
	for r, err := range data.ReadTable[judgmentKey](judgments) {
		if errors.Is(err, data.ErrNoTable) {
			break
		}
		if err != nil {
			return err
		}
		j.addRating(row, r)
		row++
	}
	if len(j.judges) == 0 {
		return nil
	}
	if table, err = j.open(judgments); err != nil {
		return err
	}
	for _, of := range j.judges {
		of.rows = data.NewRowReader[judgmentText](table)
	}
	return nil
}

func (j *joiner) open(dir string) (*data.Table, error) {
	t, err := data.OpenTable(dir)
	if err == nil {
		j.tables = append(j.tables, t)
	}
	return t, err
}

func (j *joiner) addRating(row int, r judgmentKey) {
	by := slices.IndexFunc(j.judges, func(of *judgeRows) bool { return of.name == r.JudgeModel })
	if by < 0 {
		by = len(j.judges)
		j.judges = append(j.judges, &judgeRows{name: r.JudgeModel})
	}
	counts := !r.Swapped && (len(j.scoring.Judges) == 0 || slices.Contains(j.scoring.Judges, r.JudgeModel))
	j.judged = j.judged || counts
	kept := rating{row: row, previous: -1, judge: int32(by), swapped: r.Swapped, counts: counts}
	if r.Score != nil {
		kept.score = *r.Score
	}
	at := place{j.cells.number(cell(r.Variant, r.Method, r.Setting)), j.items.number(r.ItemID), r.Repeat}
	if previous, ok := j.last[at]; ok {
		kept.previous = previous
	}
	j.last[at] = int32(len(j.ratings))
	j.ratings = append(j.ratings, kept)
}

// cell is a name of a cell; variants have no NUL in theirs.
func cell(variant, method, setting string) string {
	return variant + "\x00" + method + "\x00" + setting
}

// join makes a generation's row.
func (j *joiner) join(g data.Generation) (Row, error) {
	row := Row{Generation: g}
	item, known := j.items[g.ItemID]
	if !known { // neither a baseline nor a judgment
		row.Outcome = Failed
		return row, nil
	}
	var before metrics.Outcome
	if v, ok := j.variants[g.Variant]; ok {
		if b, ok := j.baselines[place{v, item, g.Repeat}]; ok {
			text, err := j.answers.At(b.row)
			if err != nil {
				return row, err
			}
			row.BaselineResponse, row.BaselineAnswer, row.BaselineStatus = text.Response, text.Answer, text.Status
			before = metrics.Outcome{Responded: b.responded, Answered: b.answered, Correct: b.correct}
			if b.responded {
				row.BaselineCorrect = new(b.correct)
			}
		}
	}
	if c, ok := j.cells[cell(g.Variant, g.Method, g.Setting)]; ok {
		if err := j.rate(&row, place{c, item, g.Repeat}); err != nil {
			return row, err
		}
	}
	pair := metrics.PairOf(before, metrics.Outcome{
		Responded: g.Correct != nil, Answered: g.Answer != nil, Correct: g.Correct != nil && *g.Correct,
		Rated: row.Followed != nil, Followed: row.Followed != nil && *row.Followed,
	})
	row.Outcome = outcomeOf(pair, j.judged && prompt.Setting(g.Setting).Judged())
	return row, nil
}

// rate gives a row its ratings, and the verdict of those that count.
func (j *joiner) rate(row *Row, at place) error {
	i, ok := j.last[at]
	if !ok {
		return nil
	}
	var scores []int
	sum := 0
	for ; i >= 0; i = j.ratings[i].previous {
		r := j.ratings[i]
		of := j.judges[r.judge]
		text, err := of.rows.At(r.row)
		if err != nil {
			return err
		}
		rating := Rating{
			JudgeModel: of.name, Swapped: r.swapped, Counts: r.counts,
			Explanation: text.Explanation, Raw: text.Raw, Status: text.Status, Error: text.Error,
		}
		if r.score > 0 {
			rating.Score, rating.Followed = new(r.score), new((judge.Rating{Score: int(r.score)}).Followed())
		}
		row.Ratings = append(row.Ratings, rating)
		if r.counts && r.score > 0 {
			scores = append(scores, int(r.score))
			sum += int(r.score)
		}
	}
	slices.Reverse(row.Ratings)
	if len(scores) > 0 {
		row.Score = new(float64(sum) / float64(len(scores)))
		row.Followed = new(judge.Followed(j.scoring.Rule, scores))
	}
	for _, r := range row.Ratings {
		if r.Counts && r.Score != nil && *r.Followed == *row.Followed {
			row.Explanation = r.Explanation
			break
		}
	}
	return nil
}

func (j *joiner) close() {
	if j.answers != nil {
		j.answers.Close()
	}
	for _, of := range j.judges {
		if of.rows != nil {
			of.rows.Close()
		}
	}
	for _, t := range j.tables {
		t.Close()
	}
}
