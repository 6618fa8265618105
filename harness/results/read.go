package results

import (
	"errors"
	"iter"
	"path/filepath"
	"slices"

	"perg/data"
	"perg/harness/prompt"
)

// Tables are the tables of a run that its results stand in, open.
type Tables struct {
	Generations *data.Table
	Judgments   *data.Table // nil: there are none
}

// Open opens the tables of the run in dir. The error is data.ErrNoTable where it
// has no generations, data.ErrTorn where files of either table are missing.
func Open(dir string) (Tables, error) {
	generations, err := data.OpenTable(filepath.Join(dir, "generations"))
	if err != nil {
		return Tables{}, err
	}
	judgments, err := data.OpenTable(filepath.Join(dir, "judgments"))
	if err != nil && !errors.Is(err, data.ErrNoTable) {
		generations.Close()
		return Tables{}, err
	}
	return Tables{generations, judgments}, nil
}

// Close closes the tables.
func (t Tables) Close() error {
	err := t.Generations.Close()
	if t.Judgments != nil {
		err = errors.Join(err, t.Judgments.Close())
	}
	return err
}

// A Reader goes once through the generations of a run, and then through its
// judgments. Cells, items and judges are numbered in order of appearance: a
// number is the position in the list.
type Reader struct {
	Cells  []Cell
	Items  []Item
	Judges []string // that the table judgments has
	Judged bool     // it has a judgment that counts

	tables Tables
	panel  Panel
	cells  map[Cell]int32
	items  map[string]int32
	judges map[string]int32
}

// NewReader makes a reader of tables, which stay open as long as it is used.
// Judgments count as the panel says.
func NewReader(t Tables, p Panel) *Reader {
	return &Reader{tables: t, panel: p, cells: make(map[Cell]int32), items: make(map[string]int32), judges: make(map[string]int32)}
}

// Baseline is the number of the cell that holds a cell's baselines, or -1.
func (r *Reader) Baseline(cell int32) int32 {
	if base, ok := r.cells[r.Cells[cell].Baseline()]; ok {
		return base
	}
	return -1
}

// Find gives the numbers of a generation's cell and item, each -1 where there is
// none in the table.
func (r *Reader) Find(k Key) (cell, item int32) {
	cell, item = -1, -1
	if n, ok := r.cells[k.Cell]; ok {
		cell = n
	}
	if n, ok := r.items[k.ItemID]; ok {
		item = n
	}
	return cell, item
}

// Generations are some of the table's that follow each other, by row from the
// number Row on. They are good until the next ones are asked for.
type Generations struct {
	*data.Columns // answer, and those that were asked for

	Cell, Item, Repeat []int32

	answers, statuses data.Texts
	correct           data.Numbers
}

// Result is what came of a generation, without a verdict on it.
func (g *Generations) Result(row int) Result {
	r := result(g.correct.Known[row], g.correct.Values[row] != 0, g.answers.Codes[row] >= 0)
	switch g.statuses.At(row) {
	case data.StatusThought, data.StatusThinking, data.StatusEmpty:
		r.Unspoken = r.Responded
	}
	return r
}

// Generations reads the table generations in order, with more columns of texts
// and of numbers than it needs itself. It ends at the first error.
func (r *Reader) Generations(texts, numbers []string) iter.Seq2[*Generations, error] {
	texts = slices.Concat([]string{"item_id", "variant", "method", "setting", "source", "category", "preference", "preference_type", "question_id", "control", "answer", "status"}, texts)
	numbers = slices.Concat([]string{"repeat", "correct"}, numbers)
	return func(yield func(*Generations, error) bool) {
		var g Generations
		for c, err := range r.tables.Generations.Columns(texts, numbers) {
			if err != nil {
				yield(nil, err)
				return
			}
			g.Columns, g.answers, g.correct = c, c.Texts["answer"], c.Numbers["correct"]
			g.statuses = c.Texts["status"]
			g.Cell = r.numberCells(g.Cell[:0], c, r.addCell)
			g.Item = numbered(g.Item[:0], c.Texts["item_id"], r.items, func(row int) int32 { return r.addItem(c, row) })
			g.Repeat = repeats(g.Repeat[:0], c)
			if !yield(&g, nil) {
				return
			}
		}
	}
}

// Judgments are some of the table's that follow each other, by row from the
// number Row on. Cell and Item are -1 where the table generations has none of
// the name. They are good until the next ones are asked for.
type Judgments struct {
	Row, Rows                 int
	Cell, Item, Repeat, Judge []int32

	swapped, scores data.Numbers
	counts          [][2]bool // by judge, and by whether it saw the responses swapped
}

// Swapped says whether the judge saw the responses in the other order.
func (j *Judgments) Swapped(row int) bool { return j.swapped.Values[row] != 0 }

// Counts says whether the judgment counts (Panel.Counts).
func (j *Judgments) Counts(row int) bool {
	counts := j.counts[j.Judge[row]]
	if j.Swapped(row) {
		return counts[1]
	}
	return counts[0]
}

// Score is the rating, 1 to 5; it is not known where none can be read, or the
// call failed.
func (j *Judgments) Score(row int) (score int32, known bool) {
	return int32(j.scores.Values[row]), j.scores.Known[row]
}

// Judgments reads the table judgments in order, after all generations. A run
// without the table has none. It ends at the first error.
func (r *Reader) Judgments() iter.Seq2[*Judgments, error] {
	return func(yield func(*Judgments, error) bool) {
		if r.tables.Judgments == nil {
			return
		}
		var j Judgments
		texts, numbers := []string{"item_id", "variant", "method", "setting", "judge_model"}, []string{"repeat", "swapped", "score"}
		for c, err := range r.tables.Judgments.Columns(texts, numbers) {
			if err != nil {
				yield(nil, err)
				return
			}
			j.Row, j.Rows, j.swapped, j.scores = c.Row, c.Rows, c.Numbers["swapped"], c.Numbers["score"]
			j.Cell = r.numberCells(j.Cell[:0], c, nil)
			j.Item = numbered(j.Item[:0], c.Texts["item_id"], r.items, nil)
			j.Repeat = repeats(j.Repeat[:0], c)
			by := c.Texts["judge_model"]
			j.Judge = numbered(j.Judge[:0], by, r.judges, func(row int) int32 { return r.addJudge(by.At(row)) })
			for _, name := range r.Judges[len(j.counts):] {
				j.counts = append(j.counts, [2]bool{r.panel.Counts(name, false), r.panel.Counts(name, true)})
			}
			for row := 0; row < j.Rows && !r.Judged; row++ {
				r.Judged = j.Counts(row)
			}
			if !yield(&j, nil) {
				return
			}
		}
	}
}

// numberCells numbers the cells of rows. One that is new is added, or -1 where
// add is nil.
func (r *Reader) numberCells(to []int32, c *data.Columns, add func(Cell) int32) []int32 {
	variants, methods, settings, controls := c.Texts["variant"], c.Texts["method"], c.Texts["setting"], c.Texts["control"]
	var last [4]int32 // a cell's rows stand together
	n := int32(-1)
	for row := range c.Rows {
		codes := [4]int32{variants.Codes[row], methods.Codes[row], settings.Codes[row], -1}
		if controls.Codes != nil { // judgments have none
			codes[3] = controls.Codes[row]
		}
		if row == 0 || codes != last {
			cell := CellOf(variants.At(row), methods.At(row), settings.At(row), "")
			if codes[3] >= 0 {
				cell.Control = prompt.Control(controls.At(row))
			}
			var ok bool
			switch n, ok = r.cells[cell]; {
			case ok:
			case add == nil:
				n = -1
			default:
				n = add(cell)
			}
			last = codes
		}
		to = append(to, n)
	}
	return to
}

// numbered numbers the texts of rows by what is known. One that is new is added,
// or -1 where add is nil.
func numbered(to []int32, t data.Texts, known map[string]int32, add func(row int) int32) []int32 {
	const unseen = -2
	byCode := slices.Repeat([]int32{unseen}, 1+len(t.Values)) // one text may have two codes
	for row, code := range t.Codes {
		n := byCode[1+code]
		if n == unseen {
			var ok bool
			switch n, ok = known[t.At(row)]; {
			case ok:
			case add == nil:
				n = -1
			default:
				n = add(row)
			}
			byCode[1+code] = n
		}
		to = append(to, n)
	}
	return to
}

func repeats(to []int32, c *data.Columns) []int32 {
	for _, repeat := range c.Numbers["repeat"].Values {
		to = append(to, int32(repeat))
	}
	return to
}

func (r *Reader) addCell(c Cell) int32 {
	n := int32(len(r.Cells))
	r.cells[c] = n
	r.Cells = append(r.Cells, c)
	return n
}

func (r *Reader) addItem(c *data.Columns, row int) int32 {
	n := int32(len(r.Items))
	it := Item{
		ID: c.Texts["item_id"].At(row), Source: c.Texts["source"].At(row), Category: c.Texts["category"].At(row),
		Preference: c.Texts["preference"].At(row), PreferenceType: c.Texts["preference_type"].At(row),
		QuestionID: c.Texts["question_id"].At(row),
	}
	r.items[it.ID] = n
	r.Items = append(r.Items, it)
	return n
}

func (r *Reader) addJudge(name string) int32 {
	n := int32(len(r.Judges))
	r.judges[name] = n
	r.Judges = append(r.Judges, name)
	return n
}
