package page

import (
	"cmp"
	"fmt"
	"slices"

	"perg/data"
	"perg/harness/advise"
)

// bySize shows error and speed against bits per weight, a line for each model
// that was run at several, and for each type of its KV cache.
func (r Run) bySize(l lead) (figure, string) {
	f := figure{ID: "quantization", Chart: chart{Kind: "lines"}}
	type at struct {
		Variant
		data.Metric
	}
	var names []string
	series := make(map[string][]at)
	cells := l.cells(r.Metrics)
	for _, v := range r.Variants {
		i := slices.IndexFunc(cells, func(m data.Metric) bool { return m.Variant == v.Name })
		if v.Series == "" || v.Bits == 0 || i < 0 {
			continue
		}
		name := v.Series
		if slices.ContainsFunc(r.Variants, func(o Variant) bool { return o.Series == v.Series && o.KVCache != v.KVCache }) {
			name += ", KV cache " + v.KVCache // which costs bits of its own
		}
		if series[name] == nil {
			names = append(names, name)
		}
		series[name] = append(series[name], at{v, cells[i]})
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		s := series[n]
		slices.SortStableFunc(s, func(a, b at) int { return cmp.Compare(a.Bits, b.Bits) })
		return s[0].Bits == s[len(s)-1].Bits
	})
	if len(names) == 0 {
		return f, "A sweep over quantizations is left out: no model was run at two of them. More: perg run --quantize q8_0,q4_K_M."
	}
	by := measures(cells)
	if len(by) == 0 {
		return f, "A sweep over quantizations is left out: the run has no metrics of its variants."
	}
	shown := by[len(by)-1] // Robustness Error, or Breakage Rate where nothing was rated
	errors := panel{X: "bits per weight", Y: shown.name + ", %", Unit: "%", Top: 100}
	speed := panel{X: "bits per weight", Y: "output tokens per second", Unit: "tokens/s"}
	f.Table = table{Head: []string{"Model", "Quantization", "Bits per weight", shown.name, "Output tokens/s"}, Words: 2}
	worse, better, unknown := 0, 0, 0
	for k, name := range names {
		f.Keys = append(f.Keys, key{clean(name), k % palette})
		s := series[name]
		for _, q := range s {
			v, low, high := shown.of(q.Metric)
			if v != nil {
				errors.Points = append(errors.Points, point{
					Key: k, X: rounded(q.Bits), Y: rounded(*v * 100), YLow: hundred(low), YHigh: hundred(high), Name: r.label(q.Name), Says: within(v, low, high),
				})
			}
			tokens := "–"
			if t := q.OutputTokensPerSecond; t != nil {
				tokens = number(*t)
				speed.Points = append(speed.Points, point{Key: k, X: rounded(q.Bits), Y: rounded(*t), Name: r.label(q.Name), Says: tokens + " tokens/s"})
			}
			f.Table.Rows = append(f.Table.Rows, []string{clean(name), clean(q.Variant.Quantization), number(q.Bits), within(v, low, high), tokens})
		}
		few, most := s[0], s[len(s)-1]
		order := advise.Places([]advise.Rated{ratedAs("few", shown, few.Metric), ratedAs("most", shown, most.Metric)}, true)
		switch heads := advise.Heads(order); {
		case len(order) < 2:
			unknown++
		case len(heads) == 2:
		case heads[0].Name == "few":
			worse++
		default:
			better++
		}
	}
	f.Chart.Panels = []panel{errors}
	if len(speed.Points) > 0 {
		f.Chart.Panels = append(f.Chart.Panels, speed)
	}
	few, most := series[names[0]][0], series[names[0]][len(series[names[0]])-1]
	a, _, _ := shown.of(few.Metric)
	b, _, _ := shown.of(most.Metric)
	chance := ", within chance"
	if worse+better > 0 {
		chance = ""
	}
	if len(names) == 1 && a != nil && b != nil {
		f.Title = fmt.Sprintf("%s at %s bits per weight: %s %s, against %s at %s%s", clean(names[0]), number(few.Bits), shown.name, rate(a), rate(b), number(most.Bits), chance)
	} else {
		f.Title = sweptTitle(len(names), worse, better, unknown)
	}
	f.At = l.at()
	f.Lead = fmt.Sprintf("Method %s, setting %s. Bits per weight are those of whole files: embeddings and output keep more than a quantization's name says. Speed is that of one slot while it generates.", l.Method, l.Setting)
	f.Note = "Vertical lines are 95 % intervals; one measurement of speed has none. 'perg compare RUN' pairs each variant with its most precise sibling, item by item."
	return f, ""
}

func ratedAs(name string, s measure, m data.Metric) advise.Rated {
	v, low, high := s.of(m)
	return advise.Rated{Name: name, Value: v, Low: low, High: high}
}

// sweptTitle says how many of several models are worse at their fewest bits than at
// their most, and how many better, beyond their intervals.
func sweptTitle(models, worse, better, unknown int) string {
	compared := models - unknown
	var text string
	switch {
	case compared == 0:
		return "Error and speed by bits per weight"
	case worse+better == 0 && compared == 2:
		text = "Neither model gets measurably worse with quantization"
	case worse+better == 0 && compared == 1:
		text = "One model does not get measurably worse with quantization"
	case worse+better == 0:
		text = fmt.Sprintf("None of %d models gets measurably worse with quantization", compared)
	default:
		text = fmt.Sprintf("At their fewest bits %d of %s worse than at their most, beyond the intervals", worse, plural(compared, "model is", "models are"))
		if better > 0 {
			text += fmt.Sprintf(", %d better", better)
		}
	}
	if unknown > 0 {
		text += fmt.Sprintf("; of %d more it is not known", unknown)
	}
	return text
}
