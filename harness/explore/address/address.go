// Package address gives a filter of package explore an address: that of the list
// of a viewer which serves the run. Pages that no viewer serves have it, too, to
// lead to the answers behind what they say.
package address

import (
	"net/url"
	"slices"
	"strings"

	"perg/harness/explore"
	"perg/harness/prompt"
)

// The parameters of a filter, beside the facets' names.
const (
	Text   = "q"
	Regexp = "re"
	Sort   = "sort"   // a column, after - the greatest first
	Beside = "beside" // variant:NAME, method:NAME, setting:NAME, run, run:NAME; several
)

// Run is the parameter that says which run an address is of, by its ID: what serves
// another one says so.
const Run = "id"

// Of is the address of what a filter lists, from the first / on.
func Of(f explore.Filter) string { return of(Query(f)) }

// In is the same in the run of an ID, and in no other.
func In(id string, f explore.Filter) string {
	q := Query(f)
	q.Set(Run, id)
	return of(q)
}

func of(q url.Values) string {
	if text := q.Encode(); text != "" {
		return "/?" + text
	}
	return "/"
}

// Query are the parameters of a filter.
func Query(f explore.Filter) url.Values {
	q := make(url.Values)
	for facet, values := range f.Values {
		q[string(facet)] = values
	}
	set := func(param, value string, yes bool) {
		if yes {
			q.Set(param, value)
		}
	}
	set(Text, f.Text, f.Text != "")
	set(Regexp, "1", f.Regexp)
	set(Sort, sortText(f.Sort), f.Sort.By != "")
	if texts := BesideTexts(f.Beside); len(texts) > 0 {
		q[Beside] = texts
	}
	return q
}

// Read is the filter of parameters; what means nothing is left out.
func Read(q url.Values) explore.Filter {
	f := explore.Filter{Values: make(map[explore.Facet][]string), Text: q.Get(Text), Regexp: q.Get(Regexp) != "" && q.Get(Text) != ""}
	for _, facet := range explore.Facets() {
		if values := q[string(facet)]; len(values) > 0 {
			f.Values[facet] = values
		}
	}
	column, down := strings.CutPrefix(q.Get(Sort), "-")
	if by := explore.Column(column); slices.Contains(explore.Columns(), by) {
		f.Sort = explore.Sort{By: by, Down: down}
	}
	for _, text := range q[Beside] {
		putBeside(&f.Beside, text)
	}
	return f
}

func sortText(s explore.Sort) string {
	if s.Down {
		return "-" + string(s.By)
	}
	return string(s.By)
}

func putBeside(b *explore.Beside, text string) {
	switch of, name, _ := strings.Cut(text, ":"); of {
	case "run":
		b.Run = true
		b.Variant = name
	case "variant":
		b.Variant = name
	case "method":
		b.Method = prompt.Method(name)
	case "setting":
		b.Setting = prompt.Setting(name)
	}
}

// BesideTexts are the values of the parameter Beside.
func BesideTexts(b explore.Beside) []string {
	var all []string
	switch {
	case b.Run && b.Variant != "":
		all = append(all, "run:"+b.Variant)
	case b.Run:
		all = append(all, "run")
	case b.Variant != "":
		all = append(all, "variant:"+b.Variant)
	}
	if b.Method != "" {
		all = append(all, "method:"+string(b.Method))
	}
	if b.Setting != "" {
		all = append(all, "setting:"+string(b.Setting))
	}
	return all
}
