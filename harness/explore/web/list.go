package web

import (
	"net/http"
	"strings"

	"perg/harness/explore"
	"perg/harness/printable"
)

// pageSize is how many answers a page of the list has.
const pageSize = 50

type listPage struct {
	Listing listing
	List    explore.List
	Query   string
	Facets  []facetFilter
	Chosen  []facetValue // the filters that are on, to be let go of
	Clear   string
	Rows    []listRow
	Summary string
	Before  string // addresses; "" where there is none
	After   string
	From    int
	To      int
	Looking bool // the text is still being looked for
	Asides  bool // the filter has a text, which counts leave out
	Repeats bool
}

type facetFilter struct {
	term
	Open   bool
	On     int
	Values []facetValue
}

type facetValue struct {
	term
	N       int
	On      bool
	Address string
}

type listRow struct {
	explore.Line
	Address string
	Snippet string
	Stated  bool // the question's own preference
}

func (s *site) list(w http.ResponseWriter, r *http.Request) {
	if !s.wait(w, r) {
		return
	}
	at := readListing(r.URL.Query())
	l, err := s.run.List(r.Context(), at.filter, (at.page-1)*pageSize, pageSize)
	if err != nil {
		s.fail(w, http.StatusInternalServerError, "The run cannot be read", err.Error())
		return
	}
	p := listPage{
		Listing: at, List: l, Query: at.filter.Text, Clear: "/", Repeats: s.run.Repeated(),
		Looking: !l.Done && len(l.Lines) < pageSize, Asides: at.filter.Text != "", From: l.From + 1, To: l.From + len(l.Lines),
	}
	for i, f := range explore.Facets() {
		filter := facetFilter{term: facets[f], Open: i < 5}
		for _, c := range l.Facets[f] {
			value := facetValue{valueTerm(f, c.Value), c.N, c.Selected, at.toggled(f, c.Value).address()}
			filter.Values = append(filter.Values, value)
			if c.Selected {
				filter.On++
				p.Chosen = append(p.Chosen, value)
			}
		}
		if filter.On > 0 {
			filter.Open = true
		}
		// One value that everything has says nothing.
		if len(filter.Values) > 1 || filter.On > 0 {
			p.Facets = append(p.Facets, filter)
		}
	}
	if p.Query != "" {
		p.Chosen = append(p.Chosen, facetValue{term: term{Label: "“" + printable.Text(p.Query) + "”", Means: "In the question, the preference or the response"}, On: true, Address: at.without().address()})
	}
	for _, line := range l.Lines {
		row := listRow{Line: line, Address: at.answer(line.Key), Stated: line.Setting.Judged()}
		if line.Response != nil {
			row.Snippet = snippet(*line.Response)
		}
		p.Rows = append(p.Rows, row)
	}
	if at.page > 1 {
		p.Before = at.at(at.page - 1).address()
	}
	if l.HasMore {
		p.After = at.at(at.page + 1).address()
	}
	s.render(w, http.StatusOK, "list", frame{About: s.about, Title: "Answers", Refresh: p.Looking, Keys: "list", Old: s.run.Replaced(), Page: p})
}

// snippet is the beginning of a text, on one line.
func snippet(text string) string {
	const bytes, runes = 2000, 220
	cut := len(text) > bytes
	if cut {
		text = text[:bytes]
	}
	text = strings.Join(strings.Fields(printable.Text(strings.ToValidUTF8(text, ""))), " ")
	n := 0
	for i := range text {
		if n++; n > runes {
			return text[:i] + "…"
		}
	}
	if cut {
		text += "…"
	}
	return text
}
