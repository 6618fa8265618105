package metrics

import (
	"errors"
	"path/filepath"

	"perg/data"
	"perg/harness/judge"
	"perg/harness/prompt"
)

// Options say how a run is scored.
type Options struct {
	Judges []string   // names of the judges whose ratings count; none: all in the table
	Rule   judge.Rule // how several judges' scores become one verdict; "" is judge.Majority
	Seed   uint64     // of the bootstrap
}

// generation is what metrics need of data.Generation: the columns that are read.
type generation struct {
	ItemID         string  `parquet:"item_id"`
	Source         string  `parquet:"source"`
	Category       string  `parquet:"category,optional"`
	Preference     string  `parquet:"preference"`
	PreferenceType string  `parquet:"preference_type,optional"`
	Setting        string  `parquet:"setting"`
	Method         string  `parquet:"method"`
	Model          string  `parquet:"model"`
	Variant        string  `parquet:"variant"`
	Quantization   string  `parquet:"quantization,optional"`
	Repeat         int32   `parquet:"repeat"`
	FellBack       *bool   `parquet:"fell_back"`
	Answer         *string `parquet:"answer"`
	Correct        *bool   `parquet:"correct"`
	OutputTokens   *int64  `parquet:"output_tokens"`
	EvalNS         *int64  `parquet:"eval_ns"`
	VRAMBytes      *int64  `parquet:"vram_bytes"`
}

type judgment struct {
	ItemID     string `parquet:"item_id"`
	Setting    string `parquet:"setting"`
	Method     string `parquet:"method"`
	Variant    string `parquet:"variant"`
	Repeat     int32  `parquet:"repeat"`
	JudgeModel string `parquet:"judge_model"`
	Swapped    bool   `parquet:"swapped"`
	Score      *int32 `parquet:"score"`
}

// A place names a generation by the positions of its cell and item.
type place struct{ cell, item, repeat int32 }

// A loader gathers the rows of a run. Names become positions at once: a run of
// a hundred thousand rows names a few cells and some thousand items.
type loader struct {
	table  *Table
	cells  map[cellOf]int32
	items  map[string]int32
	rows   []loaded
	places map[place]int32 // position in rows
	scores map[int32][]int // by position in rows
	judged bool
}

// loaded is a generation before it has met its baseline.
type loaded struct {
	place
	Outcome
	cost
}

// Load reads a run's generations and judgments, and its GPU samples where it
// has any. The error is data.ErrNoTable where it has no generations. A
// generation without a baseline row counts as failed. A judgment counts where
// its judge is among the options' and the responses were not swapped; a
// generation without a readable score from any of them is unscored.
func Load(dir string, o Options) (*Table, error) {
	l := &loader{
		table: &Table{seed: o.Seed}, cells: make(map[cellOf]int32), items: make(map[string]int32),
		places: make(map[place]int32), scores: make(map[int32][]int),
	}
	for g, err := range data.ReadTable[generation](filepath.Join(dir, "generations")) {
		if err != nil {
			return nil, err
		}
		l.generation(g)
	}
	wanted := make(map[string]bool)
	for _, name := range o.Judges {
		wanted[name] = true
	}
	for j, err := range data.ReadTable[judgment](filepath.Join(dir, "judgments")) {
		if errors.Is(err, data.ErrNoTable) {
			break
		}
		if err != nil {
			return nil, err
		}
		if !j.Swapped && (len(wanted) == 0 || wanted[j.JudgeModel]) {
			l.judgment(j)
		}
	}
	l.pair(o.Rule)
	return l.table, addUsage(dir, l.table.cells)
}

func (l *loader) generation(g generation) {
	name := cellOf{g.Variant, g.Method, g.Setting}
	cell, ok := l.cells[name]
	if !ok {
		cell = int32(len(l.table.cells))
		l.cells[name] = cell
		c := &Cell{Variant: g.Variant, Model: g.Model, Quantization: g.Quantization, Method: prompt.Method(g.Method), Group: All, table: l.table}
		c.Setting = prompt.Setting(g.Setting)
		l.table.cells = append(l.table.cells, c)
	}
	item, ok := l.items[g.ItemID]
	if !ok {
		item = int32(len(l.table.Items))
		l.items[g.ItemID] = item
		l.table.Items = append(l.table.Items, Item{g.ItemID, g.Source, g.Category, g.Preference, g.PreferenceType})
	}
	l.table.Repeats = max(l.table.Repeats, int(g.Repeat)+1)
	at := place{cell, item, g.Repeat}
	l.places[at] = int32(len(l.rows))
	l.rows = append(l.rows, loaded{at, Outcome{
		Responded: g.Correct != nil,
		Answered:  g.Answer != nil,
		Correct:   g.Correct != nil && *g.Correct,
	}, costOf(g)})
}

func (l *loader) judgment(j judgment) {
	l.judged = true
	cell, ok := l.cells[cellOf{j.Variant, j.Method, j.Setting}]
	item, known := l.items[j.ItemID]
	if row, asked := l.places[place{cell, item, j.Repeat}]; ok && known && asked && j.Score != nil {
		l.scores[row] = append(l.scores[row], int(*j.Score))
	}
}

// pair gives every row its verdict and its baseline, and the cells their rows.
func (l *loader) pair(rule judge.Rule) {
	baselines := make([]int32, len(l.table.cells)) // the cell of each cell's baseline, or -1
	for i, c := range l.table.cells {
		c.Judged = l.judged
		baselines[i] = -1
		if b, ok := l.cells[cellOf{c.Variant, string(prompt.ZeroShot), string(prompt.None)}]; ok {
			baselines[i] = b
		}
	}
	for i, r := range l.rows {
		if scores := l.scores[int32(i)]; len(scores) > 0 {
			r.Rated, r.Followed = true, judge.Followed(rule, scores)
		}
		var base Outcome
		if b, ok := l.places[place{baselines[r.cell], r.item, r.repeat}]; ok {
			base = l.rows[b].Outcome
		}
		l.table.cells[r.cell].add(row{r.item, r.repeat, PairOf(base, r.Outcome), r.cost})
	}
}
