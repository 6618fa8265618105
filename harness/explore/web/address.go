package web

import (
	"maps"
	"net/url"
	"slices"
	"strconv"

	"perg/harness/explore"
	"perg/harness/explore/address"
	"perg/harness/results"
)

// A listing is what an address says: which list of which run, which page of it,
// and how texts are shown.
type listing struct {
	filter explore.Filter
	page   int // from 1
	run    int // from 0
	raw    bool
}

// The parameters of addresses, beside those of filters.
const (
	runParam     = "run"  // from 1
	showParam    = "show" // raw
	pageParam    = "page"
	revealParam  = "reveal" // what the judge said, unrated
	itemParam    = "item"
	variantParam = "of" // of the answer that is shown; variant, method and setting are filters
	methodParam  = "by"
	settingParam = "under"
	controlParam = "control"
	repeatParam  = "repeat"
)

const showRaw = "raw"

func readListing(q url.Values) listing {
	l := listing{filter: address.Read(q), page: 1, raw: q.Get(showParam) == showRaw}
	if n, err := strconv.Atoi(q.Get(runParam)); err == nil && n > 1 {
		l.run = n - 1
	}
	if n, err := strconv.Atoi(q.Get(pageParam)); err == nil && n > 1 && n < 1<<40/pageSize {
		l.page = n
	}
	return l
}

func (l listing) query() url.Values {
	q := address.Query(l.filter)
	set := func(param, value string, yes bool) {
		if yes {
			q.Set(param, value)
		}
	}
	set(runParam, strconv.Itoa(l.run+1), l.run > 0)
	set(showParam, showRaw, l.raw)
	set(pageParam, strconv.Itoa(l.page), l.page > 1)
	return q
}

// Fields are what a form adds to keep the rest, but for the parameters that it
// has itself.
func (l listing) Fields(but ...string) url.Values {
	q := l.at(1).query()
	for _, param := range but {
		q.Del(param)
	}
	return q
}

// Regexp says whether the text is a regular expression.
func (l listing) Regexp() bool { return l.filter.Regexp }

func (l listing) address() string { return l.addressOf("/") }

// addressOf is the address of another thing that is made of the list.
func (l listing) addressOf(path string) string {
	if q := l.query().Encode(); q != "" {
		return path + "?" + q
	}
	return path
}

// at is another page of the list.
func (l listing) at(page int) listing {
	l.page = page
	return l
}

// toggled is the first page of the list with a value chosen, or no longer.
func (l listing) toggled(f explore.Facet, value string) listing {
	l.filter.Values = maps.Clone(l.filter.Values)
	of := slices.Clone(l.filter.Values[f])
	if i := slices.Index(of, value); i >= 0 {
		of = slices.Delete(of, i, i+1)
	} else {
		of = append(of, value)
	}
	if l.filter.Values[f] = of; len(of) == 0 {
		delete(l.filter.Values, f)
	}
	return l.at(1)
}

// without is the first page of the list without the text.
func (l listing) without() listing {
	l.filter.Text, l.filter.Regexp = "", false
	return l.at(1)
}

// sorted is the first page of the list in another order.
func (l listing) sorted(s explore.Sort) listing {
	l.filter.Sort = s
	return l.at(1)
}

// alone is the first page of the list held against nothing.
func (l listing) alone() listing {
	l.filter.Beside = explore.Beside{}
	for _, f := range []explore.Facet{explore.ByRight, explore.ByBreaks, explore.ByLetter} {
		for len(l.filter.Values[f]) > 0 {
			l = l.toggled(f, l.filter.Values[f][0])
		}
	}
	return l.at(1)
}

// cleared is the whole list of the run.
func (l listing) cleared() listing { return listing{page: 1, run: l.run, raw: l.raw} }

// shownRaw is the same with texts as they came, or not.
func (l listing) shownRaw(raw bool) listing {
	l.raw = raw
	return l
}

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
