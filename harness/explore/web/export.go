package web

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"perg/harness/explore"
	"perg/harness/printable"
	"perg/harness/ratings"
)

// An exported is an answer of a list as it is exported: names and meanings are
// those of 'perg export', and of the file of ratings.
type exported struct {
	ItemID         string   `json:"item_id"`
	Variant        string   `json:"variant"`
	Method         string   `json:"method"`
	Setting        string   `json:"setting"`
	Control        string   `json:"control"`
	Repeat         int32    `json:"repeat"`
	Source         string   `json:"source"`
	Category       string   `json:"category"`
	PreferenceType string   `json:"preference_type"`
	Preference     string   `json:"preference"`
	Question       string   `json:"question"`
	Options        []string `json:"options"`
	Gold           string   `json:"gold"`
	BaselineAnswer *string  `json:"baseline_answer"`
	Answer         *string  `json:"answer"`
	AnswerFrom     string   `json:"answer_from"`
	Outcome        string   `json:"outcome"`
	Unscored       bool     `json:"unscored"`
	Score          *float64 `json:"score"`
	Followed       *bool    `json:"followed"`
	BesideAnswer   *string  `json:"beside_answer"`
	BesideOutcome  *string  `json:"beside_outcome"`
	Rating         *int     `json:"rating"`
	Thumb          string   `json:"thumb"`
	Note           string   `json:"note"`
	Response       *string  `json:"response"`
}

// exportedColumns are the names of the columns, in order.
var exportedColumns = []string{
	"item_id", "variant", "method", "setting", "control", "repeat", "source", "category", "preference_type", "preference", "question", "options", "gold",
	"baseline_answer", "answer", "answer_from", "outcome", "unscored", "score", "followed", "beside_answer", "beside_outcome", "rating", "thumb", "note", "response",
}

// cells are the values in the order of the columns; what is not known is "".
func (e exported) cells() []string {
	options, _ := json.Marshal(e.Options) // strings
	return []string{
		e.ItemID, e.Variant, e.Method, e.Setting, e.Control, strconv.Itoa(int(e.Repeat)), e.Source, e.Category, e.PreferenceType, e.Preference, e.Question, string(options), e.Gold,
		known(e.BaselineAnswer, plain), known(e.Answer, plain), e.AnswerFrom, e.Outcome, strconv.FormatBool(e.Unscored),
		known(e.Score, func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }), known(e.Followed, strconv.FormatBool),
		known(e.BesideAnswer, plain), known(e.BesideOutcome, plain), known(e.Rating, strconv.Itoa), e.Thumb, e.Note, known(e.Response, plain),
	}
}

func plain(s string) string { return s }

func known[T any](v *T, say func(T) string) string {
	if v == nil {
		return ""
	}
	return say(*v)
}

func exportedOf(a explore.Answer, m ratings.Mark) exported {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	e := exported{
		ItemID: a.ItemID, Variant: a.Variant, Method: string(a.Method), Setting: string(a.Setting), Control: string(a.Control), Repeat: a.Repeat,
		Source: a.Item.Source, Category: a.Item.Category, PreferenceType: a.Item.PreferenceType, Preference: a.Item.Preference, Question: a.Item.Question,
		Options: a.Options, Gold: a.Gold, BaselineAnswer: text(a.Plain), Answer: text(a.Line.Answer), AnswerFrom: a.Reader, Outcome: string(a.Outcome), Unscored: a.Unscored,
		Score: a.Score, Followed: a.Followed, Thumb: m.Thumb, Note: m.Note, Response: a.Response,
	}
	if a.IsBaseline() {
		e.BaselineAnswer = e.Answer
	}
	if b := a.Beside; b != nil {
		e.BesideAnswer, e.BesideOutcome = text(b.Answer), new(string(b.Outcome))
	}
	if m.Rating > 0 {
		e.Rating = &m.Rating
	}
	return e
}

// export writes all of a list as a file.
func (s *site) export(w http.ResponseWriter, r *http.Request) {
	if !s.wait(w, r) {
		return
	}
	at := s.listing(r.URL.Query())
	sheet, err := s.marks()
	if err != nil {
		s.fail(w, http.StatusInternalServerError, "The list cannot be exported", err.Error())
		return
	}
	if _, err := s.run.List(r.Context(), at.filter, 0, 0); err != nil {
		s.fail(w, http.StatusBadRequest, "The list cannot be exported", printable.Text(err.Error()))
		return
	}
	lines := strings.HasSuffix(r.URL.Path, ".jsonl")
	header := w.Header()
	header.Set("Content-Type", map[bool]string{true: "application/x-ndjson", false: "text/csv; charset=utf-8"}[lines])
	header.Set("Content-Disposition", `attachment; filename="answers`+r.URL.Path[strings.LastIndex(r.URL.Path, "."):]+`"`)
	var write func(exported) error
	done := func() error { return nil }
	if lines {
		out := json.NewEncoder(w)
		out.SetEscapeHTML(false)
		write = func(e exported) error { return out.Encode(e) }
	} else {
		out := csv.NewWriter(w)
		out.Write(exportedColumns) // its error is that of the end
		write = func(e exported) error {
			cells := e.cells()
			for i, cell := range cells {
				cells[i] = ratings.Guarded(cell)
			}
			return out.Write(cells)
		}
		done = func() error { out.Flush(); return out.Error() }
	}
	for a, err := range s.run.Answers(r.Context(), at.filter) {
		if err == nil {
			err = write(exportedOf(a, sheet.Mark(a.Key)))
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the file is cut short, and the browser says so
		}
	}
	if done() != nil {
		panic(http.ErrAbortHandler)
	}
}
