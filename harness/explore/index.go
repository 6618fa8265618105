package explore

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync/atomic"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/results"
)

// An Item is a question as lists show it.
type Item struct {
	results.Item
	Question string
}

// An index holds of each generation what filters and lists need: some 30 bytes.
// Texts stay in the tables, but for those of items: a run has many generations
// of each. Rows are numbers of rows of the table generations.
type index struct {
	cells []results.Cell
	items []Item
	base  []int32 // by cell: that of its baselines; -1: the run has none
	// by row
	cell    []int32
	item    []int32
	repeat  []int32
	marks   []marks
	answers labels
	readers labels  // what the answers were read by; "" is nothing
	score   []uint8 // ten times the mean of the judges' scores; 0 is none
	places  results.Places
	// judgments, by the row of their generation
	judgments []judgmentAt
	judged    bool    // the table judgments has rows
	repeats   bool    // a generation is the second of its kind, or a later one
	alike     []marks // all that rows have, each once
}

type judgmentAt struct{ row, judgment int32 } // row numbers of the two tables

// labels are texts of rows that come many times, as numbers; the unknown one is "".
type labels struct {
	texts []string
	codes map[string]int32
	rows  []int32
}

// add gives the labels of some more rows.
func (l *labels) add(t data.Texts) {
	codes := make([]int32, 1+len(t.Values))
	if slices.Contains(t.Codes, -1) {
		codes[0] = l.code("")
	}
	for i, text := range t.Values {
		codes[1+i] = l.code(text)
	}
	for _, code := range t.Codes {
		l.rows = append(l.rows, codes[1+code])
	}
}

func (l *labels) code(text string) int32 {
	n, ok := l.codes[text]
	if !ok {
		if l.codes == nil {
			l.codes = make(map[string]int32)
		}
		n = int32(len(l.texts))
		l.codes[text] = n
		l.texts = append(l.texts, text)
	}
	return n
}

// build reads the columns that the index needs.
func build(ctx context.Context, t results.Tables, p results.Panel, done *atomic.Int64) (*index, error) {
	if t.Generations.Rows() > math.MaxInt32 {
		return nil, fmt.Errorf("%d generations are more than an index of them can number", t.Generations.Rows())
	}
	x, run := new(index), results.NewReader(t, p)
	came, err := x.readGenerations(ctx, run, t.Generations.Rows(), done)
	if err != nil {
		return nil, err
	}
	if err := x.readQuestions(ctx, t.Generations); err != nil {
		return nil, err
	}
	scores, err := x.readJudgments(ctx, run, done)
	if err != nil {
		return nil, err
	}
	x.judge(p, run.Judged, came, scores)
	return x, nil
}

// readGenerations numbers what there is, and gives what came of each row by
// itself.
func (x *index) readGenerations(ctx context.Context, run *results.Reader, rows int, done *atomic.Int64) ([]results.Result, error) {
	x.cell, x.item, x.repeat = make([]int32, 0, rows), make([]int32, 0, rows), make([]int32, 0, rows)
	x.answers.rows, x.readers.rows = make([]int32, 0, rows), make([]int32, 0, rows)
	came := make([]results.Result, 0, rows)
	for g, err := range run.Generations([]string{"answer_from"}, nil) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		x.cell, x.item, x.repeat = append(x.cell, g.Cell...), append(x.item, g.Item...), append(x.repeat, g.Repeat...)
		x.answers.add(g.Texts["answer"])
		x.readers.add(g.Texts["answer_from"])
		for row := range g.Rows {
			x.places.Set(g.Cell[row], g.Item[row], g.Repeat[row], int32(g.Row+row))
			x.repeats = x.repeats || g.Repeat[row] > 0 && run.Cells[g.Cell[row]].Control == prompt.NoControl
			came = append(came, g.Result(row))
		}
		done.Add(int64(g.Rows))
	}
	x.cells = run.Cells
	for cell := range x.cells {
		x.base = append(x.base, run.Baseline(int32(cell)))
	}
	x.items = make([]Item, len(run.Items))
	for i, it := range run.Items {
		x.items[i].Item = it
	}
	return came, nil
}

// readQuestions reads the questions of items, from the first rows that have all
// of them.
func (x *index) readQuestions(ctx context.Context, t *data.Table) error {
	known := make([]bool, len(x.items))
	missing := len(known)
	for c, err := range t.Columns([]string{"question"}, nil) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		texts := c.Texts["question"]
		for i, code := range texts.Codes {
			item := x.item[c.Row+i]
			if known[item] || code < 0 {
				continue
			}
			known[item] = true
			missing--
			x.items[item].Question = texts.Values[code]
		}
		if missing == 0 {
			break
		}
	}
	return nil
}

// none stands for a judgment whose score does not count, or is not known.
const none = math.MinInt32

// readJudgments finds the judgments of each generation, and gives the scores of
// all.
func (x *index) readJudgments(ctx context.Context, run *results.Reader, done *atomic.Int64) (scores []int32, err error) {
	for j, err := range run.Judgments() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for row := range j.Rows {
			score, known := j.Score(row)
			if !known || !j.Counts(row) {
				score = none
			}
			scores = append(scores, score)
			if n, ok := x.places.Find(j.Cell[row], j.Item[row], j.Repeat[row]); ok {
				x.judgments = append(x.judgments, judgmentAt{n, int32(j.Row + row)})
			}
		}
		done.Add(int64(j.Rows))
	}
	slices.SortStableFunc(x.judgments, func(a, b judgmentAt) int { return int(a.row - b.row) })
	x.judged = len(scores) > 0
	return scores, nil
}

// judge says what became of each generation: came has what came of it by itself,
// scores those of the judgments.
func (x *index) judge(p results.Panel, judged bool, came []results.Result, scores []int32) {
	type kind struct {
		setting prompt.Setting
		control prompt.Control
	}
	byKind := make(map[kind]*[1 << 8]marks)
	by := make([]*[1 << 8]marks, len(x.cells))
	for i, c := range x.cells {
		k := kind{c.Setting, c.Control}
		if byKind[k] == nil {
			byKind[k] = marksBy(c.Setting, c.Control, judged)
		}
		by[i] = byKind[k]
	}
	x.marks, x.score = make([]marks, len(came)), make([]uint8, len(came))
	var counted []int
	known := make([]bool, allMarks)
	rest := x.judgments
	for row, result := range came {
		counted = counted[:0]
		var m marks
		for len(rest) > 0 && int(rest[0].row) == row {
			if s := scores[rest[0].judgment]; s != none {
				counted = append(counted, int(s))
			}
			m = asked
			rest = rest[1:]
		}
		m |= agreement(counted)
		v := p.Verdict(counted)
		if v.Rated() {
			x.score[row] = uint8(min(max(10*v.Sum/v.N, 0), math.MaxUint8))
		}
		var baseline results.Result
		if b := x.baseline(row); b >= 0 {
			baseline = came[b]
		}
		m |= by[x.cell[row]][results.PairOf(baseline, result.With(v))]
		x.marks[row] = m
		if !known[m] {
			known[m] = true
			x.alike = append(x.alike, m)
		}
	}
}

// agreement is whether several judges' scores find the same.
func agreement(scores []int) marks {
	if len(scores) < 2 {
		return 0
	}
	followed := func(score int) bool { return score >= judge.FollowedFrom }
	for _, s := range scores[1:] {
		if followed(s) != followed(scores[0]) {
			return disagreed
		}
	}
	return agreed
}

// baseline is the row of a generation's baseline, or -1.
func (x *index) baseline(row int) int {
	repeat := x.repeat[row]
	if x.cells[x.cell[row]].Control != prompt.NoControl {
		repeat = 0 // see results.Key.Baseline
	}
	if n, ok := x.places.Find(x.base[x.cell[row]], x.item[row], repeat); ok {
		return int(n)
	}
	return -1
}

func (x *index) answer(row int) string { return x.answers.texts[x.answers.rows[row]] }

// judgmentsOf gives the row numbers of the judgments of a generation.
func (x *index) judgmentsOf(row int) []int {
	at := sort.Search(len(x.judgments), func(i int) bool { return int(x.judgments[i].row) >= row })
	var of []int
	for ; at < len(x.judgments) && int(x.judgments[at].row) == row; at++ {
		of = append(of, int(x.judgments[at].judgment))
	}
	return of
}
