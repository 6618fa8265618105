package web

import (
	"net/url"
	"slices"
	"strconv"

	"perg/harness/explore"
)

// A view is what an address says: which list, which page of it.
type view struct {
	filter explore.Filter
	page   int // from 1
}

// The parameters of addresses, beside the facets' names.
const (
	textParam    = "q"
	pageParam    = "page"
	itemParam    = "item"
	variantParam = "of" // of the answer that is shown; variant, method and setting are filters
	methodParam  = "by"
	settingParam = "under"
	repeatParam  = "repeat"
)

func readView(q url.Values) view {
	v := view{filter: explore.Filter{Values: make(map[explore.Facet][]string), Text: q.Get(textParam)}, page: 1}
	for _, f := range explore.Facets() {
		if values := q[string(f)]; len(values) > 0 {
			v.filter.Values[f] = values
		}
	}
	if n, err := strconv.Atoi(q.Get(pageParam)); err == nil && n > 1 && n < 1<<40/pageSize {
		v.page = n
	}
	return v
}

func (v view) query() url.Values {
	q := make(url.Values)
	for f, values := range v.filter.Values {
		q[string(f)] = values
	}
	if v.filter.Text != "" {
		q.Set(textParam, v.filter.Text)
	}
	if v.page > 1 {
		q.Set(pageParam, strconv.Itoa(v.page))
	}
	return q
}

// Fields are what a form adds to keep the filters, but for the text.
func (v view) Fields() url.Values {
	q := view{v.filter, 1}.query()
	q.Del(textParam)
	return q
}

func (v view) address() string {
	if q := v.query().Encode(); q != "" {
		return "/?" + q
	}
	return "/"
}

// at is another page of the list.
func (v view) at(page int) view { return view{v.filter, page} }

// toggled is the first page of the list with a value chosen, or no longer.
func (v view) toggled(f explore.Facet, value string) view {
	values := make(map[explore.Facet][]string)
	for facet, of := range v.filter.Values {
		values[facet] = of
	}
	of := slices.Clone(values[f])
	if i := slices.Index(of, value); i >= 0 {
		of = slices.Delete(of, i, i+1)
	} else {
		of = append(of, value)
	}
	if values[f] = of; len(of) == 0 {
		delete(values, f)
	}
	return view{explore.Filter{Values: values, Text: v.filter.Text}, 1}
}

// without is the first page of the list without the text.
func (v view) without() view { return view{explore.Filter{Values: v.filter.Values}, 1} }

// answer is the address of an answer as one of the list.
func (v view) answer(r explore.Ref) string {
	q := v.query()
	q.Del(pageParam)
	putRef(q, r)
	return "/answer?" + q.Encode()
}

func putRef(q url.Values, r explore.Ref) {
	q.Set(itemParam, r.ItemID)
	q.Set(variantParam, r.Variant)
	q.Set(methodParam, r.Method)
	q.Set(settingParam, r.Setting)
	if r.Repeat > 0 {
		q.Set(repeatParam, strconv.Itoa(r.Repeat))
	}
}

// readRef reads an answer's name; a repeat that is no number is none that is
// there.
func readRef(q url.Values) explore.Ref {
	r := explore.Ref{Cell: explore.Cell{Variant: q.Get(variantParam), Method: q.Get(methodParam), Setting: q.Get(settingParam)}, ItemID: q.Get(itemParam)}
	if text := q.Get(repeatParam); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			n = -1
		}
		r.Repeat = int(n)
	}
	return r
}
