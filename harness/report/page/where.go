package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/advise"
	"perg/harness/explore"
	"perg/harness/metrics"
	"perg/harness/results"
	"perg/harness/stats"
)

// where is what the page shows of broken answers, or why it shows none.
type where struct {
	Title    string
	Overall  heat
	Breakers []breaker
	Missing  string
}

// A breaker is a variant that breaks answers: where, and some of them.
type breaker struct {
	Title    string // which it is, and where it breaks most
	Heat     heat
	Examples []Example
}

// A heat is a table of rates whose cells are coloured, by source and type of
// preference.
type heat struct {
	Caption string
	Kinds   []string
	Rows    []heatRow
}

type heatRow struct {
	Source string
	Cells  []heatCell
}

// A heatCell is one rate. Its colour is as strong as it is high, in percent of the
// scale: the same in every heat map.
type heatCell struct {
	stats.Rate
	Text   string
	Heat   int
	Few    bool // too few items to say much
	Behind behind
}

// where shows where the variants that break most often do.
func (r Run) where(l lead) (w where) {
	breaking := l.breaking(r.Metrics)
	if len(breaking) == 0 {
		w.Missing = "Where answers break is left out: none did, as far as is known."
		return w
	}
	w.Title = "Where answers break, and how"
	var order []string
	for _, m := range r.Metrics {
		if m.Source != metrics.All && !slices.Contains(order, m.Source) {
			order = append(order, m.Source)
		}
	}
	own := func(variant string) []Breakage {
		return slices.DeleteFunc(slices.Clone(r.Breakages), func(b Breakage) bool {
			return b.Method != l.Method || b.Setting != l.Setting || variant != "" && b.Variant != variant
		})
	}
	if cells := l.cells(r.Metrics); len(cells) > 1 {
		together := "Both variants together"
		if len(cells) > 2 {
			together = fmt.Sprintf("All %d variants together", len(cells))
		}
		w.Overall = r.heatOf(together, l, "", own(""), order, len(cells))
		// The variants answered the same items, so they count as repeats do.
		repeats := 0
		for _, m := range cells {
			repeats += int(m.Repeats)
		}
		if said := kindsSaid(kinds(own("")), repeats, "%s preferences break most answers: %s of those that were right", "No type of preference clearly breaks most answers: %s overlap"); said != "" {
			w.Title = title(said)
		}
	}
	for _, m := range breaking[:min(brokenVariants, len(breaking))] {
		b := breaker{Heat: r.heatOf("Breakage Rate of "+r.label(m.Variant), l, m.Variant, own(m.Variant), order, 1)}
		b.Title = fmt.Sprintf("%s breaks %s of what it gets right", r.label(m.Variant), rate(m.BreakageRate))
		if said := kindsSaid(kinds(own(m.Variant)), int(m.Repeats), "most under %s preferences, %s", "under no type of preference clearly most"); said != "" {
			b.Title += ", " + said
		}
		for _, e := range r.Examples {
			if e.Variant == m.Variant {
				b.Examples = append(b.Examples, e)
			}
		}
		w.Breakers = append(w.Breakers, b)
	}
	return w
}

// A kindRate is the breakage under one type of preference.
type kindRate struct {
	name string
	stats.Rate
}

// kinds are the breakages by type of preference, the highest rate first.
func kinds(all []Breakage) []kindRate {
	names, rates := sum(all, func(Breakage) bool { return true }, func(b Breakage) string { return b.PreferenceType })
	var sorted []kindRate
	for _, n := range names {
		sorted = append(sorted, kindRate{kindName(n), rates[n]})
	}
	slices.SortStableFunc(sorted, func(a, b kindRate) int { return cmp.Compare(*b.Value(), *a.Value()) })
	return sorted
}

// kindsSaid says under which of several types of preference most breaks: in the
// form clear, of its name and share, where one is told from all others, else in the
// form unclear, of those that may be it. "" where there is nothing to tell apart.
func kindsSaid(sorted []kindRate, repeats int, clear, unclear string) string {
	places := counted(sorted, repeats)
	if len(places) < 2 || *places[0].Value == 0 {
		return ""
	}
	heads := advise.Heads(places)
	shares := make([]string, len(heads))
	for i, h := range heads {
		at := slices.IndexFunc(sorted, func(k kindRate) bool { return k.name == h.Name })
		if shares[i] = share(sorted[at].Rate); len(heads) > 1 {
			shares[i] = h.Name + " " + shares[i]
		}
	}
	if len(heads) == 1 {
		return fmt.Sprintf(clear, heads[0].Name, shares[0])
	}
	if !strings.Contains(unclear, "%s") {
		return unclear
	}
	return fmt.Sprintf(unclear, listed(shares, "and"))
}

// heatOf has the sources in the given order. The items are of a variant under the
// page's method and setting, or, where that is "", of so many, which all answered the
// same.
func (r Run) heatOf(caption string, l lead, variant string, all []Breakage, order []string, variants int) heat {
	cellOf := func(rate stats.Rate, source, kind []string) heatCell {
		c := cellOf(rate, variants)
		values := map[explore.Facet][]string{explore.ByOutcome: {explore.OutcomeValue(results.Broken)}}
		if source != nil {
			values[explore.BySource] = source
		}
		if kind != nil {
			values[explore.ByPreferenceType] = kind
		}
		c.Behind = r.leads(variant, l.Method, l.Setting, values, rate.Count)
		return c
	}
	h := heat{Caption: caption}
	every := func(Breakage) bool { return true }
	types, byType := sum(all, every, func(b Breakage) string { return b.PreferenceType })
	sources, bySource := sum(all, every, func(b Breakage) string { return b.Source })
	slices.SortStableFunc(sources, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	slices.SortStableFunc(types, func(a, b string) int {
		known := data.PreferenceTypes()
		place := func(t string) int {
			if i := slices.Index(known, data.PreferenceType(t)); i >= 0 {
				return i
			}
			return len(known)
		}
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
	for _, t := range types {
		h.Kinds = append(h.Kinds, kindName(t))
	}
	h.Kinds = append(h.Kinds, metrics.All)
	total := stats.Rate{}
	for _, s := range sources {
		row := heatRow{Source: clean(s)}
		_, cells := sum(all, func(b Breakage) bool { return b.Source == s }, func(b Breakage) string { return b.PreferenceType })
		for _, t := range types {
			row.Cells = append(row.Cells, cellOf(cells[t], []string{s}, []string{t}))
		}
		row.Cells = append(row.Cells, cellOf(bySource[s], []string{s}, nil))
		total.Count += bySource[s].Count
		total.Of += bySource[s].Of
		h.Rows = append(h.Rows, row)
	}
	if len(sources) > 1 {
		row := heatRow{Source: metrics.All}
		for _, t := range types {
			row.Cells = append(row.Cells, cellOf(byType[t], nil, []string{t}))
		}
		h.Rows = append(h.Rows, heatRow{metrics.All, append(row.Cells, cellOf(total, nil, nil))})
	}
	return h
}

// few is the number of items below which a cell of a heat map says little.
const few = 10

func cellOf(r stats.Rate, variants int) heatCell {
	if r.Of == 0 {
		return heatCell{Few: true}
	}
	v := *r.Value()
	return heatCell{Rate: r, Text: fmt.Sprintf("%.0f"+blank+"%%", v*100), Heat: int(math.Round(v * 100)), Few: r.Of < few*variants}
}

// findings are the page's answer in a few sentences.
func (r Run) findings(l lead) []string {
	cells := l.cells(r.Metrics)
	places := r.places(cells, breakageRate, true)
	if len(places) == 0 {
		return nil
	}
	all := []string{l.where() + " " + r.breaksSaid(l, cells, places)}
	if worst := l.breaking(r.Metrics); len(worst) > 0 {
		sorted := kinds(slices.DeleteFunc(slices.Clone(r.Breakages), func(b Breakage) bool {
			return b.Variant != worst[0].Variant || b.Method != l.Method || b.Setting != l.Setting
		}))
		name := strings.ReplaceAll(r.label(worst[0].Variant), "%", "%%") // in a form
		if said := kindsSaid(sorted, int(worst[0].Repeats), name+" breaks most under %s preferences, %s.", "No type of preference clearly breaks most answers of "+name+": %s have intervals that overlap."); said != "" {
			all = append(all, said)
		}
	}
	if len(places) > 1 {
		all = append(all, r.robustSaid(cells))
	}
	return all
}

// breaksSaid says which variant breaks most often, and that none does where that is
// not shown.
func (r Run) breaksSaid(l lead, cells []data.Metric, places []advise.Place) string {
	if *places[0].Value == 0 {
		return "no answer broke: whatever a variant gets right without a preference it also gets right when one is stated" + unknown(cells, places) + "."
	}
	heads := advise.Heads(places)
	if len(heads) > 1 {
		return fmt.Sprintf("no variant clearly breaks most often: of the answers that are right without a preference %s turn wrong once one is stated, and their intervals overlap%s.",
			valued(heads), unknown(cells, places))
	}
	does := "breaks most often"
	if len(places) == 1 {
		does = "breaks"
	}
	worst := heads[0]
	return fmt.Sprintf("%s %s: of the answers it gets right without a preference, %s turn wrong once one is stated%s%s.",
		worst.Name, does, rate(worst.Value), interval(worst.Rated), unknown(cells, places))
}

// robustSaid says which variant is the most robust, by what is known of them.
func (r Run) robustSaid(cells []data.Metric) string {
	by := measures(cells)
	last := by[len(by)-1]
	places := r.places(cells, last, false)
	heads := advise.Heads(places)
	best := heads[0]
	rated := last.name == robustnessError.name
	switch {
	case len(places) == 1:
		return fmt.Sprintf("Of one variant alone %s is known: %s, %s.", last.name, best.Name, rate(best.Value))
	case len(heads) > 1 && rated:
		return fmt.Sprintf("No variant is clearly the most robust: not right or not as asked are %s, and their intervals overlap%s.", valued(heads), unknown(cells, places))
	case len(heads) > 1:
		return fmt.Sprintf("No variant clearly holds best: %s break, and their intervals overlap%s.", valued(heads), unknown(cells, places))
	case rated:
		return fmt.Sprintf("%s is the most robust: right and as asked in all but %s of those answers%s%s.", best.Name, rate(best.Value), interval(best.Rated), unknown(cells, places))
	}
	return fmt.Sprintf("%s holds best: %s of its right answers break%s%s.", best.Name, rate(best.Value), interval(best.Rated), unknown(cells, places))
}

// interval is that of a rate in brackets; "" where it is not known.
func interval(r advise.Rated) string {
	if s := span(r.Low, r.High); s != "" {
		return " (95" + blank + "% interval " + s + ")"
	}
	return ""
}
