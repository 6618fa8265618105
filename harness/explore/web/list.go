package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"perg/harness/explore"
	"perg/harness/explore/address"
	"perg/harness/explore/fulltext"
	"perg/harness/printable"
	"perg/harness/ratings"
)

// pageSize is how many answers a page of the list has.
const pageSize = 50

type listPage struct {
	Listing   listing
	List      explore.List
	Query     string
	Wrong     string // why the text cannot be looked for
	Facets    []facetFilter
	Chosen    []facetValue // the filters that are on, to be let go of
	Clear     string
	Sorts     []sortLink
	Sorted    string
	Besides   []besideChoice
	Exports   []exportLink
	Rows      []listRow
	Before    string // addresses; "" where there is none
	After     string
	From      int
	To        int
	Looking   bool // the text is still being looked for
	Asides    bool // the filter has a text, which counts leave out
	Repeats   bool
	Searching string // how texts are searched
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

// A sortLink puts the list into an order, or turns the one that it has.
type sortLink struct {
	term
	On      bool
	Address string
}

// A besideChoice is what each answer can be held against.
type besideChoice struct {
	Value, Label string
	On           bool
}

type exportLink struct{ Label, Address string }

type listRow struct {
	explore.Line
	Number   int // in the list, from 1
	Address  string
	Question []mark
	Stated   []mark // the question's own preference; nil: it is not shown
	Why      string // where the text is found
	Snippet  []mark
	Mark     ratings.Mark
	Hidden   bool // the judge's score, until the answer is rated
}

func (s *site) list(w http.ResponseWriter, r *http.Request) {
	if !s.wait(w, r) {
		return
	}
	at := s.listing(r.URL.Query())
	sheet, _ := s.marks() // a file that cannot be read is told of beside the form
	l, err := s.run.List(r.Context(), at.filter, (at.page-1)*pageSize, pageSize)
	p := listPage{Listing: at, Query: at.filter.Text, Clear: at.cleared().address(), Repeats: s.run.Repeated()}
	status := http.StatusOK
	if errors.Is(err, fulltext.ErrQuery) {
		status, p.Wrong = http.StatusBadRequest, printable.Text(err.Error())
		l, err = s.run.List(r.Context(), at.without().filter, 0, 0)
	}
	if err != nil {
		s.fail(w, http.StatusInternalServerError, "The run cannot be read", err.Error())
		return
	}
	p.List, p.From, p.To = l, l.From+1, l.From+len(l.Lines)
	p.Looking = l.Asked || !l.Done && (len(l.Lines) < pageSize || at.filter.Sort.By != "")
	p.Asides = p.Query != "" && !l.TextCounted
	p.Searching = s.searching(at.filter)
	p.facets(at, l)
	p.sorts(at)
	p.Besides = s.besides(at.filter.Beside)
	if p.Wrong == "" && l.Of > 0 {
		p.Exports = []exportLink{{"CSV", at.at(1).addressOf("/export.csv")}, {"JSON lines", at.at(1).addressOf("/export.jsonl")}}
	}
	finds := finder(at.filter)
	for i, line := range l.Lines {
		row := rowOf(line, finds)
		row.Number = p.From + i
		row.Address = at.answer(line.Key)
		if sheet != nil {
			row.Mark = sheet.Mark(line.Key)
		}
		row.Hidden = s.hides(line, row.Mark)
		p.Rows = append(p.Rows, row)
	}
	if at.page > 1 {
		p.Before = at.at(at.page - 1).address()
	}
	if l.HasMore {
		p.After = at.at(at.page + 1).address()
	}
	s.render(w, status, "list", frame{Title: "Answers", Refresh: p.Looking, Keys: "list", Page: p})
}

func (p *listPage) facets(at listing, l explore.List) {
	for i, f := range explore.Facets() {
		filter := facetFilter{term: facets[f], Open: i < 10}
		for _, c := range l.Facets[f] {
			value := facetValue{valueTerm(f, c.Value), c.N, c.Selected, at.toggled(f, c.Value).address()}
			filter.Values = append(filter.Values, value)
			if c.Selected {
				filter.On++
				chosen := value
				if f == explore.ByRating || f == explore.ByThumb || f == explore.ByNote || f.Compares() {
					chosen.Label = facets[f].Label + ": " + chosen.Label
				}
				p.Chosen = append(p.Chosen, chosen)
			}
		}
		if filter.On > 0 {
			filter.Open = true
		}
		// One value that everything has says nothing.
		if len(filter.Values) > 1 || filter.On > 0 || f.Compares() && len(filter.Values) > 0 {
			p.Facets = append(p.Facets, filter)
		}
	}
	if p.Query != "" {
		means := "Words in the question, the preference or the response"
		if at.filter.Regexp {
			means = "A regular expression in the question, the preference or the response"
		}
		p.Chosen = append(p.Chosen, facetValue{term: term{Label: "“" + printable.Text(p.Query) + "”", Means: means}, On: true, Address: at.without().address()})
	}
	if b := at.filter.Beside; b != (explore.Beside{}) {
		p.Chosen = append(p.Chosen, facetValue{term: term{Label: "beside " + besideLabel(b), Means: "What each answer is held against"}, On: true, Address: at.alone().address()})
	}
}

func (p *listPage) sorts(at listing) {
	now := at.filter.Sort
	p.Sorted = "as in the tables"
	p.Sorts = []sortLink{{term{Label: "as in the tables", Means: "In the order in which the run asked"}, now.By == "", at.sorted(explore.Sort{}).address()}}
	for _, by := range explore.Columns() {
		link := sortLink{term: columns[by], On: by == now.By}
		to := explore.Sort{By: by}
		if link.On {
			to.Down = !now.Down
			link.Sign = map[bool]string{false: "↑", true: "↓"}[now.Down]
			p.Sorted = link.Label + map[bool]string{false: ", first to last", true: ", last to first"}[now.Down]
		}
		link.Address = at.sorted(to).address()
		p.Sorts = append(p.Sorts, link)
	}
}

// besides are what answers can be held against: those of another variant, method
// or setting of the run, or of the run beside it.
func (s *site) besides(now explore.Beside) []besideChoice {
	all := []besideChoice{{"", "nothing", now == (explore.Beside{})}}
	chosen := strings.Join(address.BesideTexts(now), " ")
	found := now == (explore.Beside{})
	add := func(value, label string) {
		on := value == chosen
		found = found || on
		all = append(all, besideChoice{value, label, on})
	}
	for _, kind := range []explore.Facet{explore.ByVariant, explore.ByMethod, explore.BySetting} {
		names := s.run.Names(kind)
		if len(names) < 2 {
			continue
		}
		for _, name := range names {
			add(string(kind)+":"+name, string(kind)+" "+printable.Text(name))
		}
	}
	if s.other != nil {
		add("run", "the same of "+printable.Text(s.other.about.Name))
		for _, name := range s.other.run.Names(explore.ByVariant) {
			add("run:"+name, "variant "+printable.Text(name)+" of "+printable.Text(s.other.about.Name))
		}
	}
	if !found {
		all = append(all, besideChoice{chosen, besideLabel(now), true})
	}
	return all
}

func besideLabel(b explore.Beside) string {
	var parts []string
	for _, text := range address.BesideTexts(b) {
		of, name, _ := strings.Cut(text, ":")
		switch {
		case of != "run":
			parts = append(parts, name)
		case name == "":
			parts = append(parts, "the same of the other run")
		default:
			parts = append(parts, name+" of the other run")
		}
	}
	return printable.Text(strings.Join(parts, ", "))
}

// searching says how texts are searched.
func (s *site) searching(f explore.Filter) string {
	is := s.run.TextIndex()
	switch {
	case f.Text != "" && f.Regexp:
		return "A regular expression is held against each question, preference and response."
	case is.Err != nil:
		return "There is no index of words (" + printable.Text(is.Err.Error()) + "): responses are read through."
	case is.Part < 1 && s.run.Generations() > 0:
		return fmt.Sprintf("An index of words is being made, %.0f %% of it is there; other responses are read through.", 100*is.Part)
	}
	return ""
}

// finder is what a filter looks for; nil: nothing.
func finder(f explore.Filter) *fulltext.Query {
	parse := fulltext.Parse
	if f.Regexp {
		parse = fulltext.Regexp
	}
	if q, err := parse(f.Text); err == nil && strings.TrimSpace(f.Text) != "" {
		return &q
	}
	return nil
}

func rowOf(line explore.Line, q *fulltext.Query) listRow {
	row := listRow{Line: line, Question: []mark{{Text: printable.Text(line.Item.Question)}}}
	if line.Setting.Judged() {
		row.Stated = []mark{{Text: printable.Text(line.Item.Preference)}}
	}
	response := ""
	if line.Response != nil {
		response = *line.Response
	}
	row.Snippet = snippet(response, nil)
	if q == nil {
		return row
	}
	var where []string
	if found := q.Find(line.Item.Question); found != nil {
		where, row.Question = append(where, "question"), marked(line.Item.Question, found)
	}
	if found := q.Find(line.Item.Preference); found != nil {
		where, row.Stated = append(where, "the question's preference"), marked(line.Item.Preference, found)
		if line.Setting.Judged() {
			where[len(where)-1] = "preference"
		}
	}
	if found := q.Find(response); found != nil {
		where, row.Snippet = append(where, "response"), snippet(response, found)
	}
	if len(where) > 0 {
		row.Why = "found in: " + strings.Join(where, ", ")
	}
	return row
}

// A mark is a piece of a text; On: it is what was looked for.
type mark struct {
	Text string
	On   bool
}

// marked cuts a text at what was found in it.
func marked(text string, found []fulltext.Range) []mark {
	var all []mark
	at := 0
	add := func(to int, on bool) {
		if to > at {
			all = append(all, mark{printable.Text(text[at:to]), on})
			at = to
		}
	}
	for _, r := range found {
		add(r.Start, false)
		add(r.End, true)
	}
	add(len(text), false)
	return all
}

// The length of a snippet in bytes, and how much of it is before what was found.
const snippetBytes, snippetBefore = 260, 80

// snippet is a piece of a text on one line: around what was found first, or its
// beginning.
func snippet(text string, found []fulltext.Range) []mark {
	from := 0
	if len(found) > 0 && found[0].Start > snippetBefore {
		from = start(text, found[0].Start-snippetBefore)
	}
	to := len(text)
	if to-from > snippetBytes {
		to = start(text, from+snippetBytes)
	}
	var inside []fulltext.Range
	for _, r := range found {
		if r.Start < to {
			inside = append(inside, fulltext.Range{Start: r.Start - from, End: min(r.End, to) - from})
		}
	}
	all := marked(text[from:to], inside)
	for i := range all {
		all[i].Text = oneLine(all[i].Text)
	}
	if from > 0 {
		all = slices.Insert(all, 0, mark{Text: "… "})
	}
	if to < len(text) {
		all = append(all, mark{Text: "…"})
	}
	return all
}

// start is where a character begins, at or before a byte of a text.
func start(text string, at int) int {
	for at > 0 && text[at]&0xC0 == 0x80 {
		at--
	}
	return at
}

// oneLine has single spaces for what parts words.
func oneLine(text string) string {
	line := strings.Join(strings.Fields(text), " ")
	if line == "" {
		return map[bool]string{true: " "}[text != ""]
	}
	if strings.TrimLeft(text, " \t\r\n") != text {
		line = " " + line
	}
	if strings.TrimRight(text, " \t\r\n") != text {
		line += " "
	}
	return line
}
