package page

import (
	"perg/harness/metrics"
	"perg/harness/stats"
)

// A Breakage counts the answers of a cell that broke, over the items of one
// source with one type of preference.
type Breakage struct {
	Variant, Method, Setting string
	Source, PreferenceType   string // "": the items have none
	stats.Rate                      // broken, of Q*
}

// breakages crosses sources with types of preference, in the cells whose
// setting states an item's own preference: elsewhere its type means nothing.
// Groups without an item in Q* are left out.
func breakages(t *metrics.Table) ([]Breakage, error) {
	cells, err := t.Cells("")
	if err != nil {
		return nil, err
	}
	ids := t.IDs()
	var all []Breakage
	for _, c := range cells {
		if !c.Setting.Judged() {
			continue
		}
		type group struct{ source, kind string }
		at := make(map[group]int)
		for i, pairs := range c.PairsOf(ids) {
			it := t.Items[i]
			for _, p := range pairs {
				if !p.BaselineCorrect() {
					continue
				}
				g := group{it.Source, it.PreferenceType}
				j, ok := at[g]
				if !ok {
					j = len(all)
					at[g] = j
					all = append(all, Breakage{
						Variant: c.Variant, Method: string(c.Method), Setting: string(c.Setting),
						Source: it.Source, PreferenceType: it.PreferenceType,
					})
				}
				all[j].Of++
				if p.Broken() {
					all[j].Count++
				}
			}
		}
	}
	return all, nil
}

// sum adds up the breakages for which keep is true by a name of theirs, in
// order of appearance.
func sum(all []Breakage, keep func(Breakage) bool, name func(Breakage) string) (names []string, rates map[string]stats.Rate) {
	rates = make(map[string]stats.Rate)
	for _, b := range all {
		if !keep(b) {
			continue
		}
		n := name(b)
		r, seen := rates[n]
		if !seen {
			names = append(names, n)
		}
		r.Count += b.Count
		r.Of += b.Of
		rates[n] = r
	}
	return names, rates
}
