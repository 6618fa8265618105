package metrics

import (
	"slices"
	"strings"

	"perg/data"
	"perg/harness/extract"
	"perg/harness/judge"
	"perg/harness/prompt"
	"perg/harness/results"
)

// Options say how a run's ratings count, and how its items are resampled.
type Options struct {
	Judges []string           // names of the judges whose ratings count; none: all in the table
	Rule   judge.Rule         // how several judges' scores become one verdict; "" is judge.Majority
	Seed   uint64             // of the bootstrap
	Idle   map[string]float64 // watts that GPUs draw at rest, by UUID; a GPU that is not in it: not known
}

// Panel is the options' part that says which judgments count.
func (o Options) Panel() results.Panel { return results.Panel{Judges: o.Judges, Rule: o.Rule} }

// A loader gathers the generations of a run, a few bytes each: costs are summed
// as they come.
type loader struct {
	table  *Table
	run    *results.Reader
	drafts []*draft       // as the table's cells
	places results.Places // a generation's number in its cell
	usage  map[results.Cell]*Usage
}

// A draft is a cell whose generations have no pairs yet.
type draft struct {
	*Cell
	results []results.Result // by generation
	ratings []rating
}

// A rating is one that counts, of a generation of the cell.
type rating struct{ generation, score int32 }

// Load reads a run's generations and judgments, and its GPU samples where it
// has any. The error is data.ErrNoTable where it has no generations. A
// generation without a baseline row counts as failed; one without a rating that
// counts is unscored.
func Load(dir string, o Options) (*Table, error) {
	tables, err := results.Open(dir)
	if err != nil {
		return nil, err
	}
	defer tables.Close()
	usage, err := loadUsage(dir, o.Idle)
	if err != nil {
		return nil, err
	}
	l := &loader{usage: usage, table: &Table{seed: o.Seed}, run: results.NewReader(tables, o.Panel())}
	for g, err := range l.run.Generations([]string{"model", "quantization", "answer_from", "status", "gold", "done_reason"}, []string{"fell_back", "output_tokens", "thinking_tokens", "eval_ns", "prompt_eval_ns", "vram_bytes", "started_at"}) {
		if err != nil {
			return nil, err
		}
		l.generations(g)
	}
	for j, err := range l.run.Judgments() {
		if err != nil {
			return nil, err
		}
		l.judgments(j)
	}
	l.table.Items = l.run.Items
	l.pair(o.Panel())
	return l.table, nil
}

func (l *loader) generations(g *results.Generations) {
	l.table.divide(l.run.Items[len(l.table.divisions[0].of):])
	charged, who, spent, started := chargesOf(g), readersOf(g), spendingOf(g), g.Numbers["started_at"]
	for row := range g.Rows {
		if int(g.Cell[row]) == len(l.drafts) {
			l.draft(g, row)
		}
		d, item, repeat := l.drafts[g.Cell[row]], g.Item[row], g.Repeat[row]
		if d.Control == prompt.NoControl {
			l.table.Repeats = max(l.table.Repeats, int(repeat)+1)
		}
		l.places.Set(g.Cell[row], item, repeat, int32(len(d.results)))
		d.place(item, repeat)
		result := g.Result(row)
		d.results = append(d.results, result)
		d.pace(charged, row)
		if d.Joules != nil && result.Responded && started.Known[row] && d.sampled.has(started.Values[row]) {
			d.Paid.add(result, charged, row)
		}
		took := charged.cost(row)
		took.Reads, took.Spent = who.of(g, row), spent.of(row)
		d.charge(item, took)
		d.Letters.add(g.Texts["answer"].At(row), g.Texts["gold"].At(row))
	}
}

// draft begins the cell of a row.
func (l *loader) draft(g *results.Generations, row int) {
	name := l.run.Cells[g.Cell[row]]
	c := &Cell{
		Variant: name.Variant, Model: g.Texts["model"].At(row), Quantization: g.Texts["quantization"].At(row),
		Method: name.Method, Group: All, table: l.table,
	}
	c.Setting, c.Control = name.Setting, name.Control
	if c.Control == prompt.NoControl {
		l.table.cells = append(l.table.cells, c)
		if u := l.usage[name]; u != nil {
			c.Usage = *u
		}
	} else {
		l.table.controls = append(l.table.controls, c)
	}
	l.drafts = append(l.drafts, &draft{Cell: c})
}

// charges are what some generations took.
type charges struct{ tokens, evalNS, vram, fellBack data.Numbers }

func chargesOf(g *results.Generations) charges {
	return charges{g.Numbers["output_tokens"], g.Numbers["eval_ns"], g.Numbers["vram_bytes"], g.Numbers["fell_back"]}
}

// cost is that of a row.
func (c charges) cost(row int) (took Cost) {
	if c.tokens.Known[row] && c.evalNS.Known[row] {
		took.OutputTokens, took.EvalNS = c.tokens.Values[row], c.evalNS.Values[row]
	}
	if c.vram.Known[row] {
		took.LoadedVRAM = &c.vram.Values[row]
	}
	if c.fellBack.Known[row] {
		took.FellBack = &c.fellBack.Values[row]
	}
	return took
}

// add counts a response.
func (p *Paid) add(r results.Result, from charges, row int) {
	p.Answers++
	if r.Correct {
		p.Right++
	}
	if from.tokens.Known[row] {
		p.Tokens += from.tokens.Values[row]
	}
}

// readers say who read the answers of some generations.
type readers struct{ from, status, done data.Texts }

func readersOf(g *results.Generations) readers {
	return readers{g.Texts["answer_from"], g.Texts["status"], g.Texts["done_reason"]}
}

// of is the generation of a row as one response, or none where there is none.
func (r readers) of(g *results.Generations, row int) Reads {
	result := g.Result(row)
	if !result.Responded {
		return Reads{}
	}
	reads := Reads{Responses: 1}
	switch from := r.from.At(row); {
	case result.Invalid:
		reads.Unread = 1
	case from == extract.FromModel:
		reads.ByModel = 1
	case strings.HasPrefix(from, "rule:"):
		reads.ByRules = 1
	}
	switch r.status.At(row) {
	case data.StatusTruncated:
		reads.Truncated = 1
	case data.StatusThought:
		reads.Thoughts = 1
	}
	if reads.Truncated+reads.Thoughts > 0 && r.done.At(row) == data.DoneLoop {
		reads.Loops = 1
	}
	return reads
}

func (l *loader) judgments(j *results.Judgments) {
	for row := range j.Rows {
		score, readable := j.Score(row)
		if !readable || !j.Counts(row) {
			continue
		}
		if n, ok := l.places.Find(j.Cell[row], j.Item[row], j.Repeat[row]); ok {
			d := l.drafts[j.Cell[row]]
			d.ratings = append(d.ratings, rating{n, score})
		}
	}
}

// pair gives every generation its verdict and its baseline, and the cells
// their sums.
func (l *loader) pair(p results.Panel) {
	for _, d := range l.drafts {
		d.rate(p)
	}
	defer l.table.link(l.table.cells, l.table.controls)
	for cell, d := range l.drafts {
		d.Judged = l.run.Judged
		base := l.run.Baseline(int32(cell))
		if d.Control != prompt.NoControl {
			d.againstEach(l.table.Repeats)
		}
		var counts [1 << 8]int
		for i, r := range d.results {
			var baseline results.Result
			if n, ok := l.places.Find(base, d.items[i], d.repeatOfBaseline(i)); ok {
				baseline = l.drafts[base].results[n]
			}
			d.pairs[i] = results.PairOf(baseline, r)
			counts[d.pairs[i]]++
		}
		for pair, n := range counts {
			d.Add(results.Pair(pair), n)
		}
		if base >= 0 {
			d.base = l.drafts[base].Cell
			d.BaselineReads = d.base.Reads
		}
	}
}

// rate gives the generations that have ratings their verdicts.
func (d *draft) rate(p results.Panel) {
	slices.SortStableFunc(d.ratings, func(a, b rating) int { return int(a.generation - b.generation) })
	var scores []int
	for i, r := range d.ratings {
		scores = append(scores, int(r.score))
		if i+1 < len(d.ratings) && d.ratings[i+1].generation == r.generation {
			continue
		}
		d.results[r.generation] = d.results[r.generation].With(p.Verdict(scores))
		scores = scores[:0]
	}
	d.ratings = nil
}
