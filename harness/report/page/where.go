package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"perg/data"
	"perg/harness/metrics"
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

// A heatCell is one rate. Its level is a colour from 0, pale, to 5.
type heatCell struct {
	stats.Rate
	Text  string
	Level int
	Few   bool // too few items to say much
}

// levels is the number of colours of a heat map.
const levels = 6

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
		w.Overall = heatOf(fmt.Sprintf("All %d variants together", len(cells)), own(""), order)
		// The variants answered the same items, so they count as repeats do.
		if kind, chance, ok := worstKind(own(""), len(cells)*int(cells[0].Repeats)); ok {
			w.Title = fmt.Sprintf("%s preferences break most answers%s: %s of those that were right", title(kind.name), chance, share(kind.Rate))
		}
	}
	for _, m := range breaking[:min(brokenVariants, len(breaking))] {
		b := breaker{Heat: heatOf("Breakage Rate of "+r.label(m.Variant), own(m.Variant), order)}
		b.Title = fmt.Sprintf("%s breaks %s of what it gets right", r.label(m.Variant), rate(m.BreakageRate))
		if kind, chance, ok := worstKind(own(m.Variant), int(m.Repeats)); ok {
			b.Title += ", most under " + kind.name + " preferences" + chance + ": " + share(kind.Rate)
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

// worstKind is the type of preference under which most breaks, where there are
// several; chance says so where that may be chance.
func worstKind(all []Breakage, repeats int) (worst kindRate, chance string, ok bool) {
	sorted := kinds(all)
	if len(sorted) < 2 || sorted[0].Count == 0 {
		return worst, "", false
	}
	if overlap(sorted[0].Rate, sorted[len(sorted)-1].Rate, repeats) {
		chance = ", perhaps by chance"
	}
	return sorted[0], chance, true
}

// heatOf has the sources in the given order.
func heatOf(caption string, all []Breakage, order []string) heat {
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
			row.Cells = append(row.Cells, cellOf(cells[t]))
		}
		row.Cells = append(row.Cells, cellOf(bySource[s]))
		total.Count += bySource[s].Count
		total.Of += bySource[s].Of
		h.Rows = append(h.Rows, row)
	}
	if len(sources) > 1 {
		row := heatRow{Source: metrics.All}
		for _, t := range types {
			row.Cells = append(row.Cells, cellOf(byType[t]))
		}
		h.Rows = append(h.Rows, heatRow{metrics.All, append(row.Cells, cellOf(total))})
	}
	return h
}

// few is the number of items below which a cell of a heat map says little.
const few = 10

// cellOf colours a rate. A colour means the same rate in every heat map: the
// strongest is a half and more.
func cellOf(r stats.Rate) heatCell {
	if r.Of == 0 {
		return heatCell{Few: true}
	}
	v := *r.Value()
	return heatCell{r, fmt.Sprintf("%.0f"+blank+"%%", v*100), min(int(math.Ceil(v*2*(levels-1))), levels-1), r.Of < few}
}

// findings are the page's answer in a few sentences.
func (r Run) findings(l lead) []string {
	cells, breaking := l.cells(r.Metrics), l.breaking(r.Metrics)
	known := slices.DeleteFunc(slices.Clone(cells), func(m data.Metric) bool { return m.BreakageRate == nil })
	if len(known) == 0 {
		return nil
	}
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if len(breaking) == 0 {
		say("No answer broke: whatever a variant gets right without a preference it also gets right when one is stated.")
	} else {
		worst := breaking[0]
		most := "breaks most often"
		if len(known) == 1 {
			most = "breaks"
		}
		say("%s %s: of the answers it gets right without a preference, %s turn wrong once one is stated (95 %% interval %s).",
			r.label(worst.Variant), most, rate(worst.BreakageRate), span(worst.BreakageRateLow, worst.BreakageRateHigh))
		sorted := kinds(slices.DeleteFunc(slices.Clone(r.Breakages), func(b Breakage) bool {
			return b.Variant != worst.Variant || b.Method != l.Method || b.Setting != l.Setting
		}))
		if len(sorted) > 1 {
			top, bottom := sorted[0], sorted[len(sorted)-1]
			text := fmt.Sprintf("It breaks most under %s preferences, %s, and least under %s, %s.", top.name, share(top.Rate), bottom.name, share(bottom.Rate))
			if overlap(top.Rate, bottom.Rate, int(worst.Repeats)) {
				text += " With so few items that may be chance: the intervals overlap."
			}
			all = append(all, text)
		}
	}
	best := known[0]
	switch {
	case len(known) == 1:
	case best.RobustnessError != nil:
		say("%s is the most robust: right and as asked in all but %s of those answers (%s).", r.label(best.Variant), rate(best.RobustnessError), span(best.RobustnessErrorLow, best.RobustnessErrorHigh))
	default:
		say("%s holds best: %s of its right answers break (%s).", r.label(best.Variant), rate(best.BreakageRate), span(best.BreakageRateLow, best.BreakageRateHigh))
	}
	return all
}
