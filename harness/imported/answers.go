package imported

import (
	"errors"
	"path/filepath"
	"sync"

	"perg/data"
	"perg/harness/results"
	"perg/harness/rundir"
	"perg/harness/store"
	"perg/harness/task"
	"perg/models"
)

// Answers are the generations of an imported run, to be rated. Several goroutines
// may use them.
type Answers struct {
	Items data.Dataset

	tables results.Tables
	run    *results.Reader
	places results.Places // a generation's row

	mu   sync.Mutex
	rows *data.RowReader[answerRow]
}

// An answerRow is what is read of data.Generation.
type answerRow struct {
	Response   *string `parquet:"response"`
	Answer     *string `parquet:"answer"`
	AnswerFrom string  `parquet:"answer_from"`
	Status     string  `parquet:"status"`
	Error      string  `parquet:"error"`
}

// Open opens the answers of the imported run in dir. Close them when nothing is
// rated any more.
func Open(dir string, m rundir.Manifest) (*Answers, error) {
	tables, err := results.Open(dir)
	if err != nil {
		return nil, err
	}
	a := &Answers{tables: tables, run: results.NewReader(tables, results.Panel{})}
	if err := a.load(dir, m); err != nil {
		tables.Close()
		return nil, err
	}
	a.rows = data.NewRowReader[answerRow](tables.Generations)
	return a, nil
}

func (a *Answers) load(dir string, m rundir.Manifest) error {
	for g, err := range a.run.Generations(nil, nil) {
		if err != nil {
			return err
		}
		for row := range g.Rows {
			a.places.Set(g.Cell[row], g.Item[row], g.Repeat[row], int32(g.Row+row))
		}
	}
	a.Items = data.Dataset{Name: m.Dataset.Name, SHA256: m.Dataset.SHA256}
	seen := make(map[string]bool, len(a.run.Items))
	for g, err := range data.ReadTable[itemRow](filepath.Join(dir, generations)) {
		if err != nil {
			return err
		}
		if seen[g.ItemID] {
			continue
		}
		seen[g.ItemID] = true
		gold, _ := data.LetterIndex(g.Gold, len(g.Options))
		a.Items.Items = append(a.Items.Items, data.Item{
			ID: g.ItemID, Source: g.Source, Category: g.Category, Question: g.Question, Options: g.Options, Gold: gold,
			Preference: g.Preference, PreferenceType: data.PreferenceType(g.PreferenceType),
		})
	}
	return nil
}

// An itemRow is what data.Generation has of the item.
type itemRow struct {
	ItemID         string   `parquet:"item_id"`
	Source         string   `parquet:"source"`
	Category       string   `parquet:"category"`
	Question       string   `parquet:"question"`
	Options        []string `parquet:"options,list"`
	Gold           string   `parquet:"gold"`
	Preference     string   `parquet:"preference"`
	PreferenceType string   `parquet:"preference_type"`
}

// Unnamed is the number of items whose preference is not known: nobody can say
// whether it was followed.
func (a *Answers) Unnamed() (n int) {
	for _, it := range a.Items.Items {
		if it.Preference == "" {
			n++
		}
	}
	return n
}

// Given gives a generation, as [task.Given].
func (a *Answers) Given(g task.Generation) (task.Evaluated, error) {
	s := task.Evaluated{Generation: g}
	cell, item := a.run.Find(results.Key{Cell: results.CellOf(g.Variant.Label, string(g.Method), string(g.Setting), string(g.Control)), ItemID: g.Item.ID})
	n, ok := a.places.Find(cell, item, int32(g.Repeat))
	if !ok {
		return s, task.ErrNotGiven
	}
	a.mu.Lock()
	row, err := a.rows.At(int(n))
	a.mu.Unlock()
	if err != nil {
		return s, err
	}
	if row.Status == data.StatusError {
		s.Err = errors.New(row.Error)
		return s, nil
	}
	s.Answer = &task.Answer{From: row.AnswerFrom}
	if row.Answer != nil {
		s.Answer.Letter = *row.Answer
	}
	if row.Response != nil {
		s.Response, s.Reply = *row.Response, &store.Reply{Response: models.Response{Content: *row.Response}}
	}
	return s, nil
}

// Close closes the tables.
func (a *Answers) Close() error {
	a.rows.Close()
	return a.tables.Close()
}
