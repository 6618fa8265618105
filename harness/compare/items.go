package compare

import (
	"fmt"
	"path/filepath"
	"slices"

	"perg/data"
)

// An item is what two runs must agree on to be compared over it.
type item struct {
	ID         string   `parquet:"item_id"`
	Question   string   `parquet:"question"`
	Options    []string `parquet:"options,list"`
	Gold       string   `parquet:"gold"`
	Preference string   `parquet:"preference"`
}

// SameItems reads the items of two runs, and fails where an id is of different
// items in them: then nothing is paired.
func SameItems(runA, runB string) error {
	items := make(map[string]item)
	for it, err := range data.ReadTable[item](filepath.Join(runA, "generations")) {
		if err != nil {
			return err
		}
		items[it.ID] = it
	}
	for b, err := range data.ReadTable[item](filepath.Join(runB, "generations")) {
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

func (it item) differs(o item) string {
	switch {
	case it.Question != o.Question:
		return "question"
	case !slices.Equal(it.Options, o.Options):
		return "list of options"
	case it.Gold != o.Gold:
		return "right answer"
	case it.Preference != o.Preference:
		return "preference"
	}
	return ""
}
