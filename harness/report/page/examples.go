package page

import (
	"cmp"
	"path/filepath"
	"slices"

	"perg/data"
	"perg/harness/metrics"
	"perg/harness/results"
)

const (
	// brokenVariants is the number of variants whose broken answers are shown,
	// and eachVariant that of answers.
	brokenVariants = 3
	eachVariant    = 3
	// longestText is the most of one text that is shown, in runes: a model that
	// does not stop would fill the page.
	longestText = 1500
)

// An Example is one answer that broke: right where no preference was stated,
// and wrong where one was.
type Example struct {
	Variant, Method, Setting string
	results.Item
	Repeat   int32
	Question Text
	Options  []string
	Gold     string // letter
	Stated   int    // preferences in the prompt, the item's own among them
	Before   Answer
	After    Answer
}

// An Answer is a response and the option that was read from it.
type Answer struct {
	Text   Text
	Letter string // "": none could be read
}

// A Text is the beginning of what a model or a dataset says.
type Text struct {
	Shown string
	Left  int // bytes that are not shown
}

func textOf(s string) Text {
	n := 0
	for i := range s {
		if n == longestText {
			return Text{Shown: s[:i], Left: len(s) - i}
		}
		n++
	}
	return Text{Shown: s}
}

// pick chooses the examples of a cell without their texts: of the type of
// preference under which most of Q* broke, then of the next, and around again;
// those with an answer before those of which none could be read. Items that were
// seen are left out, and those it chooses become so: variants of one model often
// break at the same questions in the same words.
func pick(c *metrics.Cell, items []results.Item, ids []string, seen map[string]bool) []Example {
	type candidate struct {
		item, repeat int
		invalid      bool
	}
	broken, right := make(map[string][]candidate), make(map[string]int)
	for i, pairs := range c.PairsOf(ids) {
		kind := items[i].PreferenceType
		for repeat, p := range pairs {
			if !p.BaselineCorrect() {
				continue
			}
			right[kind]++
			if p.Broken() && !seen[ids[i]] {
				broken[kind] = append(broken[kind], candidate{i, repeat, p.Invalid()})
			}
		}
	}
	var kinds []string
	for kind, all := range broken {
		kinds = append(kinds, kind)
		slices.SortStableFunc(all, func(a, b candidate) int {
			return cmp.Compare(btoi(a.invalid), btoi(b.invalid))
		})
	}
	rate := func(kind string) float64 { return float64(len(broken[kind])) / float64(right[kind]) }
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Or(cmp.Compare(rate(b), rate(a)), cmp.Compare(a, b)) })
	var chosen []Example
	for round := 0; len(chosen) < eachVariant; round++ {
		before := len(chosen)
		for _, kind := range kinds {
			if round < len(broken[kind]) && len(chosen) < eachVariant {
				it := broken[kind][round]
				seen[ids[it.item]] = true
				chosen = append(chosen, Example{
					Variant: c.Variant, Method: string(c.Method), Setting: string(c.Setting), Item: items[it.item], Repeat: int32(it.repeat),
				})
			}
		}
		if len(chosen) == before {
			break
		}
	}
	return chosen
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// examples are those of the variants that break most often.
func examples(dir string, t *metrics.Table, l lead, breaking []data.Metric) ([]Example, error) {
	cells, err := t.Cells("")
	if err != nil {
		return nil, err
	}
	var all []Example
	ids := t.IDs()
	seen := make(map[string]bool)
	for _, m := range breaking[:min(brokenVariants, len(breaking))] {
		for _, c := range cells {
			if c.Variant == m.Variant && string(c.Method) == l.Method && string(c.Setting) == l.Setting {
				all = append(all, pick(c, t.Items, ids, seen)...)
			}
		}
	}
	return all, readTexts(dir, all)
}

// exampleRow is what examples need of data.Generation.
type exampleRow struct {
	ItemID      string   `parquet:"item_id"`
	Question    string   `parquet:"question"`
	Options     []string `parquet:"options,list"`
	Gold        string   `parquet:"gold"`
	Preferences []string `parquet:"preferences,list"`
	Setting     string   `parquet:"setting"`
	Method      string   `parquet:"method"`
	Variant     string   `parquet:"variant"`
	Repeat      int32    `parquet:"repeat"`
	Control     string   `parquet:"control,optional"`
	Response    *string  `parquet:"response"`
	Answer      *string  `parquet:"answer"`
}

// readTexts fills in what examples say. It reads generations until it has seen
// both answers of every example.
func readTexts(dir string, all []Example) error {
	wanted := make(map[results.Key]func(exampleRow))
	for i := range all {
		e := &all[i]
		key := results.Key{Cell: results.CellOf(e.Variant, e.Method, e.Setting, ""), ItemID: e.ID, Repeat: e.Repeat}
		wanted[key] = func(r exampleRow) {
			e.Question, e.Options, e.Gold, e.Stated, e.After = textOf(r.Question), r.Options, r.Gold, len(r.Preferences), answerOf(r)
		}
		wanted[key.Baseline()] = func(r exampleRow) { e.Before = answerOf(r) }
	}
	if len(wanted) == 0 {
		return nil
	}
	for r, err := range data.ReadTable[exampleRow](filepath.Join(dir, "generations")) {
		if err != nil {
			return err
		}
		key := results.Key{Cell: results.CellOf(r.Variant, r.Method, r.Setting, r.Control), ItemID: r.ItemID, Repeat: r.Repeat}
		if fill, ok := wanted[key]; ok {
			fill(r)
			if delete(wanted, key); len(wanted) == 0 {
				break
			}
		}
	}
	return nil
}

func answerOf(r exampleRow) Answer {
	var a Answer
	if r.Response != nil {
		a.Text = textOf(*r.Response)
	}
	if r.Answer != nil {
		a.Letter = *r.Answer
	}
	return a
}
