package page

import (
	"fmt"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/advise"
	"perg/harness/metrics"
	"perg/harness/stats"
)

// mostListed is the number of names that a sentence lists.
const mostListed = 3

// places ranks cells by a measure, the least first, or the greatest where most is
// set.
func (r Run) places(cells []data.Metric, s measure, most bool) []advise.Place {
	rated := make([]advise.Rated, len(cells))
	for i, m := range cells {
		rated[i].Name = r.label(m.Variant)
		rated[i].Value, rated[i].Low, rated[i].High = s.of(m)
	}
	return advise.Places(rated, most)
}

// of are the cells of a variant over all items for which keep is true.
func (r Run) of(variant string, keep func(data.Metric) bool) []data.Metric {
	return slices.DeleteFunc(slices.Clone(r.Metrics), func(m data.Metric) bool {
		return m.Variant != variant || m.Source != metrics.All || !keep(m)
	})
}

// listed names things in a sentence, the first of many.
func listed(names []string, last string) string {
	if more := len(names) - mostListed; more > 0 {
		return strings.Join(names[:mostListed], ", ") + fmt.Sprintf(" %s %d more", last, more)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	n := len(names) - 1
	return strings.Join(names[:n], ", ") + " " + last + " " + names[n]
}

// valued names places with their rates.
func valued(places []advise.Place) string {
	names := make([]string, len(places))
	for i, p := range places {
		names[i] = p.Name + " " + rate(p.Value)
	}
	return listed(names, "and")
}

func namesOf(places []advise.Place) []string {
	names := make([]string, len(places))
	for i, p := range places {
		names[i] = p.Name
	}
	return names
}

// unknown says of how many of some cells a measure is not known; "" where of none.
func unknown(cells []data.Metric, places []advise.Place) string {
	if n := len(cells) - len(places); n > 0 {
		return fmt.Sprintf("; of %d more it is not known", n)
	}
	return ""
}

// A tally counts what stands out in each of several variants.
type tally struct {
	names   []string // in order of appearance
	of      map[string]int
	none    int // variants in which nothing does
	unknown int // variants in which there are not two to compare
}

// add counts the one that is told from all others in a variant.
func (t *tally) add(places []advise.Place) {
	heads := advise.Heads(places)
	switch {
	case len(places) < 2:
		t.unknown++
	case len(heads) > 1:
		t.none++
	default:
		if t.of == nil {
			t.of = make(map[string]int)
		}
		if t.of[heads[0].Name] == 0 {
			t.names = append(t.names, heads[0].Name)
		}
		t.of[heads[0].Name]++
	}
}

// compared is the number of variants in which there was something to compare.
func (t *tally) compared() int {
	n := t.none
	for _, k := range t.of {
		n += k
	}
	return n
}

// said is "A does in 3 of 6 variants, B in 1; in 2 none stands out": what each does
// in how many. It names all.
func (t *tally) said(does, nothing string) string {
	n := t.compared()
	variants := plural(n, "variant", "variants")
	text := ""
	switch {
	case len(t.names) == 0 && n == 1:
		text = nothing
	case len(t.names) == 0:
		text = nothing + " in any of " + variants
	default:
		names := slices.Clone(t.names)
		slices.SortStableFunc(names, func(a, b string) int { return t.of[b] - t.of[a] })
		text = fmt.Sprintf("%s %s in %d of %s", title(names[0]), does, t.of[names[0]], variants)
		for _, name := range names[1:] {
			text += fmt.Sprintf(", %s in %d", name, t.of[name])
		}
		if t.none > 0 {
			text += fmt.Sprintf("; in %d none stands out", t.none)
		}
	}
	if t.unknown > 0 {
		text += fmt.Sprintf("; %d more cannot be compared", t.unknown)
	}
	return text
}

// counted ranks types of preference by the share that breaks, the worst first. Each
// item is asked so many times.
func counted(kinds []kindRate, repeats int) []advise.Place {
	rated := make([]advise.Rated, len(kinds))
	for i, k := range kinds {
		rated[i].Name, rated[i].Value = k.name, k.Value()
		rated[i].Low, rated[i].High = stats.Wilson(k.Rate, repeats)
	}
	return advise.Places(rated, true)
}
