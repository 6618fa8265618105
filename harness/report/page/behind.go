package page

import (
	"maps"
	"math"
	"slices"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/explore/address"
	"perg/harness/metrics"
	"perg/harness/prompt"
	"perg/harness/results"
)

// Answers says where the answers of a variant are to be seen.
type Answers struct {
	Run     string // the ID of their run; "": nowhere
	Variant string // its name in the run
}

// A behind leads to the answers that a figure counts.
type behind struct {
	Href string // "": nowhere
	Says string // how many they are, where that is known
}

// A count is what a figure counts of a cell: the answers with some outcomes, and
// some values of other facets; and how many these are, -1 where that is not known.
type count struct {
	outcomes []results.Outcome
	more     map[explore.Facet][]string
	n        func(data.Metric) int
}

var (
	qstar = []results.Outcome{results.Kept, results.Broken, results.PlainRight}
	whole = []results.Outcome{results.Kept, results.Broken, results.Mended, results.WrongTwice, results.PlainRight, results.PlainWrong}

	countAny      = count{whole, nil, func(m data.Metric) int { return int(m.N) }}
	countQ        = count{qstar, nil, func(m data.Metric) int { return int(m.NBaselineCorrect) }}
	countRight    = count{[]results.Outcome{results.Kept, results.Mended, results.PlainRight}, nil, func(m data.Metric) int { return part(m.Accuracy, m.N) }}
	countBroken   = count{[]results.Outcome{results.Broken}, nil, broken}
	countIgnored  = count{qstar, map[explore.Facet][]string{explore.ByFollowed: {"no"}}, func(m data.Metric) int { return part(m.AlignmentFailure, m.NBaselineCorrect-m.NUnscored) }}
	countFails    = count{nil, map[explore.Facet][]string{explore.ByRobust: {"no"}}, failing}
	countVaries   = count{[]results.Outcome{results.Broken, results.Mended}, nil, varies}
	countUnread   = count{whole, map[explore.Facet][]string{explore.ByChosen: {explore.NoLetter}}, func(m data.Metric) int { return part(m.InvalidRate, m.N) }}
	countUnscored = count{nil, map[explore.Facet][]string{explore.ByOutcome: {"unscored"}}, func(m data.Metric) int { return int(m.NUnscored) }}
	countFailed   = count{[]results.Outcome{results.Error}, nil, func(m data.Metric) int { return int(m.NError) }}
)

// part is how many of things a rate is; of one that is not known there are none to
// see.
func part(rate *float64, of int64) int {
	if rate == nil {
		return 0
	}
	return int(math.Round(*rate * float64(of)))
}

func broken(m data.Metric) int { return part(m.BreakageRate, m.NBaselineCorrect) }

// failing is not known where the rate is estimated, for want of ratings.
func failing(m data.Metric) int {
	if m.RobustnessError != nil && m.NUnscored > 0 && m.Setting != string(prompt.Irrelevant) {
		return -1
	}
	return part(m.RobustnessError, m.NBaselineCorrect)
}

func varies(m data.Metric) int {
	if m.BreakageRate == nil {
		return 0
	}
	stayed := int(m.NBaselineCorrect) - broken(m)
	return broken(m) + part(m.Accuracy, m.N) - stayed
}

// behind leads to the answers that a figure counts of a cell.
func (r Run) behind(m data.Metric, c count) behind {
	n := c.n(m)
	values := maps.Clone(c.more)
	if values == nil {
		values = make(map[explore.Facet][]string)
	}
	for _, o := range c.outcomes {
		if plain := o == results.PlainRight || o == results.PlainWrong; plain == (m.Setting == string(prompt.None)) || o == results.Error {
			values[explore.ByOutcome] = append(values[explore.ByOutcome], explore.OutcomeValue(o))
		}
	}
	if m.Source != metrics.All {
		values[explore.BySource] = []string{m.Source}
	}
	return r.leads(m.Variant, m.Method, m.Setting, values, n)
}

// leads leads to answers of a cell, of any variant where that is "" and the page is
// of one run.
func (r Run) leads(variant, method, setting string, values map[explore.Facet][]string, n int) behind {
	if n == 0 {
		return behind{}
	}
	values = maps.Clone(values)
	var id string
	for _, v := range r.Variants {
		switch {
		case variant == "" && (id == "" || id == v.Answers.Run):
			id = v.Answers.Run
		case variant == "":
			return behind{}
		case v.Name == variant:
			id = v.Answers.Run
			values[explore.ByVariant] = []string{v.Answers.Variant}
		}
	}
	if id == "" {
		return behind{}
	}
	values[explore.ByMethod], values[explore.BySetting] = []string{method}, []string{setting}
	if setting == string(prompt.None) { // controls have no preference either
		values[explore.ByControl] = []string{explore.AskedFirst}
	}
	b := behind{Href: r.Viewer + address.In(id, explore.Filter{Values: values}), Says: "The answers behind it"}
	if n > 0 {
		b.Says = "The " + plural(n, "answer", "answers") + " behind it"
	}
	return b
}

// discordant leads to the answers of a cell that break where those of another method
// do not, or the other way round.
func (r Run) discordant(variant, method, setting string, against prompt.Method) behind {
	b := behind{}
	for _, v := range r.Variants {
		if v.Name == variant && v.Answers.Run != "" {
			b.Says = "The answers that break with one of the two methods alone"
			b.Href = r.Viewer + address.In(v.Answers.Run, explore.Filter{
				Values: map[explore.Facet][]string{
					explore.ByVariant: {v.Answers.Variant}, explore.ByMethod: {method}, explore.BySetting: {setting}, explore.ByBreaks: {explore.Here, explore.There},
				},
				Beside: explore.Beside{Method: against},
			})
		}
	}
	return b
}

// Link is where a cell of the table leads.
func (t table) Link(row, column int) behind {
	if row < len(t.Links) && column < len(t.Links[row]) {
		return t.Links[row][column]
	}
	return behind{}
}

// link puts a link on a cell of the last row.
func (t *table) link(column int, b behind) {
	last := len(t.Rows) - 1
	for len(t.Links) <= last {
		t.Links = append(t.Links, nil)
	}
	if missing := column + 1 - len(t.Links[last]); missing > 0 {
		t.Links[last] = append(t.Links[last], slices.Repeat([]behind{{}}, missing)...)
	}
	t.Links[last][column] = b
}
