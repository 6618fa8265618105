package advise

import (
	"cmp"
	"math"
	"slices"

	"perg/data"
	"perg/harness/metrics"
)

// A Rated is a rate, a fraction, with its 95 % interval; what is nil is not known.
type Rated struct {
	Name  string   `json:"variant"`
	Value *float64 `json:"value"`
	Low   *float64 `json:"low"`
	High  *float64 `json:"high"`
}

// A Place is where a rate comes among others, as far as intervals tell: it is the
// First to the Last, both from 1. They are equal where it is told from all others.
type Place struct {
	Rated
	First int `json:"first"`
	Last  int `json:"last"`
}

// A Ranking is of the models of a run, one variant of each, in one cell.
type Ranking struct {
	Metric  metrics.Metric `json:"metric"`
	Method  string         `json:"method"`
	Setting string         `json:"setting"`
	Places  []Place        `json:"places"`       // at least two
	Needed  int            `json:"items_needed"` // with which the first would be told, if the rates stay; 0: it is, or no number is known to do
}

// Ranked ranks the named variants by what rows, of one cell over all items, say of
// them: by Robustness Error, or by Breakage Rate where any has none. Not ok where
// there are not two.
func Ranked(names []string, rows []data.Metric) (r Ranking, ok bool) {
	rows = slices.DeleteFunc(slices.Clone(rows), func(m data.Metric) bool { return !slices.Contains(names, m.Variant) || m.BreakageRate == nil })
	if len(rows) < 2 {
		return r, false
	}
	r = Ranking{Metric: metrics.RobustnessError, Method: rows[0].Method, Setting: rows[0].Setting}
	if slices.ContainsFunc(rows, func(m data.Metric) bool { return m.RobustnessError == nil }) {
		r.Metric = metrics.BreakageRate
	}
	var all []Rated
	items := 0
	for _, m := range rows {
		rated := Rated{m.Variant, m.RobustnessError, m.RobustnessErrorLow, m.RobustnessErrorHigh}
		if r.Metric == metrics.BreakageRate {
			rated = Rated{m.Variant, m.BreakageRate, m.BreakageRateLow, m.BreakageRateHigh}
		}
		all = append(all, rated)
		items = max(items, int(m.N/max(m.Repeats, 1)))
	}
	r.Places = Places(all, false)
	r.Needed, _ = Enough(r.Places, items)
	return r, true
}

// Places ranks the known ones of some rates, the least first, or the greatest where
// most is set. One comes before another where their intervals have nothing in
// common. Those of one place stand by their values.
func Places(all []Rated, most bool) []Place {
	before := func(a, b Rated) bool {
		if most {
			a, b = b, a
		}
		return a.High != nil && b.Low != nil && *a.High < *b.Low
	}
	var places []Place
	for _, r := range all {
		if r.Value != nil {
			places = append(places, Place{Rated: r})
		}
	}
	slices.SortStableFunc(places, func(a, b Place) int {
		if most {
			a, b = b, a
		}
		return cmp.Compare(*a.Value, *b.Value)
	})
	for i := range places {
		p := &places[i]
		p.First, p.Last = 1, len(places)
		for _, o := range places {
			if before(o.Rated, p.Rated) {
				p.First++
			}
			if before(p.Rated, o.Rated) {
				p.Last--
			}
		}
	}
	return places
}

// Heads are the places that may be the first: one where it is told from all others,
// else several, of which no two are told apart.
func Heads(places []Place) []Place {
	return slices.DeleteFunc(slices.Clone(places), func(p Place) bool { return p.First != 1 })
}

// Enough is the number of items with which the first of some places, which are over
// so many items now, would be told from those that may be as good, if their rates
// stay: an interval narrows with the root of the number. Not ok: no number is known
// to do, because two rates are equal or have no interval.
func Enough(places []Place, items int) (n int, ok bool) {
	heads := Heads(places)
	if len(heads) < 2 {
		return 0, false
	}
	first, most := heads[0], 0.0
	for _, h := range heads[1:] {
		gap := math.Abs(*h.Value - *first.Value)
		if gap == 0 || first.Low == nil || first.High == nil || h.Low == nil || h.High == nil {
			return 0, false
		}
		inner := *first.High - *first.Value + *h.Value - *h.Low
		if *h.Value < *first.Value {
			inner = *first.Value - *first.Low + *h.High - *h.Value
		}
		most = max(most, inner/gap)
	}
	return int(math.Ceil(float64(items) * most * most)), true
}
