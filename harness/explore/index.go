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
	"perg/harness/metrics"
	"perg/harness/prompt"
)

// A Cell is a variant, a method and a setting.
type Cell struct{ Variant, Method, Setting string }

// An Item is a question as lists show it.
type Item struct {
	ID, Source, Category, PreferenceType string
	Question, Preference                 string
}

// An index holds of each generation what filters and lists need: some 40 bytes.
// Texts stay in the tables, but for those of items: a run has many generations
// of each. Rows are numbers of rows of the table generations.
type index struct {
	cells []Cell
	items []Item
	// by row
	cell     []int32
	item     []int32
	repeat   []int32
	outcome  []Outcome
	answers  *column // letters; "" is none
	score    []uint8 // ten times the mean of the judges' readable scores; 0 is none
	baseline []int32 // row; -1 is none
	// the rows of each item, by cell and repeat: byItem[starts[i]:starts[i+1]]
	byItem []int32
	starts []int32
	// judgments, by the row of their generation
	judgments []judgmentAt
	judged    bool    // the table judgments has rows
	repeats   bool    // a generation is the second of its kind, or a later one
	seen      Outcome // those that any row has
}

type judgmentAt struct{ row, judgment int32 } // row numbers of the two tables

// A coder gives texts numbers.
type coder struct {
	texts []string
	codes map[string]int32
}

func (c *coder) code(text string) int32 {
	n, ok := c.codes[text]
	if !ok {
		if c.codes == nil {
			c.codes = make(map[string]int32)
		}
		n = int32(len(c.texts))
		c.codes[text] = n
		c.texts = append(c.texts, text)
	}
	return n
}

// A column is a text column of a table as numbers; null is the empty text.
type column struct {
	coder
	rows []int32
}

// add gives the column some more rows.
func (c *column) add(t data.Texts) {
	codes := make([]int32, 1+len(t.Values))
	if slices.Contains(t.Codes, -1) {
		codes[0] = c.code("")
	}
	for i, text := range t.Values {
		codes[1+i] = c.code(text)
	}
	for _, code := range t.Codes {
		c.rows = append(c.rows, codes[1+code])
	}
}

// null stands for null among numbers.
const null = math.MinInt32

// readAll reads columns of a table, the first of texts has to be there.
func readAll(ctx context.Context, t *data.Table, done *atomic.Int64, texts, numbers []string) (map[string]*column, map[string][]int32, error) {
	columns, ints := make(map[string]*column), make(map[string][]int32)
	for _, name := range texts {
		columns[name] = &column{rows: make([]int32, 0, t.Rows())}
	}
	for _, name := range numbers {
		ints[name] = make([]int32, 0, t.Rows())
	}
	for c, err := range t.Columns(texts, numbers) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, nil, err
		}
		for name, column := range columns {
			column.add(c.Texts[name])
		}
		for name, rows := range ints {
			from := c.Numbers[name]
			for i, n := range from.Values {
				if !from.Known[i] {
					n = null
				}
				rows = append(rows, int32(n))
			}
			ints[name] = rows
		}
		done.Add(int64(c.Rows))
	}
	return columns, ints, nil
}

// cellsOf numbers the cells of rows.
func cellsOf(texts map[string]*column, cells *[]Cell, numbers map[Cell]int32) []int32 {
	variant, method, setting := texts["variant"], texts["method"], texts["setting"]
	known := make(map[[3]int32]int32)
	var last [3]int32
	at := int32(-1)
	for i := range variant.rows {
		codes := [3]int32{variant.rows[i], method.rows[i], setting.rows[i]}
		if at < 0 || codes != last {
			n, ok := known[codes]
			if !ok {
				c := Cell{variant.texts[codes[0]], method.texts[codes[1]], setting.texts[codes[2]]}
				if n, ok = numbers[c]; !ok {
					n = int32(len(*cells))
					numbers[c] = n
					*cells = append(*cells, c)
				}
				known[codes] = n
			}
			at, last = n, codes
		}
		variant.rows[i] = at // which nobody needs any longer
	}
	return variant.rows
}

// build reads the columns that the index needs. judgments is nil where a run
// has none.
func build(ctx context.Context, generations, judgments *data.Table, o metrics.Options, done *atomic.Int64) (*index, error) {
	if generations.Rows() > math.MaxInt32 {
		return nil, fmt.Errorf("%d generations are more than an index of them can number", generations.Rows())
	}
	texts, ints, err := readAll(ctx, generations, done,
		[]string{"item_id", "source", "category", "preference_type", "variant", "method", "setting", "answer"}, []string{"repeat", "correct"})
	if err != nil {
		return nil, err
	}
	id, source, category, kind := texts["item_id"], texts["source"], texts["category"], texts["preference_type"]
	x := &index{answers: texts["answer"], repeat: ints["repeat"]}
	numbers := make(map[Cell]int32)
	x.cell = cellsOf(texts, &x.cells, numbers)
	x.item = id.rows
	x.items = make([]Item, len(id.texts))
	for row, i := range x.item {
		if it := &x.items[i]; it.ID == "" && it.Source == "" {
			*it = Item{ID: id.texts[i], Source: source.texts[source.rows[row]], Category: category.texts[category.rows[row]], PreferenceType: kind.texts[kind.rows[row]]}
		}
	}
	if err := x.readItems(ctx, generations); err != nil {
		return nil, err
	}
	x.group()
	if err := x.readJudgments(ctx, judgments, id.codes, numbers, o, ints["correct"], done); err != nil {
		return nil, err
	}
	return x, nil
}

// readItems reads the questions and preferences of items, from the first rows
// that have all of them.
func (x *index) readItems(ctx context.Context, t *data.Table) error {
	for _, of := range []struct {
		column string
		text   func(*Item) *string
	}{
		{"question", func(it *Item) *string { return &it.Question }},
		{"preference", func(it *Item) *string { return &it.Preference }},
	} {
		known := make([]bool, len(x.items))
		missing := len(known)
		for c, err := range t.Columns([]string{of.column}, nil) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			texts := c.Texts[of.column]
			for i, code := range texts.Codes {
				item := x.item[c.Row+i]
				if known[item] || code < 0 {
					continue
				}
				known[item] = true
				missing--
				*of.text(&x.items[item]) = texts.Values[code]
			}
			if missing == 0 {
				break
			}
		}
	}
	return nil
}

// group sorts the rows of each item together, and finds baselines.
func (x *index) group() {
	x.starts = make([]int32, len(x.items)+1)
	for _, i := range x.item {
		x.starts[i+1]++
	}
	for i := range x.items {
		x.starts[i+1] += x.starts[i]
	}
	next := slices.Clone(x.starts)
	x.byItem = make([]int32, len(x.item))
	for row, i := range x.item {
		x.byItem[next[i]] = int32(row)
		next[i]++
		x.repeats = x.repeats || x.repeat[row] > 0
	}
	for i := range x.items {
		slices.SortFunc(x.rowsOf(int32(i)), func(a, b int32) int {
			if d := x.cell[a] - x.cell[b]; d != 0 {
				return int(d)
			}
			return int(x.repeat[a] - x.repeat[b])
		})
	}
	base := make([]int32, len(x.cells)) // the cell of each cell's baseline
	for i, c := range x.cells {
		base[i] = int32(slices.Index(x.cells, Cell{c.Variant, string(prompt.ZeroShot), string(prompt.None)}))
	}
	x.baseline = make([]int32, len(x.item))
	for row := range x.item {
		x.baseline[row] = -1
		if b := base[x.cell[row]]; b >= 0 {
			x.baseline[row] = x.find(x.item[row], b, x.repeat[row])
		}
	}
}

// rowsOf gives the generations of an item, by cell and repeat.
func (x *index) rowsOf(item int32) []int32 { return x.byItem[x.starts[item]:x.starts[item+1]] }

// find gives the row of a generation, or -1.
func (x *index) find(item, cell, repeat int32) int32 {
	rows := x.rowsOf(item)
	at := sort.Search(len(rows), func(i int) bool {
		r := rows[i]
		return x.cell[r] > cell || x.cell[r] == cell && x.repeat[r] >= repeat
	})
	if at < len(rows) && x.cell[rows[at]] == cell && x.repeat[rows[at]] == repeat {
		return rows[at]
	}
	return -1
}

// readJudgments finds the judgments of each generation, and says what became of
// it.
func (x *index) readJudgments(ctx context.Context, t *data.Table, items map[string]int32, numbers map[Cell]int32, o metrics.Options, correct []int32, done *atomic.Int64) error {
	var scores, swapped []int32
	judges := &column{}
	if t != nil && t.Rows() > 0 {
		x.judged = true
		texts, ints, err := readAll(ctx, t, done,
			[]string{"item_id", "variant", "method", "setting", "judge_model"}, []string{"repeat", "swapped", "score"})
		if err != nil {
			return err
		}
		id, repeat := texts["item_id"], ints["repeat"]
		judges, swapped, scores = texts["judge_model"], ints["swapped"], ints["score"]
		all := slices.Clone(x.cells)
		known := int32(len(all))
		cell := cellsOf(texts, &all, numbers)
		itemOf := make([]int32, len(id.texts))
		for i, text := range id.texts {
			itemOf[i] = -1
			if n, ok := items[text]; ok {
				itemOf[i] = n
			}
		}
		x.judgments = make([]judgmentAt, 0, t.Rows())
		for j := range cell {
			item := itemOf[id.rows[j]]
			if item < 0 || cell[j] >= known {
				continue // of a generation that is not in the run's table
			}
			if row := x.find(item, cell[j], repeat[j]); row >= 0 {
				x.judgments = append(x.judgments, judgmentAt{row, int32(j)})
			}
		}
		slices.SortStableFunc(x.judgments, func(a, b judgmentAt) int { return int(a.row - b.row) })
	}
	counts := make([]bool, len(judges.texts)) // the judges whose ratings count
	for i, name := range judges.texts {
		counts[i] = counted(o, name)
	}
	x.outcome = make([]Outcome, len(x.item))
	x.score = make([]uint8, len(x.item))
	var readable []int
	rest := x.judgments
	for row := range x.item {
		readable = readable[:0]
		asked := Outcome(0)
		for len(rest) > 0 && int(rest[0].row) == row {
			j := rest[0].judgment
			if s := scores[j]; s != null && swapped[j] != 1 && counts[judges.rows[j]] {
				readable = append(readable, int(s))
			}
			asked = Asked
			rest = rest[1:]
		}
		outcome := x.response(row, correct)
		if len(readable) > 0 {
			outcome.Rated, outcome.Followed = true, judge.Followed(o.Rule, readable)
			sum := 0
			for _, s := range readable {
				sum += s
			}
			x.score[row] = uint8(min(max(10*sum/len(readable), 0), math.MaxUint8))
		}
		var baseline metrics.Outcome
		if b := x.baseline[row]; b >= 0 {
			baseline = x.response(int(b), correct)
		}
		setting := prompt.Setting(x.cells[x.cell[row]].Setting)
		x.outcome[row] = outcomeOf(setting, metrics.PairOf(baseline, outcome), x.judged) | asked
		x.seen |= x.outcome[row]
	}
	return nil
}

// counted says whether a judge's ratings count.
func counted(o metrics.Options, judge string) bool {
	return len(o.Judges) == 0 || slices.Contains(o.Judges, judge)
}

func (x *index) response(row int, correct []int32) metrics.Outcome {
	return metrics.Outcome{Responded: correct[row] != null, Answered: x.answer(row) != "", Correct: correct[row] == 1}
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
