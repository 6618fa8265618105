package metrics

import (
	"errors"
	"path/filepath"
	"slices"

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

// The columns that metrics need.
var (
	generationTexts   = []string{"item_id", "source", "category", "preference", "preference_type", "setting", "method", "model", "variant", "quantization", "answer"}
	generationNumbers = []string{"repeat", "fell_back", "correct", "output_tokens", "eval_ns", "vram_bytes"}
	judgmentTexts     = []string{"item_id", "setting", "method", "variant", "judge_model"}
	judgmentNumbers   = []string{"repeat", "swapped", "score"}
)

// A loader gathers the generations of a run, a few bytes each: names become
// positions at once, and costs are summed as they come.
type loader struct {
	table  *Table
	cells  map[cellOf]*loading
	order  []*loading // as the table's cells
	items  map[string]int32
	kinds  map[Item]int32
	judged bool
}

// A loading is a cell of which not all is known.
type loading struct {
	*Cell
	outcomes []Outcome         // by generation
	at       map[int32][]int32 // by repeat, by item: the generation's number plus one, or 0
	scores   []scored
}

// A scored is a rating of a generation of the cell.
type scored struct{ generation, score int32 }

// Load reads a run's generations and judgments, and its GPU samples where it
// has any. The error is data.ErrNoTable where it has no generations. A
// generation without a baseline row counts as failed. A judgment counts where
// its judge is among the options' and the responses were not swapped; a
// generation without a readable score from any of them is unscored.
func Load(dir string, o Options) (*Table, error) {
	l := &loader{
		table: &Table{seed: o.Seed}, cells: make(map[cellOf]*loading), items: make(map[string]int32), kinds: make(map[Item]int32),
	}
	if err := eachColumns(filepath.Join(dir, "generations"), generationTexts, generationNumbers, l.generations); err != nil {
		return nil, err
	}
	err := eachColumns(filepath.Join(dir, "judgments"), judgmentTexts, judgmentNumbers, func(c *data.Columns) { l.judgments(c, o.Judges) })
	if err != nil && !errors.Is(err, data.ErrNoTable) {
		return nil, err
	}
	l.pair(o.Rule)
	return l.table, addUsage(dir, l.table.cells)
}

func eachColumns(dir string, texts, numbers []string, do func(*data.Columns)) error {
	t, err := data.OpenTable(dir)
	if err != nil {
		return err
	}
	defer t.Close()
	for c, err := range t.Columns(texts, numbers) {
		if err != nil {
			return err
		}
		do(c)
	}
	return nil
}

func (l *loader) generations(c *data.Columns) {
	ids, answers := c.Texts["item_id"], c.Texts["answer"]
	repeats, correct := c.Numbers["repeat"], c.Numbers["correct"]
	cellAt, itemAt := l.cellsOf(c), positionsOf(ids, l.items)
	for i := range c.Rows {
		cell := cellAt(i)
		if cell == nil {
			cell = l.newCell(c, i)
		}
		item := itemAt[ids.Codes[i]+1]
		if item < 0 {
			item = l.newItem(c, i)
			itemAt[ids.Codes[i]+1] = item
		}
		repeat := int32(repeats.Values[i])
		l.table.Repeats = max(l.table.Repeats, int(repeat)+1)
		cell.place(item, repeat)
		cell.outcomes = append(cell.outcomes, Outcome{
			Responded: correct.Known[i],
			Answered:  answers.Codes[i] >= 0,
			Correct:   correct.Values[i] != 0,
		})
		cell.number(item, repeat)
		cell.charge(l.table.kindOf[item], c, i)
	}
}

// cellsOf finds the cells of rows; it gives nil where there is none yet.
func (l *loader) cellsOf(c *data.Columns) func(row int) *loading {
	variants, methods, settings := c.Texts["variant"], c.Texts["method"], c.Texts["setting"]
	var last [3]int32 // a cell's rows stand together
	var cell *loading
	return func(row int) *loading {
		codes := [3]int32{variants.Codes[row], methods.Codes[row], settings.Codes[row]}
		if cell == nil || codes != last {
			cell, last = l.cells[cellOf{variants.At(row), methods.At(row), settings.At(row)}], codes
		}
		return cell
	}
}

// positionsOf gives the position of each value by its code plus one; -1 where
// there is none yet.
func positionsOf(ids data.Texts, items map[string]int32) []int32 {
	positions := make([]int32, len(ids.Values)+1)
	for i := range positions {
		id := ""
		if i > 0 {
			id = ids.Values[i-1]
		}
		positions[i] = -1
		if at, ok := items[id]; ok {
			positions[i] = at
		}
	}
	return positions
}

func (l *loader) newCell(c *data.Columns, row int) *loading {
	name := cellOf{c.Texts["variant"].At(row), c.Texts["method"].At(row), c.Texts["setting"].At(row)}
	cell := &Cell{
		Variant: name.variant, Model: c.Texts["model"].At(row), Quantization: c.Texts["quantization"].At(row),
		Method: prompt.Method(name.method), Group: All, table: l.table,
	}
	cell.Setting = prompt.Setting(name.setting)
	l.table.cells = append(l.table.cells, cell)
	made := &loading{Cell: cell, at: make(map[int32][]int32)}
	l.cells[name] = made
	l.order = append(l.order, made)
	return made
}

func (l *loader) newItem(c *data.Columns, row int) int32 {
	it := Item{
		c.Texts["item_id"].At(row), c.Texts["source"].At(row), c.Texts["category"].At(row),
		c.Texts["preference"].At(row), c.Texts["preference_type"].At(row),
	}
	// The id may come once more, under another code.
	if at, ok := l.items[it.ID]; ok {
		return at
	}
	at := int32(len(l.table.Items))
	l.items[it.ID] = at
	l.table.Items = append(l.table.Items, it)
	it.ID = ""
	kind, ok := l.kinds[it]
	if !ok {
		kind = int32(len(l.table.kinds))
		l.kinds[it] = kind
		l.table.kinds = append(l.table.kinds, it)
	}
	l.table.kindOf = append(l.table.kindOf, kind)
	return at
}

// number notes where the cell's last generation is.
func (c *loading) number(item, repeat int32) {
	at := c.at[repeat]
	if missing := int(item) + 1 - len(at); missing > 0 {
		at = append(at, make([]int32, missing)...)
		c.at[repeat] = at
	}
	at[item] = int32(len(c.items))
}

// find gives the number of a generation in the cell.
func (c *loading) find(item, repeat int32) (number int32, ok bool) {
	at := c.at[repeat]
	if int(item) >= len(at) || at[item] == 0 {
		return 0, false
	}
	return at[item] - 1, true
}

// charge adds what a generation took.
func (c *loading) charge(kind int32, from *data.Columns, row int) {
	if missing := int(kind) + 1 - len(c.costs); missing > 0 {
		c.costs = append(c.costs, make([]cost, missing)...)
	}
	k := &c.costs[kind]
	tokens, ns := from.Numbers["output_tokens"], from.Numbers["eval_ns"]
	if tokens.Known[row] && ns.Known[row] {
		k.tokens += tokens.Values[row]
		k.evalNS += ns.Values[row]
	}
	if vram := from.Numbers["vram_bytes"]; vram.Known[row] && (!k.placed || vram.Values[row] > k.vram) {
		k.vram, k.placed = vram.Values[row], true
	}
	if fellBack := from.Numbers["fell_back"]; fellBack.Known[row] {
		k.twoCalls = true
		k.fellBack += fellBack.Values[row]
	}
}

// judgments takes the ratings of the judges that are named, or of all.
func (l *loader) judgments(c *data.Columns, judges []string) {
	ids, by := c.Texts["item_id"], c.Texts["judge_model"]
	repeats, swapped, scores := c.Numbers["repeat"], c.Numbers["swapped"], c.Numbers["score"]
	cellAt, itemAt := l.cellsOf(c), positionsOf(ids, l.items)
	for i := range c.Rows {
		if swapped.Values[i] != 0 || len(judges) > 0 && !slices.Contains(judges, by.At(i)) {
			continue
		}
		l.judged = true
		cell, item := cellAt(i), itemAt[ids.Codes[i]+1]
		if cell == nil || item < 0 || !scores.Known[i] {
			continue
		}
		if n, ok := cell.find(item, int32(repeats.Values[i])); ok {
			cell.scores = append(cell.scores, scored{n, int32(scores.Values[i])})
		}
	}
}

// pair gives every generation its verdict and its baseline, and the cells
// their sums.
func (l *loader) pair(rule judge.Rule) {
	for _, c := range l.order {
		c.rate(rule)
	}
	for _, c := range l.order {
		c.Judged = l.judged
		baseline := l.cells[cellOf{c.Variant, string(prompt.ZeroShot), string(prompt.None)}]
		var counts [1 << 8]int
		for i, o := range c.outcomes {
			var base Outcome
			if baseline != nil {
				if n, ok := baseline.find(c.items[i], c.repeat(i)); ok {
					base = baseline.outcomes[n]
				}
			}
			c.pairs[i] = PairOf(base, o)
			counts[c.pairs[i]]++
		}
		for p, n := range counts {
			c.Add(Pair(p), n)
		}
		for _, k := range c.costs {
			c.addCost(k)
		}
	}
}

// rate gives the generations that have scores their verdicts.
func (c *loading) rate(rule judge.Rule) {
	slices.SortStableFunc(c.scores, func(a, b scored) int { return int(a.generation - b.generation) })
	var scores []int
	for i, s := range c.scores {
		scores = append(scores, int(s.score))
		if i+1 < len(c.scores) && c.scores[i+1].generation == s.generation {
			continue
		}
		o := &c.outcomes[s.generation]
		o.Rated, o.Followed = true, judge.Followed(rule, scores)
		scores = scores[:0]
	}
	c.scores = nil
}
