package page

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strings"

	"perg/data"
	"perg/harness/metrics"
)

// cell is the method and setting beside a sentence, which have to be those that the
// page leads with.
func (g reading) cell() (method, setting string, err error) {
	method, setting = primary(g.r)
	return method, setting, want(g.at.At == method+", "+setting, "it is of %s, %s, and says %q", method, setting, g.at.At)
}

// ranked are the bands by which variants are ranked: Robustness Error where any is
// known, else the Breakage Rate.
func (g reading) ranked() (all map[string]band, unknown int, rated bool) {
	method, setting := primary(g.r)
	if all, unknown = g.bands(method, setting, fails); len(all) > 0 {
		return all, unknown, true
	}
	all, unknown = g.bands(method, setting, breaks)
	return all, unknown, false
}

func valueOf(all map[string]band) func(string) string {
	return func(name string) string { return shows(math.Abs(all[name].v)) }
}

// best is for a sentence that one variant is the best, of so many.
func (g reading) best(name, count, unknown string, rated bool) error {
	all, left, by := g.ranked()
	return errors.Join(
		want(by == rated, "it is by another metric"),
		want(alone(all, name) && len(all) > 1, "%s is not told from all others: %v", name, all),
		want(count == "" || integer(count) == len(all), "there are %d", len(all)),
		g.unknownSaid(unknown, left))
}

// noBest is for one that none is; names are those that may be.
func (g reading) noBest(names, last, count, unknown string, rated bool, values bool) error {
	all, left, by := g.ranked()
	show := valueOf(all)
	if !values {
		show = nil
	}
	return errors.Join(
		want(by == rated, "it is by another metric"),
		want(!anyAlone(all), "one is told from all others: %v", all),
		want(count == "" || integer(count) == len(all), "there are %d", len(all)),
		heads(names, last, all, show),
		g.unknownSaid(unknown, left))
}

// standing counts the variants in which each name stands out, those in which none
// does, and those in which there are not two to compare.
func standing(by map[string]map[string]band) (of map[string]int, none, unknown int) {
	of = make(map[string]int)
	for _, bands := range by {
		out := ""
		for name := range bands {
			if alone(bands, name) {
				out = name
			}
		}
		switch {
		case len(bands) < 2:
			unknown++
		case out == "":
			none++
		default:
			of[out]++
		}
	}
	return of, none, unknown
}

var tallied = regexp.MustCompile(`^(\S+) (?:preferences break most answers|has the lowest [A-Z]\S+ [A-Z]\S+) in (\d+) of (\d+) variants?((?:, \S+ in \d+)*)(; in (\d+) none stands out)?(?:; (\d+) more cannot be compared)?$`)
var untallied = regexp.MustCompile(`^No (?:setting clearly breaks most answers|method clearly has the lowest [A-Z]\S+ [A-Z]\S+)(?: in any of (\d+) variants)?(?:; (\d+) more cannot be compared)?$`)

// tally holds a sentence about what stands out in how many variants.
func (g reading) tally(by map[string]map[string]band) error {
	of, none, unknown := standing(by)
	compared := none
	for _, n := range of {
		compared += n
	}
	opt := func(s string) int {
		if s == "" {
			return 0
		}
		return integer(s)
	}
	if m := untallied.FindStringSubmatch(g.at.Text); m != nil {
		return errors.Join(want(len(of) == 0 && none > 0, "there are that stand out: %v", of), want(max(opt(m[1]), 1) == compared, "%d are compared", compared), want(opt(m[2]) == unknown, "%d cannot be", unknown))
	}
	m := tallied.FindStringSubmatch(g.at.Text)
	if m == nil {
		return errors.New("not understood")
	}
	said := map[string]int{strings.ToLower(m[1]): integer(m[2])}
	for _, part := range strings.Split(m[4], ", ") {
		if name, n, ok := strings.Cut(part, " in "); ok {
			said[name] = integer(n)
		}
	}
	var err error
	for name, n := range of {
		err = errors.Join(err, want(said[name] == n, "%s stands out in %d", name, n))
	}
	return errors.Join(err, want(len(said) == len(of), "there are %v", of), want(integer(m[3]) == compared, "%d are compared", compared),
		want(opt(m[6]) == none, "none stands out in %d", none), want(opt(m[7]) == unknown, "%d cannot be compared", unknown))
}

// series are the fewest and most bits of each model that was run at several.
func (g reading) series() (pairs [][2]band, bits [][2]float64, unknown int, rated bool) {
	method, setting := primary(g.r)
	all, _, rated := g.ranked()
	type end struct {
		bits float64
		name string
	}
	ends := make(map[string][]end)
	for _, v := range g.r.Variants {
		if slices.ContainsFunc(g.r.Metrics, func(m data.Metric) bool {
			return m.Variant == v.Name && m.Method == method && m.Setting == setting && m.Source == "all"
		}) && v.Series != "" && v.Bits > 0 {
			ends[v.Series] = append(ends[v.Series], end{v.Bits, v.Name})
		}
	}
	for _, e := range ends {
		slices.SortFunc(e, func(a, b end) int { return int(1000 * (a.bits - b.bits)) })
		few, most := e[0], e[len(e)-1]
		if few.bits == most.bits {
			continue
		}
		a, okA := all[few.name]
		b, okB := all[most.name]
		if !okA || !okB {
			unknown++
			continue
		}
		pairs, bits = append(pairs, [2]band{a, b}), append(bits, [2]float64{few.bits, most.bits})
	}
	return pairs, bits, unknown, rated
}

// improved are the changes that pref-aligner makes under the setting a page leads
// with, by the metric that a sentence names.
func (g reading) improved(metric string) (all []metrics.Difference, rated bool) {
	_, setting := primary(g.r)
	rated = true
	for _, i := range g.r.Improvements {
		if i.Method == "pref-aligner" && string(i.Setting) == setting {
			rated = rated && i.Robustness.Value != nil
			d := i.Breakage
			if metric == "Robustness Error" {
				d = i.Robustness
			}
			if d.Low != nil && d.High != nil {
				all = append(all, d)
			}
		}
	}
	return all, rated
}

func (g reading) changes(metric, lowers, raises, of string) error {
	all, rated := g.improved(metric)
	n, m := 0, 0
	for _, d := range all {
		if *d.Value < 0 && *d.High < 0 {
			n++
		}
		if *d.Value > 0 && *d.Low > 0 {
			m++
		}
	}
	_, setting := primary(g.r)
	return errors.Join(want(g.at.At == setting, "it is of %s", setting), want((metric == "Robustness Error") == rated, "it is by another metric"),
		want(integer(lowers) == n && integer(raises) == m && integer(of) == len(all), "lower in %d, higher in %d of %d", n, m, len(all)))
}

func netOf(m data.Metric) (v, low, high *float64) {
	if m.NetBreakageLow == nil {
		return nil, nil, nil
	}
	return m.NetBreakage, m.NetBreakageLow, m.NetBreakageHigh
}

func (g reading) unread() map[string][2]float64 {
	method, setting := primary(g.r)
	all := make(map[string][2]float64)
	for _, m := range g.r.Metrics {
		if m.Source == "all" && m.Method == method && m.Setting == setting && m.Unread != nil && m.UnreadBaseline != nil {
			all[m.Variant] = [2]float64{*m.Unread, *m.UnreadBaseline}
		}
	}
	return all
}

// paper counts the paper's values that lie in intervals of the cells a page leads
// with; in a test's run all are over all items.
func (g reading) paper() (inside, judged int) {
	method, setting := primary(g.r)
	for _, b := range g.r.Published.Rows {
		if b.Method == method && b.Setting == setting && b.Source == "all" && b.Published != nil && b.Value != nil && b.Low != nil && b.High != nil {
			judged++
			if *b.Low <= *b.Published && *b.Published <= *b.High {
				inside++
			}
		}
	}
	return inside, judged
}
