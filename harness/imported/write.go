package imported

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"perg/data"
	"perg/harness/extract"
	"perg/harness/hint"
	"perg/harness/prompt"
	"perg/harness/results"
	"perg/harness/rundir"
	"perg/harness/tables"
)

// NoResponse is why a row is in error: the table has nothing in its column.
const NoResponse = "no response in the file"

// write goes through the files once more and writes the run's tables, and its
// manifest last.
func write(ctx context.Context, r Request, x *index, about rundir.Import) (_ Result, err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(25)) // as where a run writes its tables
	started := time.Now()
	dir, err := rundir.Hold(r.Out)
	if err != nil {
		return Result{}, err
	}
	defer dir.Close()
	if taken(r.Out) {
		return Result{}, hint.Usage(fmt.Errorf("%s holds a run", r.Out), "choose another --out, or remove it")
	}
	if err := dir.Adopt(x.manifest(r), nil); err != nil {
		return Result{}, err
	}
	defer func() {
		if err != nil { // then it never was a run
			dir.Manifest.RunID = ""
			os.RemoveAll(filepath.Join(r.Out, generations))
			os.RemoveAll(filepath.Join(r.Out, "metrics"))
		}
	}()
	w, err := x.writer(dir.Manifest.RunID, r.Out)
	if err != nil {
		return Result{}, err
	}
	defer w.table.Abort()
	for _, f := range r.Files {
		add := w.add
		if f.Again {
			add = w.addAgain
		}
		file, left, err := r.of(f).each(ctx, func(_ *data.Foreign, _ int, a *answered) error { return add(a) })
		if err != nil {
			return Result{}, err
		}
		if !f.Again {
			about.LeftOut += left
		}
		w.result.Alike += file.repeated
		if file.letters && w.result.Letters == nil {
			w.result.Letters = &Letters{}
		}
	}
	if err := w.table.Close(); err != nil {
		return Result{}, err
	}
	debug.FreeOSMemory() // what encoding took, before metrics take their own
	about.Answers = w.answers()
	m := &dir.Manifest
	m.Dataset = rundir.DatasetInfo{Name: filepath.Base(r.Files[0].Path), SHA256: w.items.Sum(), Items: x.items()}
	m.Imported = &about
	if err := tables.WriteMetrics(r.Out, m.MetricsOptions()); err != nil {
		return Result{}, err
	}
	if err := dir.Begin(started); err != nil {
		return Result{}, err
	}
	if err := dir.End(w.counts, nil, false); err != nil {
		return Result{}, err
	}
	w.result.Manifest, w.result.Unasked = *m, x.unasked
	return w.result, nil
}

// taken says whether a directory holds a run, or what is left of one.
func taken(dir string) bool {
	_, err := rundir.ReadManifest(dir)
	_, tables := data.TableParts(filepath.Join(dir, generations))
	return !errors.Is(err, fs.ErrNotExist) || !errors.Is(tables, data.ErrNoTable)
}

// generations is the name of the table.
const generations = "generations"

// items is the number of items: a question that is asked under several
// preferences is as many.
func (x *index) items() (n int) {
	for _, q := range x.questions {
		n += max(1, len(q.asks))
	}
	return n
}

// manifest is what is known of the run before it is written. Its config is what
// judging goes on with.
func (x *index) manifest(r Request) rundir.Manifest {
	c := rundir.Defaults()
	c.Data, c.Store, c.Out, c.Extractor = r.Files[0].Path, r.Store, r.Out, rundir.NoExtractor
	c.Methods, c.Settings = nil, nil
	add := func(to *rundir.Names, name string) {
		if !slices.Contains(*to, name) {
			*to = append(*to, name)
		}
	}
	for _, cell := range x.names {
		add(&c.Settings, string(cell.Setting))
		if cell.Setting != prompt.None {
			add(&c.Methods, string(cell.Method))
		}
	}
	if c.Methods == nil {
		c.Methods = []string{string(prompt.ZeroShot)}
	}
	for _, m := range x.models {
		c.Models = append(c.Models, m.Variant)
	}
	for k := range x.answers {
		if x.names[k.cell].Control == prompt.NoControl {
			c.Repeats = max(c.Repeats, 1+int(k.repeat))
		}
	}
	c.Null, c.RotateOptions = x.controls()
	return rundir.Manifest{
		PergVersion: rundir.Version(), Config: c, Models: x.models,
		Prompts: map[string]string{}, Judges: []rundir.ModelInfo{}, Placement: []string{}, Loads: []rundir.Load{},
	}
}

// A writer writes the generations of an import.
type writer struct {
	*index
	runID  string
	table  *data.TableWriter[data.Generation]
	items  *data.ItemHash
	types  map[string]string // of preferences
	known  data.Preferences
	result Result
	counts rundir.Counts
	likely bool // of some the likeliest option was taken
}

func (x *index) writer(runID, out string) (*writer, error) {
	clear(x.times) // the files are gone through once more
	known, err := data.DefaultPreferences()
	if err != nil {
		return nil, err
	}
	table, err := data.CreateTable[data.Generation](filepath.Join(out, generations))
	if err != nil {
		return nil, &hint.Error{Err: err, Hint: "choose a directory you may write to with --out"}
	}
	return &writer{
		index: x, runID: runID, table: table, items: data.NewItemHash(x.items()), types: make(map[string]string), known: known,
		counts: rundir.Counts{Reasons: make(map[string]int)},
	}, nil
}

// answers says who read the answers.
func (w *writer) answers() string {
	switch {
	case w.result.Letters != nil:
		return rundir.AnsweredByLabel
	case w.likely:
		return rundir.AnsweredByLikelihood
	default:
		return rundir.AnsweredByRules
	}
}

// add writes an answer: for its item, or, of a baseline that names no preference,
// for each item of its question.
func (w *writer) add(a *answered) error {
	k, q := w.keyOf(place{}, a)
	if _, ok := w.index.answers[k]; !ok || q.said != a.said() {
		return fatalError{errors.New("the file changed while it was read; import it again")}
	}
	g := w.generation(a)
	if k = w.item(k); a.setting != prompt.None || k.preference != unknown || len(q.asks) == 0 {
		return w.write(g, q, q.of(k.preference))
	}
	return w.writeAll(g, q)
}

// addAgain writes an answer that asks again, for each item of its question.
func (w *writer) addAgain(a *answered) error {
	k, q, ok := w.keyAgain(a, w.times)
	if !ok {
		return nil
	}
	g := w.generation(a)
	g.Control, g.Repeat = string(w.names[k.cell].Control), k.repeat
	if len(q.asks) == 0 {
		return w.write(g, q, nil)
	}
	return w.writeAll(g, q)
}

// writeAll writes a generation of each item of a question.
func (w *writer) writeAll(g data.Generation, q *question) error {
	for i := range q.asks {
		if err := w.write(g, q, &q.asks[i]); err != nil {
			return err
		}
	}
	return nil
}

// of is the item of a question under a preference; nil where that is not known.
func (q *question) of(preference int32) *ask {
	if preference == unknown {
		return nil
	}
	return q.ask(preference, 0)
}

// write writes a generation of an item.
func (w *writer) write(g data.Generation, q *question, of *ask) error {
	g.ItemID, g.QuestionID = q.id, q.same
	seen := &q.seen
	if of != nil {
		seen = &of.seen
		g.Preference, g.PreferenceType = w.texts[of.preference].text, w.texts[of.preference].kind
		if g.Preference != "" && g.PreferenceType == "" {
			g.PreferenceType = w.typeOf(g.Preference)
		}
		if len(q.asks) > 1 {
			g.ItemID, g.QuestionID = fmt.Sprintf("%s#%d", q.id, of.number), cmp.Or(q.same, q.id)
		}
		if g.Setting == string(prompt.Relevant) && g.Preference != "" {
			g.Preferences = []string{g.Preference}
		}
	}
	if !*seen {
		*seen = true
		gold, _ := data.LetterIndex(g.Gold, len(g.Options))
		w.items.Add(data.Item{
			ID: g.ItemID, Source: g.Source, Category: g.Category, Question: g.Question, Options: g.Options, Gold: gold,
			Preference: g.Preference, PreferenceType: data.PreferenceType(g.PreferenceType),
		})
	}
	w.count(g)
	return w.table.Write(g)
}

func (w *writer) typeOf(preference string) string {
	kind, ok := w.types[preference]
	if !ok {
		kind = string(w.known.TypeOf(preference))
		w.types[preference] = kind
	}
	return kind
}

// count counts a generation.
func (w *writer) count(g data.Generation) {
	w.counts.Planned++
	if g.Status == data.StatusError {
		w.counts.Failed++
		w.counts.Reasons[g.Error]++
	} else {
		w.counts.OK++
	}
	cell := results.CellOf(g.Variant, g.Method, g.Setting, g.Control)
	at := slices.IndexFunc(w.result.Cells, func(c Cell) bool { return c.Cell == cell })
	if at < 0 {
		at = len(w.result.Cells)
		w.result.Cells = append(w.result.Cells, Cell{Cell: cell})
	}
	w.result.Cells[at].N++
}

// generation is an answer as the table has it, but for what tells its item.
func (w *writer) generation(a *answered) data.Generation {
	g := data.Generation{
		RunID: w.runID, Source: a.source, Category: a.category, Question: a.question, Options: a.options, Gold: data.Letter(a.gold),
		Setting: string(a.setting), Method: string(a.method), Repeat: a.repeat,
		Model: a.model.Name, Variant: a.model.Variant, Family: a.model.Family, ParameterSize: a.model.ParameterSize, Quantization: a.model.Quantization,
		Response: a.response, Status: data.StatusOK, DoneReason: a.doneReason,
	}
	if a.doneReason == "length" {
		g.Status = data.StatusTruncated
	}
	option, ok := w.read(a, &g)
	if g.AnswerFrom == "" && a.response == nil {
		g.Status, g.Error = data.StatusError, NoResponse
		return g
	}
	if ok {
		g.Answer = new(data.Letter(option))
	}
	g.Correct = new(ok && option == a.gold)
	return g
}

// read says which option an answer chooses; false where none can be read. Who
// read it is noted.
func (w *writer) read(a *answered, g *data.Generation) (option int, ok bool) {
	switch {
	case a.lettered && (a.letter != nil || a.response != nil):
		if w.result.Letters == nil {
			w.result.Letters = &Letters{}
		}
		g.AnswerFrom = data.FromLabel
		if a.letter == nil {
			w.result.Letters.Missing++
			return 0, false
		}
		if option, ok = data.ReadLetter(*a.letter, len(a.options)); ok {
			w.result.Letters.Options++
		} else {
			w.result.Letters.None++
		}
		return option, ok
	case a.likeliest >= 0:
		g.AnswerFrom, w.likely = data.FromLabel, true
		return a.likeliest, true
	case a.response == nil:
		return 0, false
	}
	read, ok := extract.Rules(*a.response, a.options)
	if g.AnswerFrom = read.Rule; !ok {
		w.result.Unread++
		return 0, false
	}
	w.result.Read++
	return read.Option, true
}
