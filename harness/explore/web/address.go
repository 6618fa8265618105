package web

import (
	"net/url"
	"slices"
	"strconv"

	"perg/harness/explore"
	"perg/harness/results"
)

// A listing is what an address says: which list, which page of it.
type listing struct {
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
	controlParam = "control"
	repeatParam  = "repeat"
)

func readListing(q url.Values) listing {
	l := listing{filter: explore.Filter{Values: make(map[explore.Facet][]string), Text: q.Get(textParam)}, page: 1}
	for _, f := range explore.Facets() {
		if values := q[string(f)]; len(values) > 0 {
			l.filter.Values[f] = values
		}
	}
	if n, err := strconv.Atoi(q.Get(pageParam)); err == nil && n > 1 && n < 1<<40/pageSize {
		l.page = n
	}
	return l
}

func (l listing) query() url.Values {
	q := make(url.Values)
	for f, values := range l.filter.Values {
		q[string(f)] = values
	}
	if l.filter.Text != "" {
		q.Set(textParam, l.filter.Text)
	}
	if l.page > 1 {
		q.Set(pageParam, strconv.Itoa(l.page))
	}
	return q
}

// Fields are what a form adds to keep the filters, but for the text.
func (l listing) Fields() url.Values {
	q := listing{l.filter, 1}.query()
	q.Del(textParam)
	return q
}

func (l listing) address() string {
	if q := l.query().Encode(); q != "" {
		return "/?" + q
	}
	return "/"
}

// at is another page of the list.
func (l listing) at(page int) listing { return listing{l.filter, page} }

// toggled is the first page of the list with a value chosen, or no longer.
func (l listing) toggled(f explore.Facet, value string) listing {
	values := make(map[explore.Facet][]string)
	for facet, of := range l.filter.Values {
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
	return listing{explore.Filter{Values: values, Text: l.filter.Text}, 1}
}

// without is the first page of the list without the text.
func (l listing) without() listing { return listing{explore.Filter{Values: l.filter.Values}, 1} }

// answer is the address of an answer as one of the list.
func (l listing) answer(k results.Key) string {
	q := l.query()
	q.Del(pageParam)
	putKey(q, k)
	return "/answer?" + q.Encode()
}

func putKey(q url.Values, k results.Key) {
	q.Set(itemParam, k.ItemID)
	q.Set(variantParam, k.Variant)
	q.Set(methodParam, string(k.Method))
	q.Set(settingParam, string(k.Setting))
	if k.Control != "" {
		q.Set(controlParam, string(k.Control))
	}
	if k.Repeat > 0 {
		q.Set(repeatParam, strconv.Itoa(int(k.Repeat)))
	}
}

// readKey reads an answer's name; a repeat that is no number is none that is
// there.
func readKey(q url.Values) results.Key {
	k := results.Key{Cell: results.CellOf(q.Get(variantParam), q.Get(methodParam), q.Get(settingParam), q.Get(controlParam)), ItemID: q.Get(itemParam)}
	if text := q.Get(repeatParam); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			n = -1
		}
		k.Repeat = int32(n)
	}
	return k
}
