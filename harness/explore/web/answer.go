package web

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"perg/data"
	"perg/harness/explore"
	"perg/harness/explore/address"
	"perg/harness/explore/fulltext"
	"perg/harness/explore/markdown"
	"perg/harness/extract"
	"perg/harness/printable"
	"perg/harness/prompt"
	"perg/harness/ratings"
	"perg/harness/results"
)

// maxMarked is the length in bytes of a text beyond which its differences are
// not marked: nobody reads them, and a browser has to lay them out.
const maxMarked = 64 << 10

type answerPage struct {
	explore.Screen
	Listing   listing
	Home      string
	Prev      string
	Next      string
	Place     string // "3 of 40"
	Outcome   term
	Stated    []statedPreference
	Options   []shownOption
	Sides     []shownResponse
	Left      string // what is only in the first of them, and in the second
	Right     string
	Unmarked  string // why differences are not marked
	Unbeside  string // why there is nothing that it is held against
	Besides   []besideChoice
	Raw       bool
	Rendering string // the address of the same with texts as they came, or rendered
	Judgments []shownJudgment
	Hidden    bool   // the judges, until the answer is rated
	Reveal    string // the address that shows them all the same
	Together  string // the verdict of several judges
	NoJudge   string // why there are none
	Matrix    matrix
	Texts     []longText
	Timings   []timing
	Form      *rateForm
}

type statedPreference struct {
	Text string
	Own  bool
}

type shownOption struct {
	Letter, Text                  string
	Gold, PlainChose, AnswerChose bool
}

// A shownResponse is one of the two.
type shownResponse struct {
	Title, Under string
	Letter       string
	Rule         string // how it was found
	Correct      *bool
	Spans        []explore.Span // nil: no response
	HTML         template.HTML  // of the spans; "": they are shown as they are
	Thinking     string
	Judged       string // what judges found of the other answer
	Error        string
	Truncated    bool
	FellBack     bool
}

// A shownJudgment is a judgment, and why it does not count, if so.
type shownJudgment struct {
	data.Judgment
	Aside string
}

// A longText is shown when it is asked for.
type longText struct{ Title, Means, Text string }

type timing struct{ Label, Means, Value string }

// A rateForm is what a person may say of the answer.
type rateForm struct {
	Mark     ratings.Mark
	Rateable bool
	File     string
	Trouble  string // why the file cannot be read
	Hidden   map[string][]string
}

func (s *site) answer(w http.ResponseWriter, r *http.Request) {
	if !s.wait(w, r) {
		return
	}
	q := r.URL.Query()
	l := s.listing(q)
	s.marks() // lists are sorted and filtered by them; an error is told of beside the form
	screen, err := s.run.Screen(r.Context(), readKey(q), l.filter)
	if errors.Is(err, fulltext.ErrQuery) {
		l = l.without()
		screen, err = s.run.Screen(r.Context(), readKey(q), l.filter)
	}
	if errors.Is(err, explore.ErrUnknown) {
		s.fail(w, http.StatusNotFound, "There is no such answer", printable.Text(err.Error())+". Perhaps the address is of another run.")
		return
	}
	if err != nil {
		s.fail(w, http.StatusInternalServerError, "The run cannot be read", err.Error())
		return
	}
	p := s.page(screen, l)
	if reveal := q.Get(revealParam) != ""; p.Hidden && reveal {
		p.Hidden = false
	}
	s.render(w, http.StatusOK, "answer", frame{Title: "Answer", Keys: "answer", Page: p})
}

func (s *site) page(screen explore.Screen, l listing) answerPage {
	g := screen.Generation
	p := answerPage{Screen: screen, Listing: l, Home: l.at(1).address(), Outcome: outcomeTerm(screen.Outcome)}
	if screen.Number >= 0 {
		p.Home = l.at(screen.Number/pageSize+1).address() + fmt.Sprintf("#n%d", screen.Number+1)
		p.Place = number(screen.Number+1) + " of " + number(screen.Hits)
		if !screen.Done {
			p.Place += " or more"
		}
	}
	if screen.Before != nil {
		p.Prev = l.answer(*screen.Before)
	}
	if screen.After != nil {
		p.Next = l.answer(*screen.After)
	}
	for _, text := range g.Preferences {
		p.Stated = append(p.Stated, statedPreference{text, text == g.Preference})
	}
	for i, text := range g.Options {
		letter := data.Letter(i)
		p.Options = append(p.Options, shownOption{
			Letter: letter, Text: text, Gold: letter == g.Gold,
			PlainChose:  chose(screen.Baseline, text),
			AnswerChose: !screen.IsBaseline() && g.Answer != nil && *g.Answer == letter,
		})
	}
	p.Besides = s.besides(l.filter.Beside)
	p.sides()
	if p.Other != nil && l.filter.Beside.Run && s.other != nil {
		p.Sides[0].Title += " of " + printable.Text(s.about.Name)
		p.Sides[1].Title += " of " + printable.Text(s.other.about.Name)
	}
	p.Raw, p.Rendering = l.raw, l.shownRaw(!l.raw).answer(screen.Key)
	if !l.raw {
		for i := range p.Sides {
			p.Sides[i].render(i == 1)
		}
	}
	p.judges(s.run.Counts)
	p.NoJudge = s.noJudge(screen)
	p.Matrix = matrixOf(screen, l)
	p.Texts = textsOf(g)
	p.Timings = timingsOf(g)
	p.Form = s.form(screen, l)
	if p.Form != nil {
		p.Hidden = s.hides(screen.Line, p.Form.Mark)
	}
	p.Reveal = l.answer(screen.Key) + "&" + revealParam + "=1#judge"
	if p.Hidden {
		for i := range p.Sides {
			p.Sides[i].Judged = ""
		}
	}
	return p
}

// Fields are what the form that chooses what the answer is held against keeps.
func (p answerPage) Fields() map[string][]string {
	q := p.Listing.Fields(address.Beside, string(explore.ByRight), string(explore.ByBreaks), string(explore.ByLetter))
	putKey(q, p.Key)
	return q
}

// chose says whether an answer is an option, which may have another letter there.
func chose(g *data.Generation, option string) bool {
	if g == nil || g.Answer == nil {
		return false
	}
	i, ok := data.LetterIndex(*g.Answer, len(g.Options))
	return ok && g.Options[i] == option
}

func (p *answerPage) sides() {
	g, b := p.Generation, p.Baseline
	with := sideOf(g, "With the preference", "setting "+g.Setting+", "+g.Method)
	switch setting, control := prompt.Setting(g.Setting), prompt.Control(g.Control); {
	case control == prompt.Again:
		with.Title, with.Under = "Asked again", "without a preference, zero-shot: a control"
	case control == prompt.Rotated:
		with.Title, with.Under = "Asked again, options in another order", "without a preference, zero-shot: a control"
	case setting == prompt.None:
		with.Title = "Without a preference"
	case setting == prompt.Mixed, setting == prompt.Irrelevant:
		with.Title = "With the preferences"
	}
	beside := p.Listing.filter.Beside
	if o := p.Other; o != nil {
		with.Title, with.Under = cellTitle(p.Key.Cell), "this answer"
		other := sideOf(o.Generation, cellTitle(o.Cell), "held against it: "+besideLabel(beside))
		other.Judged = judgedOf(o.Judgments)
		p.Left, p.Right = "only in this", "only in the other"
		p.pair(g, o.Generation, with, other)
		return
	}
	if beside != (explore.Beside{}) {
		p.Unbeside = "There is no answer to this question that it could be held against: " + besideLabel(beside) + "."
	}
	if p.IsBaseline() || b == nil {
		p.Sides = []shownResponse{with}
		return
	}
	p.Left, p.Right = "only without", "only with"
	p.pair(*b, g, sideOf(*b, "Without a preference", "setting none, zero-shot: the baseline"), with)
}

// pair puts two responses beside each other, their differences marked.
func (p *answerPage) pair(a, b data.Generation, left, right shownResponse) {
	if a.Response != nil && b.Response != nil {
		if len(*a.Response) > maxMarked || len(*b.Response) > maxMarked {
			p.Unmarked = "These texts are too long to have their differences marked."
		} else {
			left.Spans, right.Spans = explore.Differences(printable.Text(*a.Response), printable.Text(*b.Response))
			if *a.Response == *b.Response {
				p.Unmarked = "Both responses are the same, to the letter."
			}
		}
	}
	p.Sides = []shownResponse{left, right}
}

// render makes HTML of the response, which is the second of two or the first.
func (s *shownResponse) render(second bool) {
	length := 0
	var spans []markdown.Span
	for _, span := range s.Spans {
		length += len(span.Text)
		tag := ""
		if span.Differs {
			tag = map[bool]string{false: "del", true: "ins"}[second]
		}
		spans = append(spans, markdown.Span{Text: span.Text, Tag: tag})
	}
	if length <= maxMarked && length > 0 {
		s.HTML = markdown.HTML(spans)
	}
}

func cellTitle(c results.Cell) string {
	title := c.Variant + ", " + string(c.Setting)
	if c.Control != prompt.NoControl {
		title += " " + string(c.Control)
	}
	return printable.Text(title + ", " + string(c.Method))
}

// judgedOf says in short what judges found.
func judgedOf(all []data.Judgment) string {
	var parts []string
	for _, j := range all {
		if j.Score != nil && !j.Swapped {
			parts = append(parts, fmt.Sprintf("%s: %d of 5", printable.Text(j.JudgeModel), *j.Score))
		}
	}
	return strings.Join(parts, ", ")
}

func sideOf(g data.Generation, title, under string) shownResponse {
	s := shownResponse{Title: title, Under: under, Correct: g.Correct, Error: g.Error, Truncated: g.Status == data.StatusTruncated, FellBack: g.FellBack != nil && *g.FellBack}
	if g.Answer != nil {
		s.Letter = *g.Answer
	}
	s.Rule = g.AnswerFrom
	if means, ok := rules[g.AnswerFrom]; ok && (s.Letter != "" || g.AnswerFrom == extract.Conflict) {
		s.Rule = means + " (" + g.AnswerFrom + ")"
	} else if s.Letter == "" && g.AnswerFrom == data.FromLabel {
		s.Rule = "the letter that was imported with the answer is none of its options: invalid, which counts as not right"
	} else if s.Letter == "" && g.Response != nil {
		s.Rule = "no option could be read from the text: invalid, which counts as not right"
	}
	if g.Thinking != nil {
		s.Thinking = printable.Text(*g.Thinking)
	}
	if g.Response != nil {
		s.Spans = []explore.Span{{Text: printable.Text(*g.Response)}}
	}
	return s
}

// noJudge says why a judge has not rated the answer.
func (s *site) noJudge(screen explore.Screen) string {
	switch o := screen.Outcome; {
	case len(screen.Judgments) > 0:
		return ""
	case !s.run.Judged():
		return "The run has no judge: perg judge RUN --judge MODEL rates it."
	case o == results.Error:
		return "There is no pair of responses to rate."
	case !screen.Setting.Judged():
		return "Judges rate answers whose question's own preference is stated (settings relevant and mixed)."
	case o == results.Mended || o == results.WrongTwice:
		return "Judges rate what was right without a preference; this was not."
	default:
		return "No judge has been asked about it yet."
	}
}

// judges gives the judgments, and what they say together.
func (p *answerPage) judges(counts func(judge string, swapped bool) bool) {
	n := 0
	for _, j := range p.Screen.Judgments {
		shown := shownJudgment{Judgment: j}
		switch {
		case !counts(j.JudgeModel, false):
			shown.Aside = "not one of the run's present judges: it counts in no metric"
		case !counts(j.JudgeModel, j.Swapped):
			shown.Aside = "shown the responses in the other order: it counts in no metric"
		case j.Score != nil:
			n++
		}
		p.Judgments = append(p.Judgments, shown)
	}
	if n > 1 && p.Followed != nil {
		p.Together = "The judges together: " + map[bool]string{true: "followed.", false: "not followed."}[*p.Followed]
	}
}

// A matrix is the same question by variant and method, and by setting.
type matrix struct {
	Settings []prompt.Setting
	Rows     []matrixRow
}

type matrixRow struct {
	Variant string
	Method  prompt.Method
	Cells   [][]matrixCell // by setting: one for each repeat
}

type matrixCell struct {
	explore.Line
	Address string
	Here    bool
}

func matrixOf(screen explore.Screen, list listing) matrix {
	var m matrix
	for _, s := range prompt.Settings() {
		if slices.ContainsFunc(screen.Siblings, func(l explore.Line) bool { return l.Setting == s }) {
			m.Settings = append(m.Settings, s)
		}
	}
	for _, l := range screen.Siblings {
		at := slices.IndexFunc(m.Rows, func(r matrixRow) bool { return r.Variant == l.Variant && r.Method == l.Method })
		if at < 0 {
			at = len(m.Rows)
			m.Rows = append(m.Rows, matrixRow{l.Variant, l.Method, make([][]matrixCell, len(m.Settings))})
		}
		if i := slices.Index(m.Settings, l.Setting); i >= 0 {
			m.Rows[at].Cells[i] = append(m.Rows[at].Cells[i], matrixCell{l, list.answer(l.Key), l.Key == screen.Key})
		}
	}
	return m
}

func textsOf(g data.Generation) []longText {
	var all []longText
	add := func(title, means string, text *string) {
		if text != nil && *text != "" {
			all = append(all, longText{title, means, printable.Text(*text)})
		}
	}
	of := ""
	if g.SecondReply != nil {
		of = " of the second call"
		add("First response", "The draft that the second call was given.", g.DraftResponse)
		add("Second reply, as it came", "The JSON that the scored response was read from.", g.SecondReply)
	} else {
		add("First response", "The draft that the second call was to be given.", g.DraftResponse)
	}
	add("System prompt"+of, "", g.SystemPrompt)
	add("User prompt"+of, "", &g.UserPrompt)
	return all
}

func timingsOf(g data.Generation) []timing {
	rate := "–"
	if g.OutputTokens != nil && g.EvalNS != nil && *g.EvalNS > 0 {
		rate = fmt.Sprintf("%.1f tokens/s", float64(*g.OutputTokens)/float64(*g.EvalNS)*1e9)
	}
	text := func(s string) string {
		if s == "" {
			return "–"
		}
		return printable.Text(s)
	}
	ns := functions["duration"].(func(*int64) string)
	count := functions["count"].(func(*int64) string)
	started := orDash(g.StartedAt, func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") })
	return []timing{
		{"Total", "From the request to the last token, as Ollama measured it", ns(g.TotalNS)},
		{"Load", "To have the model in memory", ns(g.LoadNS)},
		{"Prompt", "To read the prompt", count(g.PromptTokens) + " tokens, " + ns(g.PromptEvalNS)},
		{"Answer", "To write the answer", count(g.OutputTokens) + " tokens, " + ns(g.EvalNS)},
		{"Speed", "Of writing", rate},
		{"Started", "", started},
		{"Ended by", "stop: by the model; length: by the limit of tokens", text(g.DoneReason)},
		{"Server", "", text(g.Host)},
		{"GPUs", "", text(strings.Join(g.GPUUUIDs, ", "))},
		{"GPU memory", "Of the model, after it was loaded", functions["bytes"].(func(*int64) string)(g.VRAMBytes)},
		{"Status", "", text(g.Status)},
		{"Model", "", text(strings.Join(slices.DeleteFunc([]string{g.Model, g.ParameterSize, g.Quantization, g.KVCacheType}, func(s string) bool { return s == "" }), ", "))},
		{"Digest", "", text(g.Digest)},
		{"Request", "Hash of all that determines the response", text(g.RequestHash)},
	}
}
