package page

import (
	"fmt"
	"math"
	"slices"

	"perg/harness/metrics"
	"perg/harness/prompt"
)

// improvement shows what pref-aligner changes against zero-shot in each
// variant; other methods are in the table.
func (r Run) improvement(l lead) (figure, string) {
	f := figure{ID: "improvement", Chart: chart{Kind: "dots"}}
	if !slices.ContainsFunc(r.Improvements, func(i metrics.Improvement) bool { return i.Method == prompt.PrefAligner }) {
		return f, "What pref-aligner improves is left out: it takes a run of zero-shot and pref-aligner. More: perg run --methods zero-shot,pref-aligner."
	}
	row := make(map[string]int)
	for i, m := range l.cells(r.Metrics) {
		row[m.Variant] = i
		f.Chart.Rows = append(f.Chart.Rows, r.label(m.Variant))
	}
	var settings []string
	for _, s := range prompt.Settings() {
		if slices.ContainsFunc(r.Improvements, func(i metrics.Improvement) bool { return i.Method == prompt.PrefAligner && i.Setting == s }) {
			settings = append(settings, string(s))
		}
	}
	for _, s := range settings {
		f.Keys = append(f.Keys, key{s, style(s)})
	}
	changes := []struct {
		name string
		of   func(metrics.Improvement) metrics.Difference
	}{
		{breakageRate.name, func(i metrics.Improvement) metrics.Difference { return i.Breakage }},
		{alignmentFailure.name, func(i metrics.Improvement) metrics.Difference { return i.Alignment }},
		{robustnessError.name, func(i metrics.Improvement) metrics.Difference { return i.Robustness }},
	}
	f.Table = table{Head: []string{"Variant", "Method", "Setting"}, Words: 3}
	for _, c := range changes {
		p := panel{X: c.name + ", change in points", Unit: "points", Signed: true}
		for _, i := range r.Improvements {
			d := c.of(i)
			at, ok := row[i.Variant]
			if i.Method != prompt.PrefAligner || d.Value == nil || !ok {
				continue
			}
			p.Points = append(p.Points, point{
				Row: at, Key: slices.Index(settings, string(i.Setting)), X: rounded(*d.Value * 100), XLow: hundred(d.Low), XHigh: hundred(d.High), Says: points(d),
			})
			if c.name == breakageRate.name {
				last := &p.Points[len(p.Points)-1]
				last.At = r.discordant(i.Variant, string(i.Method), string(i.Setting), prompt.ZeroShot).Href
			}
		}
		if len(p.Points) > 0 {
			f.Chart.Panels = append(f.Chart.Panels, p)
		}
		f.Table.Head = append(f.Table.Head, c.name)
	}
	if len(f.Chart.Panels) == 0 {
		return f, "What pref-aligner improves is left out: no metric is known for both methods."
	}
	f.Table.Head = append(f.Table.Head, "of zero-shot's Robustness Error")
	for _, i := range r.Improvements {
		line := []string{r.label(i.Variant), string(i.Method), string(i.Setting)}
		for _, c := range changes {
			line = append(line, points(c.of(i)))
		}
		relative := "–"
		if v := i.Relative.Value; v != nil {
			relative = fmt.Sprintf("%s %%", signed(*v*100, 0))
			if i.Relative.Low != nil && i.Relative.High != nil {
				relative += fmt.Sprintf(" (%s to %s)", signed(*i.Relative.Low*100, 0), signed(*i.Relative.High*100, 0))
			}
		}
		f.Table.Rows = append(f.Table.Rows, append(line, relative))
		if i.Breakage.Value != nil {
			f.Table.link(3, r.discordant(i.Variant, string(i.Method), string(i.Setting), prompt.ZeroShot))
		}
	}
	f.Title, f.At = r.improvementTitle(l), l.Setting
	f.Lead = "pref-aligner minus zero-shot over the same items, in percentage points: left of the line it is better. The interval of a difference that is beyond chance does not cross the line."
	f.Note = "Lines are 95 % intervals of the difference, paired by item."
	return f, ""
}

// improvementTitle counts the variants in which pref-aligner lowers errors, and
// those in which it raises them, beyond chance: under the page's setting, by
// Robustness Error, or by Breakage Rate where that is not known of all.
func (r Run) improvementTitle(l lead) string {
	own := slices.DeleteFunc(slices.Clone(r.Improvements), func(i metrics.Improvement) bool {
		return i.Method != prompt.PrefAligner || string(i.Setting) != l.Setting
	})
	name := robustnessError.name
	of := func(i metrics.Improvement) metrics.Difference { return i.Robustness }
	if slices.ContainsFunc(own, func(i metrics.Improvement) bool { return i.Robustness.Value == nil }) {
		name = breakageRate.name
		of = func(i metrics.Improvement) metrics.Difference { return i.Breakage }
	}
	known, lowers, raises := 0, 0, 0
	for _, i := range own {
		d := of(i)
		if d.Low == nil || d.High == nil {
			continue
		}
		known++
		switch {
		case *d.High < 0:
			lowers++
		case *d.Low > 0:
			raises++
		}
	}
	variants := plural(known, "variant", "variants")
	var text string
	switch {
	case known == 0:
		return "What pref-aligner changes"
	case lowers+raises == 0:
		return fmt.Sprintf("Pref-aligner does not change the %s beyond chance in %s", name, variants)
	case raises == 0:
		text = fmt.Sprintf("Pref-aligner lowers the %s beyond chance in %d of %s", name, lowers, variants)
	case lowers == 0:
		text = fmt.Sprintf("Pref-aligner raises the %s beyond chance in %d of %s", name, raises, variants)
	default:
		text = fmt.Sprintf("Pref-aligner lowers the %s beyond chance in %d and raises it in %d of %s", name, lowers, raises, variants)
	}
	return text
}

// points shows a difference in percentage points.
func points(d metrics.Difference) string {
	if d.Value == nil {
		return "–"
	}
	s := signed(*d.Value*100, 1)
	if d.Low != nil && d.High != nil {
		s += fmt.Sprintf(" (%s to %s)", signed(*d.Low*100, 1), signed(*d.High*100, 1))
	}
	return s
}

// signed shows a number with its sign, a true minus.
func signed(v float64, decimals int) string {
	s := fmt.Sprintf("%.*f", decimals, math.Abs(v))
	switch {
	case s == fmt.Sprintf("%.*f", decimals, 0.0):
		return s
	case v < 0:
		return "−" + s
	}
	return "+" + s
}
