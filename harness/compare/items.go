package compare

import (
	"fmt"
	"path/filepath"
	"slices"

	"perg/data"
)

// A wording is what two runs must agree on of an item to be compared over it.
type wording struct {
	ID         string   `parquet:"item_id"`
	Question   string   `parquet:"question"`
	Options    []string `parquet:"options,list"`
	Gold       string   `parquet:"gold"`
	Preference string   `parquet:"preference"`
}

// SameItems reads the items of two runs, and fails where an id is of different
// items in them: then nothing is paired.
func SameItems(runA, runB string) error {
	items := make(map[string]wording)
	for it, err := range data.ReadTable[wording](filepath.Join(runA, "generations")) {
		if err != nil {
			return err
		}
		items[it.ID] = it
	}
	for b, err := range data.ReadTable[wording](filepath.Join(runB, "generations")) {
		if err != nil {
			return err
		}
		a, ok := items[b.ID]
		if !ok {
			continue
		}
		if what := a.differs(b); what != "" {
			return fmt.Errorf("item %s has another %s in %s than in %s: they cannot be paired", b.ID, what, runB, runA)
		}
		delete(items, b.ID) // known to be the same
	}
	return nil
}

func (w wording) differs(o wording) string {
	switch {
	case w.Question != o.Question:
		return "question"
	case !slices.Equal(w.Options, o.Options):
		return "list of options"
	case w.Gold != o.Gold:
		return "right answer"
	case w.Preference != o.Preference:
		return "preference"
	}
	return ""
}
